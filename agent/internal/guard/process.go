package guard

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// process is one that is held by a pidfd: a signal to it can never reach
// another that got its number.
type process struct {
	pid  int
	fd   int
	born uint64 // ticks since the boot
}

var errGone = errors.New("the process has ended")

func openProcess(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: pid %d: %w", errGone, pid, err)
	}
	p := &process{pid: pid, fd: fd}
	p.born, err = bornAt(pid)
	if err != nil || !p.alive() { // what was read may be of the next one with this pid
		p.close()
		return nil, errGone
	}
	return p, nil
}

// alive is false as soon as the process has exited; of a container's init,
// as soon as every process of its namespace has.
func (p *process) alive() bool {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err != nil || n == 0
}

func (p *process) signal(s unix.Signal) error { return unix.PidfdSendSignal(p.fd, s, nil, 0) }

func (p *process) close() { _ = unix.Close(p.fd) }

// bornAt reads when a process began, in ticks since the boot.
func bornAt(pid int) (uint64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	const after = 19 // fields between the name, which may hold anything, and starttime
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) <= after {
		return 0, fmt.Errorf("/proc/%d/stat is not as expected", pid)
	}
	return strconv.ParseUint(fields[after], 10, 64)
}

// belongsTo tells of which copy a process is: by its cgroup, where the copy was
// announced under its Docker id, else by its environment, which it may have
// overwritten. It is false when of none of the node's exclusive ones.
func belongsTo(pid int, node id.NodeID, expected map[string]lease.Copy) (lease.Copy, bool) {
	for dockerID, c := range expected {
		if inCgroupOf(pid, dockerID) {
			return c, true
		}
	}
	return saysItIsOf(pid, node)
}

// saysItIsOf reads of which copy a process is from its environment.
func saysItIsOf(pid int, node id.NodeID) (lease.Copy, bool) {
	var c lease.Copy
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil || !bytes.Contains(text, []byte(lease.EnvHA+"="+lease.Exclusive)) {
		return c, false
	}
	env := map[string]string{}
	for _, entry := range strings.Split(string(text), "\x00") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			env[name] = value
		}
	}
	epoch, err := strconv.ParseInt(env[lease.EnvEpoch], 10, 64)
	c.Epoch = epoch
	ours := err == nil && env[lease.EnvHA] == lease.Exclusive && env[lease.EnvNode] == node.String() &&
		c.Container.UnmarshalText([]byte(env[lease.EnvContainer])) == nil
	return c, ours
}

// inCgroupOf reports whether a process is in the cgroup of a container.
func inCgroupOf(pid int, dockerID string) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	return err == nil && len(dockerID) == 64 && bytes.Contains(text, []byte(dockerID))
}

// sighting is a living process of an exclusive container.
type sighting struct {
	copy    lease.Copy
	process *process
}

// look finds every process of the node's exclusive containers; expected are
// those that were announced, by their Docker ids.
func look(node id.NodeID, expected map[string]lease.Copy) []sighting {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil // it is looked again
	}
	var seen []sighting
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if _, ours := belongsTo(pid, node, expected); !ours {
			continue
		}
		p, err := openProcess(pid)
		if err != nil {
			continue
		}
		// Read again, as only now is it certain whose it is.
		if c, ours := belongsTo(pid, node, expected); ours && p.alive() {
			seen = append(seen, sighting{copy: c, process: p})
			continue
		}
		p.close()
	}
	return seen
}

// killCgroup ends what is in a container's cgroup, where the kernel can do
// that at once. The name must hold the container's id: no other cgroup may be
// hit.
func killCgroup(root string, pid int, dockerID string) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil || len(dockerID) != 64 {
		return
	}
	for line := range strings.Lines(string(text)) {
		path, unified := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if unified && strings.Contains(filepath.Base(path), dockerID) {
			// Where the file is missing the signal to init has to do.
			_ = os.WriteFile(filepath.Join(root, path, "cgroup.kill"), []byte("1"), 0)
		}
	}
}
