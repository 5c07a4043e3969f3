package httpapi

import (
	"net"
	"testing"
	"time"
)

func TestReaderWhoLeftIsNoticed(t *testing.T) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer listener.Close()
	reader := must(net.Dial("tcp", listener.Addr().String()))(t)
	conn := must(listener.Accept())(t)
	defer conn.Close()
	if hasLeft(conn) {
		t.Error("a silent reader counts as gone")
	}
	if _, err := reader.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if hasLeft(conn) {
		t.Error("a reader who spoke counts as gone")
	}
	var one [1]byte
	if _, err := conn.Read(one[:]); err != nil || one[0] != 'x' {
		t.Errorf("looking took %q off the connection, %v", one, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for !hasLeft(conn) {
		if time.Now().After(deadline) {
			t.Fatal("a reader who left is not noticed")
		}
		time.Sleep(time.Millisecond)
	}
	pipe, _ := net.Pipe()
	if hasLeft(pipe) {
		t.Error("a connection that cannot be looked at counts as gone")
	}
}
