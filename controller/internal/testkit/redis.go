package testkit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/shared/child"
)

// RedisServer is a Redis of the test's own. It ends with the test.
type RedisServer struct {
	URL string

	t       testing.TB
	socket  string
	process *child.Process
}

// Redis starts a private Redis that keeps nothing on disk.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis-") // t.TempDir may be too long for a socket's path
	if err != nil {
		t.Fatalf("test redis: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // only a socket is in there
	socket := filepath.Join(dir, "s")
	s := &RedisServer{URL: "unix://" + socket, t: t, socket: socket}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server and waits until it answers.
func (s *RedisServer) Start() {
	s.t.Helper()
	command := exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket,
		"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", filepath.Dir(s.socket))
	var err error
	if s.process, err = child.Start(command, syscall.SIGKILL); err != nil {
		s.t.Fatalf("test redis: %v (apt-get install redis-server)", err)
	}
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket, MaxRetries: -1})
	defer client.Close()
	deadline := time.Now().Add(setup)
	for {
		err := client.Ping(context.Background()).Err()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("test redis does not answer: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Kill ends the server at once, as a crash would.
func (s *RedisServer) Kill() {
	s.t.Helper()
	if s.process == nil {
		return
	}
	s.process.Kill()
	s.process = nil
}

// Stop freezes the server: it keeps its connections and answers nothing.
func (s *RedisServer) Stop() { s.signal(syscall.SIGSTOP) }

// Continue ends Stop.
func (s *RedisServer) Continue() { s.signal(syscall.SIGCONT) }

func (s *RedisServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.process.Signal(sig); err != nil {
		s.t.Fatal(fmt.Errorf("signal test redis: %w", err))
	}
}
