package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/lormas/lormas/shared/dockerd"
	"github.com/lormas/lormas/shared/id"
)

// engine is the Docker engine that the demo runs on.
type engine struct {
	socket  string
	private *dockerd.Engine // nil when it is the machine's own
}

// systemSocket is where a machine's own engine listens.
const systemSocket = "/var/run/docker.sock"

// findEngine returns the engine that DOCKER_HOST names or that the machine
// has running; when there is none and we are root, it starts a private one.
func findEngine(ctx context.Context, dir string, log io.Writer) (*engine, error) {
	socket, err := chosenSocket(os.Getenv("DOCKER_HOST"))
	if err != nil {
		return nil, err
	}
	if err := pingEngine(ctx, socket); err == nil {
		return &engine{socket: socket}, nil
	} else if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("you may not use Docker: add yourself to its group with  sudo usermod -aG docker $USER  and log in again: %w", err)
	} else if socket != systemSocket {
		return nil, fmt.Errorf("the Docker engine of DOCKER_HOST does not answer: start it, or unset DOCKER_HOST: %w", err)
	}
	if err := canStartEngine(os.Geteuid(), exec.LookPath); err != nil {
		return nil, err
	}
	private, err := dockerd.Start(ctx, dockerd.Options{Dir: dir, Log: log})
	if err != nil {
		return nil, fmt.Errorf("start a private Docker engine: %w", err)
	}
	return &engine{socket: private.Socket(), private: private}, nil
}

// chosenSocket reads DOCKER_HOST. Another machine's engine is of no use: the
// demo's address would not be here.
func chosenSocket(host string) (string, error) {
	if host == "" {
		return systemSocket, nil
	}
	socket, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return "", fmt.Errorf("DOCKER_HOST is %s, and lormas dev wants an engine on this machine: unset it or set it to unix:///path/to/socket", host)
	}
	return socket, nil
}

// pingTimeout is short: an engine that is there answers in milliseconds, and
// one that hangs is as good as none.
const pingTimeout = 3 * time.Second

func pingEngine(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	// Connecting tells a missing permission from a missing engine.
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	_ = conn.Close()
	return dockerd.Ping(ctx, socket)
}

// canStartEngine says what stands in the way of a private engine.
func canStartEngine(uid int, lookPath func(string) (string, error)) error {
	if _, err := lookPath("dockerd"); err != nil {
		return errors.New("docker is not installed: run make deps, or: apt-get install -y --no-install-recommends docker.io")
	}
	if uid != 0 {
		return errors.New("docker does not run: start it with  sudo systemctl start docker  or run this as root, which starts a private one")
	}
	return nil
}

func (e *engine) String() string {
	if e.private != nil {
		return "a private one, in " + e.socket
	}
	return "this machine's, at " + e.socket
}

// stop ends the node's containers, and with them the engine if it is private.
func (e *engine) stop(ctx context.Context, node id.NodeID) error {
	if e.private != nil {
		return e.private.Stop(ctx)
	}
	if node.IsZero() {
		return nil // the node was never made, so it has no containers
	}
	return stopContainers(ctx, e.socket, node)
}
