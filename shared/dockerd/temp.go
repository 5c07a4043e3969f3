package dockerd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// tempRoot holds the engines of test binaries, one directory each.
const tempRoot = "/tmp/lormas-engines"

// Temp starts an engine for one test binary, on a network of its own. Its
// Close removes everything; if the binary is killed before, the next Temp
// does.
func Temp(ctx context.Context, args ...string) (*Engine, error) {
	dir, owner, err := claim()
	if err != nil {
		return nil, err
	}
	e, err := Start(ctx, Options{Dir: dir, NetNS: PrivateNet, BIP: "172.31.250.1/24", Args: args})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir), owner.Close())
	}
	e.owner = owner
	return e, nil
}

// claim makes a directory that is ours for as long as the returned file is
// open, and removes those that are nobody's any more. Test binaries take
// turns, or one would sweep what another is just making.
func claim() (dir string, owner *os.File, err error) {
	if err := os.MkdirAll(tempRoot, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the directory for engines: %w", err)
	}
	turn, err := lock(filepath.Join(tempRoot, "lock"), syscall.LOCK_EX)
	if err != nil {
		return "", nil, fmt.Errorf("wait for other tests: %w", err)
	}
	defer turn.Close()
	if err := sweepAbandoned(); err != nil {
		return "", nil, err
	}
	if dir, err = os.MkdirTemp(tempRoot, "e"); err != nil {
		return "", nil, fmt.Errorf("make the engine's directory: %w", err)
	}
	if owner, err = own(dir); err != nil {
		return "", nil, fmt.Errorf("claim the engine's directory: %w", err)
	}
	return dir, owner, nil
}

func own(dir string) (*os.File, error) {
	return lock(filepath.Join(dir, "owner"), syscall.LOCK_EX|syscall.LOCK_NB)
}

// lock holds a file until it is closed, at the latest by the end of the
// process; no child inherits it.
func lock(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// sweepAbandoned removes the engines whose test binary has ended without
// closing them.
func sweepAbandoned() error {
	dirs, err := filepath.Glob(filepath.Join(tempRoot, "e*"))
	if err != nil {
		return fmt.Errorf("list engines of earlier tests: %w", err)
	}
	var errs []error
	for _, dir := range dirs {
		owner, err := own(dir)
		if err != nil {
			continue // somebody's
		}
		errs = append(errs, Sweep(dir), os.RemoveAll(dir), owner.Close())
	}
	return errors.Join(errs...)
}
