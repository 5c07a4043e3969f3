package telemetry

import (
	"net"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestListeners(t *testing.T) {
	files := fstest.MapFS{
		"proc/net/tcp": {Data: []byte(`  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000
   2: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000
   3: 00000000:4E20 00000000:0000 0A 00000000:00000000 00:00000000 00000000
`)},
		"proc/net/tcp6": {Data: []byte(`  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0
   1: 0000000000000000FFFF00000100000A:0050 00000000000000000000000000000000:0000 0A 0
`)},
		"proc/net/udp": {Data: []byte(`   sl  local_address rem_address   st
   0: 00000000:0035 00000000:0000 07 00000000:00000000
   1: 00000000:9C40 00000000:0000 07 00000000:00000000
`)},
	}
	var l listeners
	start := time.Unix(1000, 0)
	got, err := l.look(files, func() []spec.Port { return []spec.Port{{Host: 20000, Container: 80, Protocol: spec.Both}} }, start)
	want := []wire.Listener{
		{Port: 22, Protocol: "tcp"}, {Port: 53, Protocol: "udp"}, {IP: "10.0.0.1", Port: 80, Protocol: "tcp"}, {IP: "127.0.0.1", Port: 8080, Protocol: "tcp"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	// What a container of ours had stays ours when it is gone, and the sockets
	// are not read at every heartbeat.
	files["proc/net/udp"] = &fstest.MapFile{}
	if got, _ := l.look(files, nil, start.Add(busyEvery/2)); !slices.Equal(got, want) {
		t.Errorf("soon after: %v", got)
	}
	want = slices.Delete(want, 1, 2)
	if got, _ := l.look(files, nil, start.Add(busyEvery)); !slices.Equal(got, want) {
		t.Errorf("later: %v, want %v", got, want)
	}
	files["proc/net/udp"] = &fstest.MapFile{Data: []byte("0: zz:zz 0:0 07")}
	if _, err := l.look(files, nil, start.Add(2*busyEvery)); err == nil {
		t.Error("nonsense was read")
	}
}

func TestListenersOfThisMachine(t *testing.T) {
	here, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	port := here.Addr().(*net.TCPAddr).Port
	var l listeners
	got, err := l.look(os.DirFS("/"), nil, time.Now())
	if err != nil || !slices.Contains(got, wire.Listener{IP: "127.0.0.1", Port: port, Protocol: "tcp"}) && len(got) < maxListeners {
		t.Errorf("port %d is not among %v (%v)", port, got, err)
	}
}
