// Package mosquittotest runs a mosquitto broker for a test: a server that we
// did not write, for the tests of what speaks MQTT. The broker listens on
// loopback only and ends with the test.
package mosquittotest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Broker is a running mosquitto.
type Broker struct {
	Port int // MQTT over TCP
	dir  string
	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd has ended
}

// Start runs a broker that lets everybody in, unless extra lines of
// configuration say otherwise.
func Start(t testing.TB, extra ...string) *Broker {
	t.Helper()
	b := &Broker{dir: t.TempDir()}
	t.Cleanup(b.Down)
	const tries = 5 // somebody may take the port before mosquitto does
	for range tries {
		b.Port = FreePort(t)
		config := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nuser root\n%s\n", b.Port, strings.Join(extra, "\n"))
		if err := os.WriteFile(b.path("mosquitto.conf"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if b.up(t) {
			return b
		}
	}
	t.Fatalf("mosquitto does not start; it said:\n%s", b.log())
	return nil
}

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

// log is what mosquitto has said since it was started; it is empty as long as
// there is nothing to read.
func (b *Broker) log() string {
	text, _ := os.ReadFile(b.path("log"))
	return string(text)
}

// Up starts the broker again after Down, on the same port.
func (b *Broker) Up(t testing.TB) {
	t.Helper()
	if !b.up(t) {
		t.Fatalf("mosquitto does not start again; it said:\n%s", b.log())
	}
}

// up reports whether the broker has its port.
func (b *Broker) up(t testing.TB) bool {
	t.Helper()
	log, err := os.Create(b.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b.cmd, b.gone = exec.Command("mosquitto", "-c", b.path("mosquitto.conf")), make(chan struct{})
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := b.cmd.Start(); err != nil {
		t.Fatalf("start mosquitto (apt install mosquitto): %v", err)
	}
	go func(cmd *exec.Cmd, gone chan struct{}) {
		defer close(gone)
		cmd.Wait() // why it ended is in its log
	}(b.cmd, b.gone)
	deadline := time.After(10 * time.Second)
	for !strings.Contains(b.log(), " running") {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-b.gone:
			return false
		case <-deadline:
			return false
		}
	}
	return true
}

// Down kills the broker, so that no client hears a farewell.
func (b *Broker) Down() {
	if b.cmd != nil && b.cmd.Process != nil {
		b.cmd.Process.Kill() // it may have ended already
		<-b.gone
	}
}

// Freeze stops the broker's process without closing a connection, and Thaw
// lets it go on: to its clients the network is cut.
func (b *Broker) Freeze() { b.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (b *Broker) Thaw() { b.cmd.Process.Signal(syscall.SIGCONT) }

// Address is where the broker listens.
func (b *Broker) Address() string { return fmt.Sprintf("127.0.0.1:%d", b.Port) }

// URL is Address for mqttlink.
func (b *Broker) URL() string { return "mqtt://" + b.Address() }

// FreePort finds a port that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Reload has the broker read its configuration again.
func (b *Broker) Reload() { b.cmd.Process.Signal(syscall.SIGHUP) }
