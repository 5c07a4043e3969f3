package dev

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/lormas/lormas/shared/localdb"
)

// advise adds to an error what its reader can do about it, as far as the
// cause tells.
func advise(err error, dir string) error {
	var missing *localdb.NotInstalledError
	switch {
	case err == nil, errors.As(err, &missing), errors.Is(err, localdb.ErrInUse):
		return err // says so itself
	case fullDisk(err):
		return fmt.Errorf("the disk is full: make room where %s is (df -h %s), or choose another place with --state-dir: %w", dir, dir, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written to: choose another place with --state-dir: %w", dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("a permission is missing: choose a --state-dir that is yours, or run this as root: %w", err)
	}
	return err
}

// fullDisk also knows the error by its words: what Docker and Postgres say
// reaches us as text.
func fullDisk(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || strings.Contains(strings.ToLower(err.Error()), "no space left on device")
}

// checkFree reports that an address cannot be listened on before anything is
// started: a port in use is the commonest reason for lormas dev to fail.
func checkFree(flag, address string) error {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		return listener.Close()
	}
	_, port, splitErr := net.SplitHostPort(address)
	if splitErr == nil && errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %s is in use: see by whom with  ss -ltnp 'sport = :%s'  and stop that, or choose another with %s", port, port, flag)
	}
	return fmt.Errorf("%s: %w", flag, err)
}
