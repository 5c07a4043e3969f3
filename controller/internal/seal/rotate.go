package seal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrInEnvironment is why a ring that came as text cannot be changed.
var ErrInEnvironment = errors.New("the secret key is in the environment, where it cannot be replaced from here: " +
	"put a new line before it (openssl rand -base64 32), start the controllers again, and repeat this; then take the old lines away")

// Lock keeps every other process of this machine from changing the ring's
// file, until release is called, and reads it again.
func (r *Ring) Lock() (release func() error, err error) {
	if r.path == "" {
		return func() error { return nil }, nil
	}
	dir, err := os.Open(filepath.Dir(r.path))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("the secret key is being replaced already: %w", err), dir.Close())
	}
	if err := r.reload(); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir.Close, nil
}

// Add puts a new key before all others. It is in the file when Add returns.
func (r *Ring) Add() error {
	if r.path == "" {
		return ErrInEnvironment
	}
	lines := append([]string{newKey()}, r.lines(func(key) bool { return true })...)
	return r.replace(lines)
}

// KeepOnly drops all keys but one, for good.
func (r *Ring) KeepOnly(id string) error {
	lines := r.lines(func(k key) bool { return k.id == id })
	if len(lines) != 1 {
		return fmt.Errorf("drop old keys: %w (%s)", ErrUnknownKey, id)
	}
	if r.path == "" {
		return ErrInEnvironment
	}
	return r.replace(lines)
}

func (r *Ring) replace(lines []string) error {
	if err := replaceFile(r.path, lines); err != nil {
		return fmt.Errorf("write secret key: %w", err)
	}
	return r.reload()
}

func (r *Ring) lines(want func(key) bool) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var lines []string
	for _, k := range r.keys {
		if want(k) {
			lines = append(lines, k.text)
		}
	}
	return lines
}
