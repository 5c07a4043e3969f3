package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"

	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/dockerd"
)

// Part is a program of the lab that can be ended and started again, as often
// as a test likes. It is safe for concurrent use.
type Part struct {
	Name   string
	launch func(context.Context) (instance, error)

	mu  sync.Mutex
	now instance // nil when it was never started
}

// instance is one run of a part.
type instance interface {
	Signal(syscall.Signal) error
	Stop(context.Context) error // in order
	Kill() error                // as a crash does
	Done() <-chan struct{}
}

// Start runs the part; one that runs already is left alone.
func (p *Part) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return nil
	}
	now, err := p.launch(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.now = now
	return nil
}

// Stop ends the part in order.
func (p *Part) Stop(ctx context.Context) error {
	return p.do("stop", func(now instance) error { return now.Stop(ctx) })
}

// Kill ends the part with SIGKILL and returns when it is gone.
func (p *Part) Kill() error { return p.do("kill", instance.Kill) }

// Pause freezes the part: its connections stay, and it answers nothing.
func (p *Part) Pause() error {
	return p.do("pause", func(now instance) error { return now.Signal(syscall.SIGSTOP) })
}

// Resume lets a frozen part go on.
func (p *Part) Resume() error {
	return p.do("resume", func(now instance) error { return now.Signal(syscall.SIGCONT) })
}

// Running reports whether the part runs; a frozen one does.
func (p *Part) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

func (p *Part) do(verb string, act func(instance) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return nil
	}
	if err := act(p.now); err != nil {
		return fmt.Errorf("%s %s: %w", verb, p.Name, err)
	}
	return nil
}

func (p *Part) running() bool {
	if p.now == nil {
		return false
	}
	select {
	case <-p.now.Done():
		return false
	default:
		return true
	}
}

// program is an instance that is an ordinary process.
type program struct{ *child.Process }

// launchProgram runs args with its output appended to log. It is killed when
// the lab's own process dies: also when it is frozen at that moment.
func launchProgram(args, env []string, log io.Writer) (instance, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	process, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	return program{process}, nil
}

func (p program) Stop(ctx context.Context) error { return p.Process.Stop(ctx, syscall.SIGTERM) }

func (p program) Kill() error {
	p.Process.Kill()
	return nil
}

// engine is an instance that is a Docker engine.
type engine struct{ *dockerd.Engine }

func (e engine) Kill() error {
	e.Engine.Kill()
	return nil
}

func (e engine) Signal(s syscall.Signal) error {
	switch s {
	case syscall.SIGSTOP:
		return e.Pause()
	case syscall.SIGCONT:
		return e.Resume()
	}
	return errors.ErrUnsupported
}
