package reign

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Identity is who a controller is among those of one database. It stays with
// the state directory, so that a restart on the same machine waits for nobody,
// and only one process has it at a time.
type Identity struct {
	ID   string
	lock *os.File
}

// Assume takes the identity that a state directory holds; a directory without
// one is given one.
func Assume(dir string) (*Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "controller.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		owner, _ := os.ReadFile(lock.Name()) // only makes the message better
		return nil, errors.Join(fmt.Errorf("another controller (process %s) uses the state directory %s: stop it, or choose another with --state-dir",
			strings.TrimSpace(string(owner)), dir), lock.Close())
	}
	name, err := nameIn(filepath.Join(dir, "controller.id"))
	if err == nil {
		err = note(lock)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("identity of this controller: %w", err), lock.Close())
	}
	return &Identity{ID: name, lock: lock}, nil
}

func note(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// nameIn reads the name, or makes one up after the machine.
func nameIn(file string) (string, error) {
	text, err := os.ReadFile(file)
	if name := strings.TrimSpace(string(text)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "controller"
	}
	raw := make([]byte, 4)
	_, _ = rand.Read(raw) // never fails: crypto/rand says so
	name := host + "-" + hex.EncodeToString(raw)
	aside := file + ".new"
	if err := os.WriteFile(aside, []byte(name+"\n"), 0o600); err != nil {
		return "", err
	}
	return name, os.Rename(aside, file)
}

// Release lets another process have the identity.
func (i *Identity) Release() error { return i.lock.Close() }
