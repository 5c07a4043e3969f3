// Package natstest runs a NATS server that speaks MQTT for a test. The server
// listens on loopback only and ends with the test.
package natstest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/mqttlink/mosquittotest"
)

// Server is a running NATS server.
type Server struct {
	Port int // MQTT over TCP
	dir  string
	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd has ended
}

// Start runs a server; config is told which ports are free for NATS' own
// clients and for MQTT. The configuration is put into dir, which is where the
// server looks for what it includes.
func Start(t testing.TB, dir string, config func(client, mqtt int) string) *Server {
	t.Helper()
	s := &Server{dir: dir}
	t.Cleanup(s.Down)
	const tries = 5 // somebody may take a port before the server does
	for range tries {
		s.Port = mosquittotest.FreePort(t)
		if err := os.WriteFile(s.path("nats.conf"), []byte(config(mosquittotest.FreePort(t), s.Port)), 0o600); err != nil {
			t.Fatal(err)
		}
		if s.up(t) {
			return s
		}
	}
	t.Fatalf("nats-server does not start; it said:\n%s", s.Log())
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// Log is what the server has said since it was started.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.path("log")) // empty as long as there is none
	return string(text)
}

// Up starts the server again after Down, on the same port.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	if !s.up(t) {
		t.Fatalf("nats-server does not start again; it said:\n%s", s.Log())
	}
}

// up reports whether the server takes MQTT connections.
func (s *Server) up(t testing.TB) bool {
	t.Helper()
	log, err := os.Create(s.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd, s.gone = exec.Command("nats-server", "-c", s.path("nats.conf")), make(chan struct{})
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start nats-server (apt install nats-server): %v", err)
	}
	go func(cmd *exec.Cmd, gone chan struct{}) {
		defer close(gone)
		cmd.Wait() // why it ended is in its log
	}(s.cmd, s.gone)
	deadline := time.After(20 * time.Second)
	for {
		if conn, err := net.Dial("tcp", s.Address()); err == nil {
			return conn.Close() == nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-s.gone:
			return false
		case <-deadline:
			return false
		}
	}
}

// Down kills the server, so that no client hears a farewell.
func (s *Server) Down() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Kill() // it may have ended already
		<-s.gone
	}
}

// Reload has the server read its configuration again.
func (s *Server) Reload() { s.cmd.Process.Signal(syscall.SIGHUP) }

// Address is where the server listens for MQTT.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// URL is Address for mqttlink.
func (s *Server) URL() string { return "mqtt://" + s.Address() }
