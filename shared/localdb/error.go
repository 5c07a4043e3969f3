package localdb

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
)

// ErrInUse means that another living process runs a server in the directory.
var ErrInUse = errors.New("the directory is in use")

// NotInstalledError says that a server is not on this machine, and the way to
// get it.
type NotInstalledError struct {
	Program string // what was looked for
	Package string // the Debian package that brings it
}

func (e *NotInstalledError) Error() string {
	return fmt.Sprintf("%s is not installed: run make deps, or: apt-get install -y --no-install-recommends %s", e.Program, e.Package)
}

// explain joins what a server printed last to the error that it ended with.
// The two causes that a user can mend carry their system error, so that
// callers can tell them with errors.Is: ENOSPC and EACCES.
func explain(err error, said *lastWords) error {
	text := said.String()
	switch {
	case strings.Contains(text, "No space left on device"):
		err = errors.Join(syscall.ENOSPC, err)
	case strings.Contains(strings.ToLower(text), "permission denied"):
		err = errors.Join(syscall.EACCES, err)
	}
	if text == "" {
		return err
	}
	return fmt.Errorf("%w; its last words:\n%s", err, text)
}

// lastWords keeps the end of what a server prints.
type lastWords struct {
	mu   sync.Mutex
	tail []byte
}

const maxLastWords = 2 << 10

func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, p...)
	if over := len(w.tail) - maxLastWords; over > 0 {
		w.tail = append(w.tail[:0], w.tail[over:]...)
	}
	return len(p), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(bytes.TrimSpace(w.tail))
}
