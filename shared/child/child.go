// Package child runs programs that must not outlive this process: the kernel
// signals them when it dies, also when it is killed. A command goes in, a
// Process to wait for and to stop comes out. It knows nothing of what the
// program does.
package child

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a running child. It is safe for concurrent use.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended and err is set
	err  error
}

// Start runs cmd in a process group of its own, so that Ctrl-C in a terminal
// reaches only us and we stop the children in order. When this process ends,
// the kernel sends onDeath.
//
// cmd must not have been made with a context: a child ends by Stop or Kill.
func Start(cmd *exec.Cmd, onDeath syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = onDeath
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = time.Second // a grandchild that holds our pipe must not keep us waiting
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The death signal is bound to the thread that started the child, not
		// to the process: the thread must live as long as the child does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Pid is the process id; it stays known after the end.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the program ended: nil for exit code 0. It waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Signal sends s; a program that has ended already is no error.
func (p *Process) Signal(s syscall.Signal) error {
	// Through os.Process, which knows whether the pid is still ours.
	err := p.cmd.Process.Signal(s)
	if err != nil && !p.ended() && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", p.Pid(), err)
	}
	return nil
}

// Stop asks the program with s to end and waits for it. When ctx ends first,
// the program is killed and the error says so.
func (p *Process) Stop(ctx context.Context, s syscall.Signal) error {
	if err := p.Signal(s); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("process %d did not stop and was killed: %w", p.Pid(), context.Cause(ctx))
	}
}

// Kill ends the program with SIGKILL and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // fails only when it has gone already
	<-p.done
}

func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
