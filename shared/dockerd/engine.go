package dockerd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lormas/lormas/shared/child"
)

// PrivateNet as Options.NetNS gives the engine a nameless network namespace
// that ends with it.
const PrivateNet = "private"

// Options says what to start.
type Options struct {
	Dir    string   // all that the engine keeps; absolute and at most 60 bytes, as sockets lie in it
	NetNS  string   // name or path of a network namespace, PrivateNet, or "" for the machine's
	BIP    string   // address of the default bridge, such as 172.31.1.1/24; "" lets Docker choose
	Listen []string // addresses besides the unix socket, such as tcp://10.0.0.2:2375
	Args   []string // further flags of dockerd

	// Log gets what dockerd prints; nil is the file dockerd.log in Dir. To an
	// *os.File dockerd writes by itself. To any other it writes through a
	// pipe, which breaks when this process is killed, and with it dockerd,
	// before it has stopped its containers.
	Log io.Writer
}

// Engine is one running dockerd.
type Engine struct {
	opt     Options
	process *child.Process
	owner   *os.File // of Temp: its lock says that the directory is in use
}

// maxDir keeps Dir/exec/containerd/containerd.sock within the 108 bytes of a
// unix socket's path.
const maxDir = 60

// startTimeout is generous because a loaded machine of two cores runs several
// engines; a healthy one answers in a second.
const startTimeout = 60 * time.Second

// Start runs dockerd and returns when it answers. What an earlier engine in
// the same directory held (images, containers) is there again.
func Start(ctx context.Context, opt Options) (*Engine, error) {
	if err := check(opt); err != nil {
		return nil, err
	}
	if err := layOut(opt.Dir); err != nil {
		return nil, err
	}
	if err := clearWay(opt.Dir); err != nil {
		return nil, err
	}
	if opt.Log == nil {
		log, err := os.OpenFile(filepath.Join(opt.Dir, "dockerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the engine's log: %w", err)
		}
		defer log.Close() // dockerd has its own copy by then
		opt.Log = log
	}
	// dockerd stops its containers on SIGTERM; SIGKILL would leave them behind.
	process, err := child.Start(command(opt), syscall.SIGTERM)
	if err != nil {
		return nil, fmt.Errorf("start dockerd: %w", err)
	}
	e := &Engine{opt: opt, process: process}
	if err := e.ready(ctx); err != nil {
		e.Kill()
		return nil, errors.Join(err, Sweep(opt.Dir))
	}
	return e, nil
}

func check(opt Options) error {
	if !filepath.IsAbs(opt.Dir) || len(opt.Dir) > maxDir {
		return fmt.Errorf("engine directory %q must be absolute and at most %d bytes long", opt.Dir, maxDir)
	}
	for _, program := range []string{"dockerd", "nsenter", "unshare", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed: run make deps", program)
		}
	}
	if os.Geteuid() != 0 {
		return errors.New("starting a Docker engine needs root")
	}
	return nil
}

// runContainerd is where dockerd looks for the machine's containerd, which it
// would then share, and where shims keep their sockets.
const runContainerd = "/run/containerd"

