package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lormas/lormas/shared/child"
	"github.com/lormas/lormas/shared/dockerd"
)

// lormas dev, run as make run does, but where the machine has no network and
// no Docker of its own: in namespaces that end with it.

// boxed runs a command on a machine that has just been switched on, as far as
// its network and /run go.
func boxed(args ...string) *exec.Cmd {
	const box = `ip link set lo up && mount -t tmpfs tmpfs /run && exec "$@"`
	return exec.Command("unshare", append([]string{"--net", "--mount", "sh", "-c", box, "sh"}, args...)...)
}

// devRun is one run of lormas dev.
type devRun struct {
	*testing.T
	process *child.Process
	out     *safeBuffer
}

func startDev(t *testing.T, dir string) devRun {
	t.Helper()
	out := &safeBuffer{}
	cmd := boxed(filepath.Join(bin, "lormas"), "dev", "--state-dir", dir)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	p, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return devRun{t, p, out}
}

// until waits for a text in the output.
func (r devRun) until(text string) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	err := Await(ctx, text, func(context.Context) (bool, string, error) {
		seen := r.out.String()
		select {
		case <-r.process.Done():
			return strings.Contains(seen, text), "it has ended: " + seen, nil
		default:
			return strings.Contains(seen, text), seen, nil
		}
	})
	if err != nil {
		r.Fatal(err)
	}
}

// ends waits until the run is over and has left no process.
func (r devRun) ends(dir string) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	err := Await(ctx, "lormas dev to leave nothing behind", func(context.Context) (bool, string, error) {
		left := processesOf(r.T, dir)
		select {
		case <-r.process.Done():
			return left == "", left, nil
		default:
			return false, "it runs; " + r.out.String(), nil
		}
	})
	if err != nil {
		r.Fatal(err)
	}
}

// processesOf lists what runs with dir among its arguments, and the demo
// container's own program.
func processesOf(t *testing.T, dir string) string {
	t.Helper()
	all, err := exec.Command("ps", "-eo", "pid,args").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(all)) {
		if strings.Contains(line, dir) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

var curlLine = regexp.MustCompile(`curl (http://127\.0\.0\.1:\d+)`)

// curl does what the summary says.
func (r devRun) curl() string {
	r.Helper()
	match := curlLine.FindStringSubmatch(r.out.String())
	if match == nil {
		r.Fatalf("no curl line in:\n%s", r.out)
	}
	space := fmt.Sprintf("/proc/%d/ns/net", r.process.Pid())
	client := &http.Client{Timeout: requestTimeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialFrom(ctx, space, network, address)
		},
	}}
	response, err := client.Get(match[1])
	if err != nil {
		r.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		r.Fatal(err)
	}
	return string(page)
}

// container is the id that Docker gave to the only container there is.
func (r devRun) container(dir string) string {
	r.Helper()
	if page := r.curl(); !strings.Contains(page, "Hello from Lormas") {
		r.Errorf("the container says %q", page)
	}
	var all []struct{ ID string }
	docker := dockerClient(filepath.Join(dir, "docker/docker.sock"))
	if err := docker.call(r.Context(), http.MethodGet, "/containers/json?all=true", nil, &all); err != nil {
		r.Fatal(err)
	}
	if len(all) != 1 {
		r.Fatalf("Docker has %d containers, want 1", len(all))
	}
	return all[0].ID
}

func (r devRun) signal(s syscall.Signal) {
	r.Helper()
	if err := r.process.Signal(s); err != nil {
		r.Fatal(err)
	}
}

// refusedBeside runs lormas dev a second time on the same machine and returns
// what it says.
func (r devRun) refusedBeside(dir string) string {
	r.Helper()
	args := []string{"nsenter", "--net=" + fmt.Sprintf("/proc/%d/ns/net", r.process.Pid()), "--", filepath.Join(bin, "lormas"), "dev", "--state-dir", dir}
	out, err := exec.CommandContext(r.Context(), args[0], args[1:]...).CombinedOutput()
	if err == nil {
		r.Errorf("a second lormas dev was content:\n%s", out)
	}
	return string(out)
}

// openDir is a directory that the user of the databases can enter, with a
// path short enough for sockets.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lormas-dev")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

const welcome = "Ctrl-C stops everything"

func TestDevFromNothingToAContainerAndBack(t *testing.T) {
	dir := openDir(t)
	t.Cleanup(func() {
		if err := dockerd.Sweep(filepath.Join(dir, "docker")); err != nil {
			t.Error(err)
		}
	})

	first := startDev(t, dir)
	first.until(welcome)
	container := first.container(dir)
	if said := first.refusedBeside(dir); !strings.Contains(said, "in use") {
		t.Errorf("beside a running one it says:\n%s", said)
	}
	first.signal(syscall.SIGINT)
	first.ends(dir)
	if err := first.process.Err(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, first.out)
	}

	second := startDev(t, dir)
	second.until(welcome)
	if again := second.container(dir); again != container {
		t.Errorf("the second run shows container %s, the first %s: it must be the same", again, container)
	}
	second.signal(syscall.SIGKILL)
	second.ends(dir)

	third := startDev(t, dir)
	third.until(welcome)
	if again := third.container(dir); again != container {
		t.Errorf("the run after a crash shows container %s, the first %s: it must be the same", again, container)
	}
	third.signal(syscall.SIGTERM)
	third.ends(dir)
}

// safeBuffer is written by a process and read by a test.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A machine that lacks something is told what, before anything is started.
func TestDevSaysWhatToDo(t *testing.T) {
	lormas := filepath.Join(bin, "lormas")
	small := `mount -t tmpfs -o size=2m,mode=755 tmpfs "$0" && exec "$@"`
	const taken = `PORT=7070 "$1" >/dev/null 2>&1 & other=$!
		until busybox wget -q -O /dev/null http://127.0.0.1:7070/healthz; do sleep 0.1; done
		"$0" dev --state-dir /tmp/none; code=$?; kill $other; exit $code`
	dir := openDir(t)
	for name, c := range map[string]struct {
		cmd  *exec.Cmd
		want string
	}{
		"a port in use":  {boxed("sh", "-c", taken, lormas, filepath.Join(bin, "lormas-demo")), "ss -ltnp"},
		"a full disk":    {boxed("sh", "-c", small, dir, lormas, "dev", "--state-dir", dir), "df -h " + dir},
		"a wide address": {boxed(lormas, "dev", "--http-listen", "0.0.0.0:7070"), "loopback only"},
		"no Postgres":    {boxed("sh", "-c", `mount -t tmpfs tmpfs /usr/lib/postgresql && exec "$@"`, "sh", lormas, "dev", "--state-dir", dir), "apt-get install -y --no-install-recommends postgresql"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := c.cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("it ended with %v and said, without %q:\n%s", err, c.want, out)
			}
		})
	}
}
