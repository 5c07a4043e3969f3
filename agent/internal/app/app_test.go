package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/app"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/mqttlink/mosquittotest"
	"github.com/lormas/lormas/shared/wire"
)

const patience = 20 * time.Second

// token makes a credential that looks like one; nobody here checks it.
func token(node id.NodeID) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"EdDSA"}`) + "." + part(fmt.Sprintf(`{"iss":"lormas","sub":%q}`, node)) + "." + part("signature")
}

// screen is what a program has printed.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(data)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// program is an agent that runs.
type program struct {
	screen *screen
	code   chan int
	stop   context.CancelFunc
}

func start(t *testing.T, args ...string) program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := program{screen: &screen{}, code: make(chan int, 1), stop: cancel}
	go func() {
		p.code <- app.Main{Version: "9.9", Args: args, Stdout: p.screen, Stderr: p.screen}.Run(ctx)
	}()
	t.Cleanup(cancel)
	return p
}

func (p program) wait(t *testing.T, want int) string {
	t.Helper()
	select {
	case code := <-p.code:
		if code != want {
			t.Errorf("exit code %d, want %d; it said:\n%s", code, want, p.screen)
		}
	case <-time.After(patience):
		t.Fatalf("it did not end; it said:\n%s", p.screen)
	}
	return p.screen.String()
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("%s did not come", what)
		}
	}
}

// beats collects the heartbeats at a broker.
func beats(t *testing.T, broker *mosquittotest.Broker) <-chan wire.Heartbeat {
	t.Helper()
	out, up := make(chan wire.Heartbeat, 100), make(chan struct{}, 10)
	go func() {
		err := mqttlink.Run(t.Context(), mqttlink.Options{
			Servers: []string{broker.URL()}, ClientID: "watcher", Subscribe: []mqttlink.Subscription{{Filter: wire.Prefix + "nodes/+/heartbeat"}},
			OnUp: func(*mqttlink.Session) { up <- struct{}{} },
			OnMessage: func(m mqttlink.Message) {
				if h, err := wire.Decode[wire.Heartbeat](m.Payload, wire.TypeHeartbeat); err == nil {
					out <- h
				}
			},
		})
		if err != nil {
			t.Error(err)
		}
	}()
	<-up
	return out
}

// An agent whose Docker is away joins all the same, and says so; it keeps its
// credential, and no other agent may use its directory.
func TestAnAgentWithoutDockerJoinsAndKeepsItsCredential(t *testing.T) {
	broker, node, dir := mosquittotest.Start(t), id.New[id.NodeID](), t.TempDir()
	heard := beats(t, broker)
	args := []string{"--controller", broker.URL(), "--data-dir", dir, "--docker-host", "unix://" + dir + "/none.sock", "--memory", "1g"}
	first := start(t, append(args, "--token", token(node))...)
	h := <-heard
	if h.NodeID != node || h.DockerOK || h.Telemetry == nil || h.Telemetry.AgentVersion != "9.9" || h.Telemetry.MemoryAllocatable != 1<<30 {
		t.Errorf("the first heartbeat is %+v", h)
	}
	until(t, "the complaint", func() bool { return strings.Contains(first.screen.String(), "docker is not answering") })
	kept := filepath.Join(dir, "token")
	info, err := os.Stat(kept)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the kept credential: %v, %v", info, err)
	}

	second := start(t, args...)
	if said := second.wait(t, 1); !strings.Contains(said, "another lormas-agent (pid") {
		t.Errorf("a second agent said %q", said)
	}
	first.stop()
	if said := first.wait(t, 0); strings.Count(said, "docker is not answering") != 1 || strings.Contains(said, token(node)) {
		t.Errorf("it repeated itself, or told the credential:\n%s", said)
	}
	until(t, "the goodbye", func() bool { return (<-heard).Status == wire.Offline })

	third := start(t, args...)
	until(t, "a heartbeat with the kept credential", func() bool { return (<-heard).Status == wire.Online })
	third.stop()
	third.wait(t, 0)

	fourth := start(t, append(args, "--token", token(id.New[id.NodeID]()))...)
	if said := fourth.wait(t, 1); !strings.Contains(said, "belongs to node "+node.String()) {
		t.Errorf("another node's agent said %q", said)
	}
}

func TestStartsThatCannotWorkSayWhy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not a credential"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := token(id.New[id.NodeID]())
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":             {nil, 2, "--controller mqtt://"},
		"a web address":       {[]string{"--controller", "https://x"}, 2, "use tcp, mqtt"},
		"a relative mount":    {[]string{"--controller", "mqtt://x", "--allow-mount", "data"}, 2, "clean absolute path"},
		"less than nothing":   {[]string{"--controller", "mqtt://x", "--cpu=-1"}, 2, "--cpu"},
		"memory in words":     {[]string{"--controller", "mqtt://x", "--memory", "much"}, 2, "such as 512m"},
		"an unknown flag":     {[]string{"--controler", "mqtt://x"}, 2, "--controller"},
		"no credential":       {[]string{"--controller", "mqtt://x", "--data-dir", dir}, 1, "lormas node add"},
		"a missing file":      {[]string{"--controller", "mqtt://x", "--data-dir", dir, "--token-file", dir + "/none"}, 1, "--token-file"},
		"another file":        {[]string{"--controller", "mqtt://x", "--data-dir", dir, "--token-file", file}, 1, "damaged"},
		"a bad authority":     {[]string{"--controller", "mqtt://x", "--data-dir", dir, "--token", good, "--ca-file", file}, 1, "PEM"},
		"no place to write":   {[]string{"--controller", "mqtt://x", "--data-dir", "/proc/lormas", "--token", good}, 1, "--data-dir"},
		"a file for a folder": {[]string{"--controller", "mqtt://x", "--data-dir", file, "--token", good}, 1, "--data-dir"},
	} {
		said := start(t, c.args...).wait(t, c.code)
		if !strings.Contains(said, c.says) {
			t.Errorf("%s: it said %q, want %q in it", name, said, c.says)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	if said := start(t, "--version").wait(t, 0); strings.TrimSpace(said) != "9.9" {
		t.Errorf("the version is %q", said)
	}
	said := start(t, "--help").wait(t, 0)
	for _, flag := range []string{"--controller", "LORMAS_AGENT_TOKEN", "--allow-mount", "/srv and /mnt", "--reserve-memory"} {
		if !strings.Contains(said, flag) {
			t.Errorf("help does not speak of %s", flag)
		}
	}
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LORMAS_AGENT_CONTROLLER", "mqtt://a,mqtt://b")
	t.Setenv("LORMAS_AGENT_DATA_DIR", dir)
	t.Setenv("LORMAS_AGENT_TOKEN", "a.b.c")
	if said := start(t).wait(t, 1); !strings.Contains(said, "damaged") {
		t.Errorf("it said %q", said)
	}
}
