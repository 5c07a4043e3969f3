// Package mosquittotest runs a mosquitto broker for a test: a server that we
// did not write, for the tests of what speaks MQTT. The broker listens on
// loopback only and ends with the test.
package mosquittotest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Broker is a running mosquitto.
type Broker struct {
	Port int // MQTT over TCP
	dir  string
	cmd  *exec.Cmd
}

// Start runs a broker that lets everybody in, unless extra lines of
// configuration say otherwise. The directory of those lines' files is Dir.
func Start(t testing.TB, extra ...string) *Broker {
	t.Helper()
	b := &Broker{Port: FreePort(t), dir: t.TempDir()}
	config := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 100000\n", b.Port)
	for _, line := range extra {
		config += line + "\n"
	}
	if err := os.WriteFile(filepath.Join(b.dir, "mosquitto.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Up(t)
	t.Cleanup(b.Down)
	return b
}

// Up starts the broker again after Down, on the same port.
func (b *Broker) Up(t testing.TB) {
	t.Helper()
	b.cmd = exec.Command("mosquitto", "-c", filepath.Join(b.dir, "mosquitto.conf"))
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(filepath.Join(b.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b.cmd.Stdout, b.cmd.Stderr = log, log
	if err := b.cmd.Start(); err != nil {
		t.Fatalf("start mosquitto (apt install mosquitto): %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for !b.answers(ctx) {
		if ctx.Err() != nil {
			text, _ := os.ReadFile(filepath.Join(b.dir, "log"))
			t.Fatalf("mosquitto does not answer; it said:\n%s", text)
		}
	}
}

func (b *Broker) answers(ctx context.Context) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", b.Address())
	if err != nil {
		pause(ctx, 20*time.Millisecond)
		return false
	}
	conn.Close()
	return true
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Down kills the broker, so that no client hears a farewell.
func (b *Broker) Down() {
	if b.cmd != nil {
		b.cmd.Process.Kill()
		b.cmd.Wait() // says "killed"
		b.cmd = nil
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
