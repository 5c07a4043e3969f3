package witness

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Every is how often a copy writes down that it runs.
const Every = 100 * time.Millisecond

// The names of what a copy reads from its environment.
const (
	EnvDir  = "WITNESS_DIR"  // where all copies write; left out: /shared
	EnvStop = "WITNESS_STOP" // how long it takes to end when asked, such as 3s

	envContainer = "LORMAS_CONTAINER"
	envNode      = "LORMAS_NODE"
	envEpoch     = "LORMAS_EPOCH"
)

// Copy is one run of a container.
type Copy struct {
	Container, Node, Epoch string
	Dir                    string
	Stop                   time.Duration
}

// FromEnv is the copy that this process is.
func FromEnv(getenv func(string) string) (Copy, error) {
	c := Copy{
		Container: getenv(envContainer), Node: getenv(envNode), Epoch: getenv(envEpoch),
		Dir: cmp.Or(getenv(EnvDir), "/shared"),
	}
	if c.Container == "" || c.Epoch == "" {
		return c, fmt.Errorf("%s and %s must be set, as the agent does", envContainer, envEpoch)
	}
	stop, err := time.ParseDuration(cmp.Or(getenv(EnvStop), "0s"))
	if err != nil {
		return c, fmt.Errorf("%s: %w", EnvStop, err)
	}
	c.Stop = stop
	return c, nil
}

// Run writes until ctx ends, and for Stop longer.
func (c Copy) Run(ctx context.Context) error {
	dir := filepath.Join(c.Dir, c.Container)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return err
	}
	defer lock.Close()
	file, err := os.OpenFile(filepath.Join(dir, c.fileName()), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()

	tick := time.NewTicker(Every)
	defer tick.Stop()
	asked, end := ctx.Done(), make(<-chan time.Time)
	for {
		if err := write(file, lock); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-asked:
			asked, end = nil, time.After(c.Stop)
		case <-end:
			return write(file, lock)
		}
	}
}

const lockName = "lock"

// fileName tells whose file it is. A run is told apart by chance: no two
// share a file, whatever went wrong with their epochs.
func (c Copy) fileName() string {
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails: crypto/rand says so
	return c.Epoch + "~" + c.Node + "~" + hex.EncodeToString(raw)
}

// write appends a line: the time, and whether the lock is ours.
func write(file, lock *os.File) error {
	mark := held
	err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		mark, err = refused, nil
	}
	if err != nil {
		return fmt.Errorf("take the lock: %w", err)
	}
	now, err := Now()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%d %s\n", now, mark)
	return err
}

const (
	held    = "held"
	refused = "refused"
)

// Now is the machine's monotonic time, the same in all its containers.
func Now() (time.Duration, error) {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		return 0, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return time.Duration(at.Nano()), nil
}
