package localdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pollEvery is how often we look whether a server has come up or gone.
const pollEvery = 10 * time.Millisecond

// leftoverGrace is how long servers of a killed owner may take to finish:
// they got their signal from the kernel when it died.
const leftoverGrace = 10 * time.Second

// home is a directory that we own for as long as lock is open.
type home struct {
	dir  string
	user account
	lock *os.File
}

// claim makes dir, owned by the account, and takes its lock.
func claim(dir string, user account) (*home, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("the directory %q must be absolute", dir)
	}
	if err := user.own(dir); err != nil {
		return nil, err
	}
	if err := user.canEnter(dir); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "owner.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(lock.Name()) // only makes the message better
		return nil, errors.Join(fmt.Errorf("%w: process %s runs a server in %s; stop it or choose another directory",
			ErrInUse, strings.TrimSpace(string(owner)), dir), lock.Close())
	}
	h := &home{dir: dir, user: user, lock: lock}
	if err := h.sign(); err != nil {
		return nil, errors.Join(err, h.release())
	}
	return h, nil
}

// sign writes our pid into the lock, for the message that others get.
func (h *home) sign() error {
	if err := h.lock.Truncate(0); err != nil {
		return err
	}
	_, err := h.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// release gives the directory back; once more does no harm.
func (h *home) release() error {
	if err := h.lock.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// clear ends what a killed owner has left running in workDir, which is the
// working directory of the server and of all its helpers. Call it with the
// lock held: nobody living wants these processes.
func (h *home) clear(ctx context.Context, workDir string) error {
	deadline := time.Now().Add(leftoverGrace)
	for {
		left := workers(workDir)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			for _, pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have gone meanwhile
			}
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return fmt.Errorf("wait for processes %v of an earlier run in %s: %w", left, workDir, ctx.Err())
		}
	}
}

// workers finds the servers whose working directory is dir. Looking there
// needs no trust in pid files, whose numbers may belong to others by now. The
// directories are compared, not their names: seen from inside a chroot, a
// server outside of it has the name that ours has inside.
func workers(dir string) []int {
	own, err := os.Stat(dir)
	if err != nil {
		return nil // nobody works where nothing is
	}
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is well-formed
	var found []int
	for _, link := range links {
		target, err := os.Stat(link)
		if err != nil || !os.SameFile(target, own) {
			continue
		}
		process := filepath.Dir(link)
		name, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil || !slices.Contains([]string{"postgres", "redis-server"}, strings.TrimSpace(string(name))) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil {
			found = append(found, pid)
		}
	}
	return found
}
