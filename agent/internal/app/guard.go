package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/permit"
)

// The words of --guard that are no program.
const (
	guardAuto     = "auto"
	guardExternal = "external"
	guardOff      = "off"
)

const (
	guardProgram = "lormas-guard"
	// guardCheck is how often it is looked whether the guard is there.
	guardCheck = 500 * time.Millisecond
	// guardPause is the longest between two attempts to start one.
	guardPause = 30 * time.Second
	// guardPatience is how long one that was started may take to answer.
	guardPatience = 5 * time.Second
)

// nodeName is the file that tells a guard which node this is, for one that
// systemd starts.
const nodeName = "node"

// guarded makes the desk and the line to the guard. It returns the boot id.
func (a *agent) guarded() (string, error) {
	bootID, err := guard.BootID()
	if err != nil {
		return "", err
	}
	met, err := a.ledger.Met(bootID)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(a.config.DataDir, nodeName), []byte(a.credential.node.String()+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("write down which node this is: %w", err)
	}
	a.guard = guard.NewClient(a.config.GuardDir, a.credential.node)
	o := permit.Options{
		Guard: a.guard, Clock: guard.Now, Log: a.log, OfflineDelay: time.Duration(a.config.OfflineStartDelay), InTouch: met,
		Met: func() {
			if err := a.ledger.SetMet(bootID); err != nil {
				a.log.Warn("after a restart of the agent without a connection available containers wait once more", "error", err)
			}
		},
	}
	if a.config.Guard == guardOff {
		o.Guard = nil
	}
	a.permits = permit.New(o)
	return bootID, nil
}

// keepGuard has a guard run for as long as the agent does. One that runs
// already is taken over, and none is ended: it counts on without us.
func (a *agent) keepGuard(ctx context.Context) error {
	if a.config.Guard == guardOff || a.config.Guard == guardExternal {
		return nil
	}
	trouble, pause := "", guardCheck
	for {
		err := a.guard.Ping()
		if err != nil {
			err = a.startGuard(ctx)
		}
		if err == nil {
			pause = guardCheck
		} else {
			pause = min(2*pause, guardPause)
		}
		if err != nil && err.Error() != trouble && ctx.Err() == nil {
			trouble = err.Error() // told once
			a.log.Error("no guard runs on this node, so no exclusive container will", "why", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// startGuard starts a guard that outlives the agent and waits for its first
// answer.
func (a *agent) startGuard(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("the guard has to run as root, and so has the agent that starts it")
	}
	program, err := a.findGuard()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.config.GuardDir, 0o700); err != nil {
		return fmt.Errorf("make the guard's directory: %w: choose another with --guard-dir", err)
	}
	// A pipe to us would end it with us, when it next has something to say.
	path := guard.LogFile(a.config.GuardDir, a.credential.node)
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("make the guard's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(program, "--guest", "--node", a.credential.node.String(), "--dir", a.config.GuardDir)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the guard: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }() // ends with the guard, or with us
	deadline := time.After(guardPatience)
	for a.guard.Ping() != nil {
		select {
		case err := <-ended:
			return fmt.Errorf("%s ended at once (%w): %s says why", program, err, path)
		case <-deadline:
			return fmt.Errorf("%s does not answer: %s may say why", program, path)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	a.log.Info("guard started", "program", program, "pid", cmd.Process.Pid, "log", path)
	return nil
}

// findGuard finds the program.
func (a *agent) findGuard() (string, error) {
	if a.config.Guard != guardAuto {
		return a.config.Guard, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), guardProgram)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	found, err := exec.LookPath(guardProgram)
	if err != nil {
		return "", errors.New("lormas-guard is neither beside lormas-agent nor in PATH: put it there, or say where it is with --guard")
	}
	return found, nil
}
