package dev

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// state is the directory that outlives a run. While it is open, no other
// lormas dev can use it.
type state struct {
	dir  string
	lock *os.File
}

// defaultStateDir is one that the user of the databases can enter: root's
// own home is closed to everybody else.
func defaultStateDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/lormas-dev", nil
	}
	if base := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "lormas-dev"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w: say where with --state-dir", err)
	}
	return filepath.Join(home, ".local/state/lormas-dev"), nil
}

// openState makes the directory and takes its lock.
func openState(dir string) (*state, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "dev.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(lock.Name()) // only makes the message better
		return nil, errors.Join(fmt.Errorf("lormas dev runs already, as process %s: stop it, or choose another --state-dir and other ports",
			strings.TrimSpace(string(owner))), lock.Close())
	}
	s := &state{dir: dir, lock: lock}
	if err := s.sign(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// sign writes our pid into the lock, for the message that others get. On a
// full disk this is the first thing to fail.
func (s *state) sign() error {
	if err := s.lock.Truncate(0); err != nil {
		return err
	}
	_, err := s.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func (s *state) close() error { return s.lock.Close() }

func (s *state) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

// log opens the file for what a part prints. Runs follow one another in it.
func (s *state) log(part string) (*os.File, error) {
	return os.OpenFile(s.path("logs", part+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
