package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	_ "embed"

	"github.com/lormas/lormas/shared/child"
)

//go:embed machine.sh
var machineScript string

// Machine is one with systemd, in the place of a node: with its network, and a
// Docker engine and disk of its own. For what is installed as a service.
type Machine struct {
	name    string
	process *child.Process
	init    int // the process that is the machine's first one
}

// BootMachine ends all that runs on the node and boots systemd there.
func (n *Node) BootMachine(ctx context.Context) (*Machine, error) {
	if err := n.PowerLoss(); err != nil {
		return nil, err
	}
	log, err := n.lab.logs.of("machine-" + strconv.Itoa(n.Number))
	if err != nil {
		return nil, err
	}
	script, disk := filepath.Join(n.dir, "machine.sh"), filepath.Join(n.dir, "disk")
	if err := errors.Join(os.WriteFile(script, []byte(machineScript), 0o755), os.MkdirAll(disk, 0o755)); err != nil {
		return nil, err
	}
	m := &Machine{name: namespacePrefix(n.lab.Name) + "machine"}
	command := n.space.inside(script, m.name, disk)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if m.process, err = child.Start(cmd, syscall.SIGKILL); err != nil {
		return nil, err
	}
	if err := Await(ctx, "systemd to be up", m.up); err != nil {
		return nil, errors.Join(err, m.PowerOff())
	}
	return m, nil
}

func (m *Machine) up(ctx context.Context) (bool, string, error) {
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", m.process.Pid())
	text, err := os.ReadFile(children)
	if err != nil {
		return false, "it has ended", err
	}
	if m.init, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		return false, "it has not begun", err
	}
	// It exits with 1 where a unit that we do not need has failed.
	state, _ := m.Run(ctx, "systemctl", "is-system-running")
	return state == "running" || state == "degraded", state, nil
}

// Run runs a command on the machine and returns what it prints.
func (m *Machine) Run(ctx context.Context, command ...string) (string, error) {
	args := append([]string{"--target", strconv.Itoa(m.init), "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wd", "--"}, command...)
	out, err := exec.CommandContext(ctx, "nsenter", args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// Path is where a file of the machine is seen from outside.
func (m *Machine) Path(path string) string {
	return filepath.Join("/proc", strconv.Itoa(m.init), "root", path)
}

// PowerOff ends the machine at once, and removes what it had.
func (m *Machine) PowerOff() error {
	m.process.Kill()
	hierarchies, err := filepath.Glob("/sys/fs/cgroup/*/" + m.name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
	defer cancel()
	// The last of its processes take a moment to be gone.
	return Await(ctx, "nothing to be left of the machine", func(context.Context) (bool, string, error) {
		for _, cgroup := range append(hierarchies, "/sys/fs/cgroup/"+m.name) {
			if err := removeCgroups(cgroup); err != nil {
				return false, "", err
			}
		}
		return true, "", nil
	})
}

// removeCgroups removes a tree of cgroups, the innermost first: their files
// are the kernel's, and go with them.
func removeCgroups(root string) error {
	var dirs []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // it goes away as we look, and may not be there at all
	})
	for _, dir := range slices.Backward(dirs) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
