package e2e

import (
	"bytes"
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

	"github.com/lormas/lormas/shared/dockerd"
)

// own takes the lock of a lab's directory. It is held for as long as the file
// is open, and no child inherits it: an unlocked lab has no owner any more.
func own(dir string) (*os.File, bool) {
	file, err := os.OpenFile(filepath.Join(dir, "owner.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, false
	}
	return file, true
}

// sweepAbandoned removes the labs whose owner has ended without closing them.
func sweepAbandoned(ctx context.Context) error {
	dirs, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		lock, abandoned := own(dir)
		if !abandoned {
			continue
		}
		errs = append(errs, sweep(dir), lock.Close())
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// sweepTimeout bounds how long killed processes may take to be gone.
const sweepTimeout = 10 * time.Second

// sweep removes all that a lab has on the machine: processes, containers,
// mounts, cgroups, namespaces and the directory. Call it with the lock held.
func sweep(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	errs := []error{endPrograms(ctx, dir)}
	engines, err := filepath.Glob(filepath.Join(dir, "n[0-9]*"))
	errs = append(errs, err)
	for _, engine := range engines {
		errs = append(errs, dockerd.Sweep(engine))
	}
	spaces, err := filepath.Glob(filepath.Join(namespaceDir, namespacePrefix(filepath.Base(dir))+"*"))
	errs = append(errs, err)
	for _, space := range spaces {
		errs = append(errs, namespace(filepath.Base(space)).remove(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(dir))...)
}

// programs are those that a lab starts besides its Docker engines.
var programs = []string{"lormas", "lormas-agent", guardProgram, "mosquitto", "mosquitto_sub", "postgres", "redis-server"}

// endPrograms kills what still runs of a lab. The kernel has signalled all of
// it when the owner died; what was frozen then could not act on that.
func endPrograms(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	for {
		left := programsBelow(dir, programs...)
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone by now
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("processes %v of the lab in %s do not die", left, dir)
		}
	}
}

// programsBelow finds programs by what they are, not by remembered pids: they
// work in the directory or have it among their arguments.
func programsBelow(dir string, names ...string) []int {
	processes, _ := filepath.Glob("/proc/[0-9]*") // the pattern is well-formed
	var found []int
	for _, process := range processes {
		name, err := os.ReadFile(filepath.Join(process, "comm"))
		if err != nil || !slices.Contains(names, strings.TrimSpace(string(name))) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(process, "cmdline")) // gone meanwhile: empty
		cwd, _ := os.Readlink(filepath.Join(process, "cwd"))
		if bytes.Contains(args, []byte(dir+"/")) || strings.HasPrefix(cwd, dir+"/") {
			pid, _ := strconv.Atoi(filepath.Base(process)) // a number: the pattern says so
			found = append(found, pid)
		}
	}
	return found
}
