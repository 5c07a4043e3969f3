package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/agenttest"
	"github.com/lormas/lormas/controller/internal/cli"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

var tokenIn = regexp.MustCompile(`LORMAS_AGENT_TOKEN='([^']+)'`)

// machine adds a node through the command line and runs a whole agent for it,
// but for Docker.
func (s *site) machine(name string) {
	s.t.Helper()
	token := tokenIn.FindStringSubmatch(s.ok("node", "create", name))
	if token == nil {
		s.t.Fatal("no token was printed")
	}
	var node id.NodeID
	if err := node.UnmarshalText([]byte(strings.TrimSpace(s.ok("node", "show", name, "-o", "id")))); err != nil {
		s.t.Fatal(err)
	}
	m := agenttest.Boot(agenttest.Options{
		Node: node, Token: token[1], Dir: filepath.Join(s.t.TempDir(), name), Log: slog.New(slog.DiscardHandler), Ran: func(agenttest.Run) {},
		Offer: spec.Resources{CPU: 8000, Memory: 16 * spec.GiB, Disk: 100 * spec.GiB},
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.main.MQTTAddr())
		},
	})
	s.t.Cleanup(func() {
		if err := m.Off(); err != nil {
			s.t.Error(err)
		}
	})
	if err := m.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.eventually("the node is healthy", func() bool { return strings.Contains(s.ok("node", "show", name), "state: healthy") })
}

// eventually waits for a level.
func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("not within a minute: %s", what)
		}
	}
}

// running is a command that goes on.
type running struct {
	mu    sync.Mutex
	text  bytes.Buffer
	typed *os.File
	told  string // the file of what it says beside its output
	ended chan int
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *running) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// begin runs a command in the background, with a pipe to type into.
func (s *site) begin(args ...string) *running {
	s.t.Helper()
	in, typed, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	errs, err := os.Create(filepath.Join(s.t.TempDir(), "errors"))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{typed: typed, told: errs.Name(), ended: make(chan int, 1)}
	over := make(chan struct{})
	s.t.Cleanup(func() {
		stop()
		_ = typed.Close() // it may have been already
		<-over
	})
	go func() {
		defer close(over)
		r.ended <- cli.Run(ctx, append(args, "--profiles", s.profiles, "--server", s.server), cli.Streams{In: in, Out: r, Err: errs})
		for _, c := range []io.Closer{in, errs} {
			_ = c.Close() // nobody reads on
		}
	}()
	return r
}

const console = `
images: [{name: default, image: actor}]
command: [console]
stop: stop
`

func TestContainers(t *testing.T) {
	s := signedIn(t)
	s.machine("edge-1")
	s.machine("edge-2")
	s.ok("egg", "create", "Console", "-f", s.eggFile(console))
	watch := s.begin("container", "list", "--watch")
	out := s.ok("container", "create", "web", "--egg", "Console", "--node", "edge-1", "--type", "ha",
		"--cpu", "0.5", "--memory", "64m", "--disk", "1g", "-e", "A=b=c", "-p", "0:80", "-p", "25565:25565/udp", "-v", "data:/data:ro")
	if !strings.Contains(out, "container.create") || !strings.Contains(out, "succeeded") {
		t.Errorf("no progress was shown:\n%s", out)
	}
	var c struct {
		Environment map[string]string
		Ports       []struct {
			Host, Container int
			Protocol        string
		}
		Volumes []struct {
			Host string
			RO   bool `json:"read_only"`
		}
	}
	s.json(&c, "container", "show", "web")
	if c.Environment["A"] != "b=c" || len(c.Ports) != 2 || c.Ports[0].Host == 0 || c.Ports[1].Protocol != "udp" || len(c.Volumes) != 1 || !c.Volumes[0].RO {
		t.Errorf("the container is %+v", c)
	}
	s.eventually("the list shows it live", func() bool { return strings.Contains(watch.String(), "running   running") })

	attached := s.begin("container", "attach", "web")
	for _, line := range []string{"hello", "two words"} {
		if _, err := attached.typed.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually("the console answers", func() bool { return strings.Contains(attached.String(), "heard hello\nheard two words\n") })
	if log := s.ok("container", "logs", "web", "--tail", "1"); log != "heard two words\n" {
		t.Errorf("the end of the log is %q", log)
	}
	if err := attached.typed.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-attached.ended; code != 0 {
		t.Errorf("attach ended with %d", code)
	}

	s.ok("container", "edit", "web", "--memory", "128m", "-e", "B=1", "--unset", "A")
	s.ok("container", "edit", "web", "-e", "B=2")
	if jobs := s.ok("job", "list"); !strings.Contains(jobs, "container.edit") || !strings.Contains(jobs, "container.environment.edit") {
		t.Errorf("an edit needs more than it changes:\n%s", jobs)
	}
	if out := s.ok("container", "migrate", "web", "--accept-data-loss", "--reason", "for a test"); !strings.Contains(out, "100%") {
		t.Errorf("no progress was shown:\n%s", out)
	}
	if out := s.ok("container", "history", "web"); !strings.Contains(out, "edge-1   edge-2") || !strings.Contains(out, "for a test") {
		t.Errorf("the history:\n%s", out)
	}
	s.fails(2, "already", "container", "migrate", "web", "--to", "edge-2", "--accept-data-loss")
	s.eventually("the list follows it", func() bool { return strings.Contains(watch.String(), "edge-2") })

	s.ok("container", "stop", "web", "--wait")
	s.fails(5, "is stopped", "container", "attach", "web")
}

func TestDrain(t *testing.T) {
	s := signedIn(t)
	s.machine("edge-1")
	s.ok("egg", "create", "Console", "-f", s.eggFile(console))
	s.ok("container", "create", "web", "--egg", "Console", "--type", "ha", "--cpu", "0.5", "--memory", "64m", "--disk", "1g")
	s.machine("edge-2")
	if out := s.ok("node", "drain", "edge-1"); !strings.Contains(out, "node.drain") || !strings.Contains(out, "100%") {
		t.Errorf("no progress was shown:\n%s", out)
	}
	if out := s.ok("container", "list", "--node", "edge-2", "-o", "json"); !strings.Contains(out, `"web"`) {
		t.Errorf("it did not move:\n%s", out)
	}
	if out := s.ok("container", "list", "--phase", "failed", "-o", "json"); strings.Contains(out, `"web"`) {
		t.Errorf("it is among those that failed:\n%s", out)
	}
	s.fails(5, "nothing to cancel", "node", "drain", "edge-1", "--cancel")
	s.ok("node", "uncordon", "edge-1")

	jobs := s.begin("job", "list", "--watch", "-o", "json")
	s.ok("container", "delete", "web", "--wait")
	s.eventually("the job is told live", func() bool {
		for line := range strings.Lines(jobs.String()) {
			var j struct{ Kind, State string }
			if json.Unmarshal([]byte(line), &j) == nil && j.Kind == "container.delete" && j.State == "succeeded" {
				return true
			}
		}
		return false
	})
	s.fails(2, "--port", "container", "create", "x", "--port", "eighty")
	s.fails(2, "--volume", "container", "create", "x", "--volume", "nowhere")
	s.fails(2, "needed", "container", "create", "x")
	s.fails(4, "no node", "container", "create", "x", "--node", "nowhere")
}
