package docker

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// Logs hands over a container's output, both streams as one, in pieces as
// they come; each is valid only until the call returns. With Follow it goes
// on until the container ends or the context does. An error of write ends it
// and is returned. While a container is installed, and after that failed, the
// output is that of the installation.
func (e *Engine) Logs(ctx context.Context, c id.ContainerID, opt runtime.LogOptions, write func([]byte) error) error {
	f, err := e.speaker(ctx, c)
	if err != nil {
		return err
	}
	return e.readLogs(ctx, f.DockerID, opt, write)
}

// speaker is whose output is that of a container: its own while it runs, else
// that of its installer, if it has one.
func (e *Engine) speaker(ctx context.Context, c id.ContainerID) (runtime.Found, error) {
	f, err := e.one(ctx, c)
	if f.Running || err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return f, err
	}
	installers, fault := e.installers(ctx, c)
	switch {
	case fault != nil:
		return f, fault
	case len(installers) > 0:
		return installers[0], nil
	}
	return f, err
}

func (e *Engine) readLogs(ctx context.Context, dockerID string, opt runtime.LogOptions, write func([]byte) error) error {
	details, err := e.api.ContainerInspect(ctx, dockerID)
	if err != nil {
		return e.fault("inspect the container", err)
	}
	stream, err := e.api.ContainerLogs(ctx, dockerID, logsOptions(opt))
	if err != nil {
		return e.fault("open the container's log", err)
	}
	defer stream.Close()
	sink := &sink{write: write}
	if details.Config.Tty {
		_, err = io.Copy(sink, stream)
	} else {
		_, err = stdcopy.StdCopy(sink, sink, stream)
	}
	switch {
	case sink.err != nil:
		return sink.err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return e.fault("read the container's log", err)
}

func logsOptions(opt runtime.LogOptions) container.LogsOptions {
	out := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: opt.Follow, Tail: "all"}
	if opt.Tail >= 0 {
		out.Tail = strconv.Itoa(opt.Tail)
	}
	if !opt.Since.IsZero() {
		out.Since = opt.Since.UTC().Format(time.RFC3339Nano)
	}
	return out
}

// sink is a writer over a function. It remembers the function's error, which
// stdcopy would disguise.
type sink struct {
	write func([]byte) error
	err   error
}

func (s *sink) Write(data []byte) (int, error) {
	if s.err = s.write(data); s.err != nil {
		return 0, s.err
	}
	return len(data), nil
}
