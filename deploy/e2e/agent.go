package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func (n *Node) agentPart() *Part {
	name := "agent-" + strconv.Itoa(n.Number)
	return &Part{Name: name, launch: func(context.Context) (instance, error) {
		log, err := n.lab.logs.of(name)
		if err != nil {
			return nil, err
		}
		return launchProgram(n.agentCommand(), n.agentEnv(), log)
	}}
}

// bootIDOfKernel tells agents whether the machine has booted meanwhile. All
// nodes of the lab have one kernel, so each gets a file of its own laid over
// it.
const bootIDOfKernel = "/proc/sys/kernel/random/boot_id"

// agentCommand is the agent in the node's network and with its boot id. Each
// program executes the next in its own place, so the process stays.
func (n *Node) agentCommand() []string {
	return n.space.inside("unshare", "--mount", "--propagation", "slave", "--",
		"sh", "-c", `mount --bind "$0" `+bootIDOfKernel+` && exec "$@"`, n.bootIDFile(),
		filepath.Join(n.lab.opt.Bin, "lormas-agent"))
}

func (n *Node) bootIDFile() string { return filepath.Join(n.dir, "boot-id") }

// newBoot is what makes a start of the node one after a boot.
func (n *Node) newBoot() error {
	text, err := os.ReadFile("/proc/sys/kernel/random/uuid")
	if err != nil {
		return err
	}
	return os.WriteFile(n.bootIDFile(), text, 0o644)
}

// agentEnv configures the node's agent, as the command line does that the
// controller prints.
func (n *Node) agentEnv() []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"LORMAS_AGENT_CONTROLLER=" + strings.Join(n.lab.agentURLs(), ","),
		"LORMAS_AGENT_FOREIGN_BROKER=" + strconv.FormatBool(n.lab.Broker != nil),
		"LORMAS_AGENT_TOKEN_FILE=" + n.credentialFile(),
		"LORMAS_AGENT_DATA_DIR=" + filepath.Join(n.dir, "agent"),
		"LORMAS_AGENT_GUARD_DIR=" + filepath.Join(n.dir, "guard"),
		"LORMAS_AGENT_DOCKER_HOST=unix://" + n.Socket(),
		"LORMAS_AGENT_ALLOW_MOUNT=" + n.lab.Shared(),
		"LORMAS_AGENT_DISK_ACTION=stop",
		"LORMAS_AGENT_LOG_LEVEL=debug",
	}
	if n.lab.opt.CPU > 0 {
		env = append(env, fmt.Sprintf("LORMAS_AGENT_CPU=%g", n.lab.opt.CPU))
	}
	return env
}

// guardProgram is started by the agent, and outlives it.
const guardProgram = "lormas-guard"

// guards finds the node's guard, by what it is: the lab did not start it.
func (n *Node) guards() []int {
	return programsBelow(n.dir, guardProgram)
}

// GuardRunning reports whether the node has a guard.
func (n *Node) GuardRunning() bool { return len(n.guards()) > 0 }

// KillGuard ends the node's guard with SIGKILL and returns when it is gone.
// The agent, if there is one, starts another.
func (n *Node) KillGuard() error {
	killed := n.guards()
	n.signalGuards(killed, syscall.SIGKILL)
	deadline := time.Now().Add(sweepTimeout)
	for slices.ContainsFunc(killed, func(pid int) bool { return slices.Contains(n.guards(), pid) }) {
		if time.Now().After(deadline) {
			return fmt.Errorf("guard %v of %s does not die", killed, n.Name)
		}
		time.Sleep(time.Millisecond) // nobody tells: it is no child of ours
	}
	return nil
}

// PauseGuard freezes the node's guard.
func (n *Node) PauseGuard() { n.signalGuards(n.guards(), syscall.SIGSTOP) }

// ResumeGuard lets a frozen guard go on.
func (n *Node) ResumeGuard() { n.signalGuards(n.guards(), syscall.SIGCONT) }

func (n *Node) signalGuards(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // it may be gone by now
	}
}

// restartDelay is what systemd waits before it starts a service again.
const restartDelay = 100 * time.Millisecond

// Supervise starts the agent again whenever it ends, as the installed service
// does, until ctx ends or the returned function is called.
func (n *Node) Supervise(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		tick := time.NewTicker(restartDelay)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				ended <- nil
				return
			case <-tick.C:
			}
			if err := n.Agent.Start(ctx); err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
		}
	}()
	return func() error {
		cancel()
		return <-ended
	}
}
