package localdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/lormas/lormas/shared/child"
)

// startTimeout is generous: after a crash Postgres first replays its log.
const startTimeout = 60 * time.Second

// server is what Postgres and Redis have in common.
type server struct {
	home    *home
	workDir string         // working directory of the server's processes
	stop    syscall.Signal // asks for an orderly end
	process *child.Process
	url     string
}

// start runs args as the home's user and returns when ready says so.
func (s *server) start(ctx context.Context, args []string, log io.Writer, ready func() bool) error {
	said := &lastWords{}
	cmd := command(s.home.user, args, io.MultiWriter(said, log))
	process, err := child.Start(cmd, s.stop)
	if err != nil {
		return err
	}
	s.process = process
	if err := s.await(ctx, ready); err != nil {
		process.Kill()
		return explain(err, said)
	}
	return nil
}

func (s *server) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ready() {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.Done():
			return fmt.Errorf("it ended while starting (%v)", s.process.Err())
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		}
	}
}

// command prepares a program that runs as user and prints to out. It starts
// in "/" because the user may not be allowed to enter our own directory.
func command(user account, args []string, out io.Writer) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user.credential()}
	return cmd
}

// URL is what a client connects to.
func (s *server) URL() string { return s.url }

// Pid is the server's main process.
func (s *server) Pid() int { return s.process.Pid() }

// Done is closed when the server has ended, for whatever reason.
func (s *server) Done() <-chan struct{} { return s.process.Done() }

// Signal sends a signal to the server's main process: SIGSTOP freezes it.
func (s *server) Signal(sig syscall.Signal) error { return s.process.Signal(sig) }

// Stop ends the server in order, which cuts its clients, and gives the
// directory back.
func (s *server) Stop(ctx context.Context) error {
	return errors.Join(s.process.Stop(ctx, s.stop), s.home.release())
}

// Kill ends the server as a crash does, waits until it and its helpers are
// gone, and gives the directory back.
func (s *server) Kill() error {
	s.process.Kill()
	ctx, cancel := context.WithTimeout(context.Background(), 2*leftoverGrace)
	defer cancel()
	return errors.Join(s.home.clear(ctx, s.workDir), s.home.release())
}

// orDiscard lets callers leave the log out.
func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
