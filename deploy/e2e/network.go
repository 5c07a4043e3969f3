package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// subnet of the lab. Every lab has the same one, as none can see another.
const (
	subnet       = "10.77.0."
	controllerIP = subnet + "1"
	secondIP     = subnet + "2" // of a second controller
	brokerIP     = subnet + "3" // of a broker that is not the controller's
	maxNodes     = 100
)

// nodeIP is the address of node number i, counted from 1.
func nodeIP(i int) string { return fmt.Sprintf("%s%d", subnet, 10+i) }

// bridgeIP is where node i's Docker engine has its own network.
func bridgeIP(i int) string { return fmt.Sprintf("172.31.%d.1/24", i) }

// namespace is a named network namespace.
type namespace string

const namespaceDir = "/var/run/netns"

// namespacePrefix begins the names of all namespaces of a lab.
func namespacePrefix(lab string) string { return "lormas-" + lab + "-" }

func switchNamespace(lab string) namespace { return namespace(namespacePrefix(lab) + "switch") }

func nodeNamespace(lab string, i int) namespace {
	return namespace(fmt.Sprintf("%sn%d", namespacePrefix(lab), i))
}

func (n namespace) path() string { return filepath.Join(namespaceDir, string(n)) }

// inside makes a command run in the namespace. Not "ip netns exec": that
// remounts /sys. nsenter executes the program in its own place, so the
// process we started is the program.
func (n namespace) inside(args ...string) []string {
	return append([]string{"nsenter", "--net=" + n.path(), "--"}, args...)
}

// remove deletes the namespace; what is connected to it goes with it.
func (n namespace) remove(ctx context.Context) error {
	if _, err := os.Stat(n.path()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return run(ctx, "ip", "netns", "delete", string(n))
}

// dial connects from within the namespace.
func (n namespace) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dialFrom(ctx, n.path(), network, address)
}

// dialFrom connects from within the network namespace that a file stands for:
// a socket belongs to the namespace that its thread was in when it was made,
// wherever it is used later.
func dialFrom(ctx context.Context, space, network, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	out := make(chan result, 1)
	go func() {
		// Never unlocked: the thread has moved for good and ends with the
		// goroutine, so that nothing else ever runs there.
		runtime.LockOSThread()
		if err := enter(space); err != nil {
			out <- result{nil, err}
			return
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		out <- result{conn, err}
	}()
	got := <-out
	return got.conn, got.err
}

// enter moves the calling thread.
func enter(space string) error {
	file, err := os.Open(space)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", space, err)
	}
	return nil
}

// makeSwitch lays the middle of the network.
func makeSwitch(ctx context.Context, lab string) error {
	sw := string(switchNamespace(lab))
	return runAll(ctx, [][]string{
		{"ip", "netns", "add", sw},
		{"ip", "-n", sw, "link", "set", "lo", "up"},
		{"ip", "-n", sw, "link", "add", "br0", "type", "bridge"},
		{"ip", "-n", sw, "address", "add", controllerIP + "/24", "dev", "br0"},
		{"ip", "-n", sw, "address", "add", secondIP + "/24", "dev", "br0"},
		{"ip", "-n", sw, "address", "add", brokerIP + "/24", "dev", "br0"},
		{"ip", "-n", sw, "link", "set", "br0", "up"},
	})
}

// makeNode lays the namespace of node i and its link to the switch.
func makeNode(ctx context.Context, lab string, i int) error {
	sw, node := string(switchNamespace(lab)), string(nodeNamespace(lab, i))
	return runAll(ctx, [][]string{
		{"ip", "netns", "add", node},
		{"ip", "-n", node, "link", "set", "lo", "up"},
		{"ip", "-n", sw, "link", "add", portName(i), "type", "veth", "peer", "name", "eth0", "netns", node},
		{"ip", "-n", sw, "link", "set", portName(i), "master", "br0", "up"},
		{"ip", "-n", node, "address", "add", nodeIP(i) + "/24", "dev", "eth0"},
		{"ip", "-n", node, "link", "set", "eth0", "up"},
		{"ip", "-n", node, "route", "add", "default", "via", controllerIP},
	})
}

// portName is the switch's end of the link to node i.
func portName(i int) string { return fmt.Sprintf("n%d", i) }

func runAll(ctx context.Context, commands [][]string) error {
	for _, args := range commands {
		if err := run(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
