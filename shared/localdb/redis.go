package localdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// RedisOptions says what to start.
type RedisOptions struct {
	Dir string    // its socket and nothing else; absolute; made when missing
	Log io.Writer // what the server prints; nil: nothing
}

// Redis is a running server that keeps nothing on disk: to us Redis is a view
// that may vanish.
type Redis struct{ server }

// StartRedis runs a server in a directory and returns when it answers. ctx is
// for the start only.
func StartRedis(ctx context.Context, opt RedisOptions) (*Redis, error) {
	r, err := startRedis(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("start Redis: %w", err)
	}
	return r, nil
}

func startRedis(ctx context.Context, opt RedisOptions) (*Redis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, &NotInstalledError{Program: "Redis", Package: "redis-server"}
	}
	user, err := chooseAccount(opt.Dir, "lormas", "redis", "nobody")
	if err != nil {
		return nil, err
	}
	h, err := claim(opt.Dir, user)
	if err != nil {
		return nil, err
	}
	r := &Redis{server{home: h, workDir: opt.Dir, stop: syscall.SIGTERM}}
	if err := r.run(ctx, program, opt); err != nil {
		return nil, errors.Join(err, h.release())
	}
	return r, nil
}

func (r *Redis) run(ctx context.Context, program string, opt RedisOptions) error {
	if err := r.home.clear(ctx, r.workDir); err != nil {
		return err
	}
	socket := socketFile(opt.Dir)
	if len(socket) > maxSocket {
		return fmt.Errorf("the path %s is too long for a unix socket: choose a shorter one", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	r.url = RedisURL(opt.Dir)
	args := []string{
		program,
		"--port", "0",
		"--unixsocket", socket, "--unixsocketperm", "700",
		"--dir", opt.Dir,
		"--save", "", "--appendonly", "no",
		"--maxmemory-policy", "noeviction",
		"--daemonize", "no",
	}
	return r.start(ctx, args, orDiscard(opt.Log), func() bool { return answers(socket) })
}

// RedisURL is how a server in a directory is reached, running or not.
func RedisURL(dir string) string {
	return (&url.URL{Scheme: "unix", Path: socketFile(dir)}).String()
}

func socketFile(dir string) string { return filepath.Join(dir, "redis.sock") }

// answers reports whether a Redis behind a socket replies to PING.
func answers(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	reply := make([]byte, 16)
	n, err := conn.Read(reply)
	return err == nil && strings.HasPrefix(string(reply[:n]), "+PONG")
}