// layOut makes the files that dockerd expects to be there.
func layOut(dir string) error {
	for _, path := range []string{dir, filepath.Join(dir, "run"), runContainerd} {
		if err := os.MkdirAll(path, 0o711); err != nil {
			return fmt.Errorf("make the engine's directory: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte("{}\n"), 0o600); err != nil {
		return fmt.Errorf("write the engine's configuration: %w", err)
	}
	return nil
}

// command is dockerd in a mount namespace of its own, in which runContainerd
// is ours, and in the network namespace asked for. Each program executes the
// next in its own place, so the pid stays.
func command(opt Options) *exec.Cmd {
	args := []string{
		"unshare", "--mount", "--propagation", "slave", "--",
		"sh", "-c", `mount --bind "$0" ` + runContainerd + ` && exec "$@"`, filepath.Join(opt.Dir, "run"),
		"dockerd",
		"--config-file", filepath.Join(opt.Dir, "daemon.json"), // not the machine's
		"--data-root", filepath.Join(opt.Dir, "data"),
		"--exec-root", filepath.Join(opt.Dir, "exec"),
		"--pidfile", filepath.Join(opt.Dir, "docker.pid"),
		"--host", "unix://" + socketPath(opt.Dir),
		"--exec-opt", "native.cgroupdriver=cgroupfs",
		"--cgroup-parent", "/" + cgroupName(opt.Dir),
		"--shutdown-timeout", "5",
		"--log-level", "warn",
	}
	if opt.BIP != "" {
		args = append(args, "--bip", opt.BIP)
	}
	for _, address := range opt.Listen {
		args = append(args, "--host", address)
	}
	args = append(args, opt.Args...)
	attr := &syscall.SysProcAttr{}
	switch opt.NetNS {
	case "":
	case PrivateNet:
		attr.Cloneflags = syscall.CLONE_NEWNET
	default:
		// Not "ip netns exec": it remounts /sys, and the cgroups are gone.
		args = append([]string{"nsenter", "--net=" + netnsPath(opt.NetNS), "--"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = attr
	cmd.Stdout, cmd.Stderr = opt.Log, opt.Log
	return cmd
}

func netnsPath(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return filepath.Join("/var/run/netns", name)
}

func socketPath(dir string) string { return filepath.Join(dir, "docker.sock") }

func (e *Engine) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if e.opt.NetNS == PrivateNet {
		if out, err := e.Command(ctx, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			return fmt.Errorf("bring up loopback of the engine's network: %w: %s", err, out)
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if Ping(ctx, e.Socket()) == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-e.Done():
			return fmt.Errorf("dockerd ended while starting; its last words:\n%s", e.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer (%w); its last words:\n%s", ctx.Err(), e.lastWords())
		}
	}
}

func (e *Engine) lastWords() string {
	file, readable := e.opt.Log.(*os.File)
	if !readable {
		return "see the log that it was given"
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}

// Socket is the path of the engine's unix socket.
func (e *Engine) Socket() string { return socketPath(e.opt.Dir) }

// Pid is dockerd's process id.
func (e *Engine) Pid() int { return e.process.Pid() }

// Done is closed when dockerd has ended, for whatever reason.
func (e *Engine) Done() <-chan struct{} { return e.process.Done() }

// Command prepares a program that runs in the engine's network namespace,
// where the published ports are.
func (e *Engine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	ns := fmt.Sprintf("--net=/proc/%d/ns/net", e.Pid())
	return exec.CommandContext(ctx, "nsenter", append([]string{ns, "--", name}, args...)...)
}

// Stop ends dockerd in order, its containers with it, as a shutdown of the
// machine does; when the context ends first, dockerd is killed. The directory
// can be started again.
func (e *Engine) Stop(ctx context.Context) error { return e.process.Stop(ctx, syscall.SIGTERM) }

// Kill ends dockerd with SIGKILL and waits until it is gone. Its containers
// run on, without anyone to watch them, until an engine is started in the
// same directory or Sweep comes by.
func (e *Engine) Kill() { e.process.Kill() }

// Pause freezes dockerd: it holds its connections and answers nothing. It
// returns when the last of its threads has stopped.
func (e *Engine) Pause() error {
	if err := e.process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze dockerd: %w", err)
	}
	deadline := time.Now().Add(sweepTimeout)
	for !frozen(e.Pid()) {
		if time.Now().After(deadline) {
			return errors.New("freeze dockerd: it still runs")
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func frozen(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is well-formed
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		// The state follows the name, which is in parentheses.
		if _, state, _ := strings.Cut(string(text), ") "); err == nil && !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// Resume lets a frozen dockerd go on.
func (e *Engine) Resume() error { return e.process.Signal(syscall.SIGCONT) }

// PowerOff ends dockerd and every container at once, as pulling the plug
// does. The directory can be started again.
func (e *Engine) PowerOff() error {
	e.Kill()
	return Sweep(e.opt.Dir)
}

// Close ends the engine and removes its directory.
func (e *Engine) Close() error {
	errs := []error{e.PowerOff(), os.RemoveAll(e.opt.Dir)}
	if e.owner != nil {
		errs = append(errs, e.owner.Close())
		e.owner = nil
	}
	return errors.Join(errs...)
}
