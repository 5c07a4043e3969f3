package dockerd

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sweepTimeout bounds how long killed processes may take to be gone.
const sweepTimeout = 10 * time.Second

// Sweep ends what is left of the engine in a directory: its daemons, its
// containers, its cgroups and its run-time state. Images, stopped
// containers and volumes stay. No engine may be running there that someone
// still wants.
func Sweep(dir string) error {
	deadline := time.Now().Add(sweepTimeout)
	for {
		// The daemons before the containers, or a shim would report an exit
		// that nobody asked for; again and again, because what is being
		// killed may still be forking.
		left := killAll(append(daemons(dir), members(dir)...))
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("sweep %s: %d processes do not die", dir, left)
		}
		time.Sleep(10 * time.Millisecond)
	}
	// The mounts have gone with the last process of their namespace.
	return errors.Join(
		removeCgroups(dir),
		os.RemoveAll(filepath.Join(dir, "exec")),
		os.RemoveAll(filepath.Join(dir, "run")),
	)
}

// clearWay lets dockerd start where another was killed: it refuses to while
// its pid file, or containerd's, names a process that is alive, whoever that
// is by now.
func clearWay(dir string) error {
	deadline := time.Now().Add(sweepTimeout)
	for killAll(masters(dir)) > 0 {
		if time.Now().After(deadline) {
			return fmt.Errorf("an earlier dockerd in %s does not die", dir)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, name := range []string{"docker.pid", "exec/containerd/containerd.pid"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a stale pid file: %w", err)
		}
	}
	return nil
}

func killAll(pids []int) int {
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone by now
	}
	return len(pids)
}

// daemons finds dockerd, containerd and the shims that work in dir.
func daemons(dir string) []int {
	return append(masters(dir), processes(dir, "containerd-shim-runc-v2", "containerd-shim")...)
}

func masters(dir string) []int { return processes(dir, "dockerd", "containerd") }

// processes finds running programs of the given names that have a path below
// dir among their arguments.
func processes(dir string, names ...string) []int {
	var found []int
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is well-formed
	for _, line := range lines {
		text, err := os.ReadFile(line)
		program, args, _ := bytes.Cut(text, []byte{0})
		if err != nil || !slices.Contains(names, filepath.Base(string(program))) {
			continue
		}
		if bytes.Contains(args, []byte(dir+"/")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			found = append(found, pid)
		}
	}
	return found
}

// cgroupName is the group that all containers of the engine in dir are in.
func cgroupName(dir string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(dir)) // a hash never fails
	return fmt.Sprintf("lormas-engine-%x", sum.Sum64())
}

// cgroups lists the directories of that group, deepest first, in every
// hierarchy of cgroup v1 as well as in v2.
func cgroups(dir string) []string {
	var found []string
	for _, root := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		tops, _ := filepath.Glob(root + cgroupName(dir)) // the pattern is well-formed
		for _, top := range tops {
			_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					found = append(found, path)
				}
				return nil // a group that goes away meanwhile is what we want
			})
		}
	}
	slices.Reverse(found)
	return found
}

// members lists the processes in the engine's containers.
func members(dir string) []int {
	seen := map[int]bool{}
	var pids []int
	for _, group := range cgroups(dir) {
		text, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			pid, err := strconv.Atoi(field)
			if err == nil && pid > 0 && !seen[pid] {
				seen[pid] = true
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func removeCgroups(dir string) error {
	var errs []error
	for _, group := range cgroups(dir) {
		if err := syscall.Rmdir(group); err != nil && !errors.Is(err, syscall.ENOENT) {
			errs = append(errs, fmt.Errorf("remove cgroup %s: %w", group, err))
		}
	}
	return errors.Join(errs...)
}
