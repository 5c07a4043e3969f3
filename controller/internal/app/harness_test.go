package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// patience is how long a test waits for what must come on a busy machine.
const patience = 20 * time.Second

const password = "correct horse battery staple"

// eventually waits for a level.
func eventually(t testing.TB, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
	}
}

var (
	system  = authz.System("test")
	discard = slog.New(slog.DiscardHandler)
)

// controller is a whole controller on ports of its own.
type controller struct {
	*app.Main
	t      testing.TB
	config config.Config
	db     *store.Store // the test's own view of the truth
	log    *buffer
	stop   func()
}

// buffer keeps the log for the end of a test that failed.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func testConfig(t testing.TB) config.Config {
	t.Helper()
	c := config.Default()
	c.HTTPListen, c.MQTTListen = "127.0.0.1:0", "127.0.0.1:0"
	c.DatabaseURL, c.RedisURL = testkit.PostgresURL(t), testkit.Redis(t).URL
	c.StateDir, c.AdminPassword = t.TempDir(), password
	return c
}

func newController(t testing.TB) *controller {
	t.Helper()
	c := &controller{t: t, config: testConfig(t), log: &buffer{}}
	c.start()
	t.Cleanup(func() {
		c.stop()
		c.db.Close()
		if t.Failed() {
			t.Logf("the controller's log:\n%s", c.log)
		}
	})
	return c
}

// start runs the controller, on the same ports when it ran before.
func (c *controller) start() {
	c.t.Helper()
	var err error
	log := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Main, err = app.New(context.Background(), c.config, app.Options{Version: "test", Log: log, Out: io.Discard})
	if err != nil {
		c.t.Fatal(err)
	}
	c.config.HTTPListen, c.config.MQTTListen = c.HTTPAddr(), c.MQTTAddr()
	if c.db == nil {
		if c.db, err = store.Open(context.Background(), c.config.DatabaseURL); err != nil {
			c.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				c.t.Errorf("the controller ended with: %v", err)
			}
		case <-time.After(patience):
			c.t.Error("the controller does not stop")
		}
	})
}

func (c *controller) restart() {
	c.t.Helper()
	c.stop()
	c.start()
}

// enrol makes a node and answers its id and its agent's token.
func (c *controller) enrol(name string) (id.NodeID, string) {
	c.t.Helper()
	e, err := c.Actions().CreateNode(context.Background(), system, actions.NewNode{Name: name})
	if err != nil {
		c.t.Fatal(err)
	}
	return e.Node.ID, e.Token
}

func (c *controller) egg() id.EggID {
	c.t.Helper()
	e, err := c.Actions().CreateEgg(context.Background(), system, nil, egg.Egg{
		Name: "web " + id.New[id.EggID]().String(), Images: []egg.Image{{Name: "demo", Image: "lormas/demo:1"}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return e.ID
}

func (c *controller) create(name string, on id.NodeID) actions.Created {
	c.t.Helper()
	made, err := c.Actions().CreateContainer(context.Background(), system, actions.NewContainer{
		Name: name, EggID: c.egg(), NodeID: &on, Type: fleet.Standard, Environment: map[string]string{},
		Resources: spec.Resources{CPU: 100, Memory: 16 * spec.MiB, Disk: 16 * spec.MiB},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return made
}

func (c *controller) node(n id.NodeID) fleet.Node {
	c.t.Helper()
	out, err := c.db.Node(context.Background(), n)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *controller) container(of id.ContainerID) fleet.Container {
	c.t.Helper()
	out, err := c.db.AnyContainer(context.Background(), of)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *controller) awaitState(n id.NodeID, want fleet.NodeState) {
	c.t.Helper()
	eventually(c.t, "the node is "+string(want), func() bool { return c.node(n).Health.State == want })
}

func (c *controller) awaitJob(j id.JobID, want fleet.JobState) fleet.Job {
	c.t.Helper()
	var got fleet.Job
	eventually(c.t, "the job has "+string(want), func() bool {
		var err error
		got, err = c.db.Job(context.Background(), j)
		return err == nil && got.State == want
	})
	return got
}

// metric reads one sample of /metrics, such as `x_total{type="a"}`; 0 where
// there is none.
func (c *controller) metric(name string) string {
	c.t.Helper()
	answer, err := http.Get("http://" + c.HTTPAddr() + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		c.t.Fatalf("metrics: %s, %v", answer.Status, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "0"
}

// login is the superuser's access token.
func (c *controller) login() string {
	c.t.Helper()
	body := strings.NewReader(`{"email":"` + c.config.AdminEmail + `","password":"` + password + `"}`)
	answer, err := http.Post("http://"+c.HTTPAddr()+"/api/v1/auth/login", "application/json", body)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	var out struct{ AccessToken string }
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil || out.AccessToken == "" {
		c.t.Fatalf("login: %s, %v", answer.Status, err)
	}
	return out.AccessToken
}

// agent is a simulated agent: it speaks real MQTT and does nothing but what
// the test tells it.
type agent struct {
	t       testing.TB
	node    id.NodeID
	token   string
	machine string
	ledger  string
	session wire.Session

	mu       sync.Mutex
	link     *mqttlink.Session
	leases   []wire.Lease
	desired  []wire.Desired
	commands []wire.Command
	stop     func()
}

func newAgent(t testing.TB, node id.NodeID, token string) *agent {
	t.Helper()
	a := &agent{t: t, node: node, token: token, machine: "m-" + node.String(), ledger: "l1"}
	a.session.BootID = "boot"
	a.stop = func() {}
	t.Cleanup(func() { a.stop() })
	return a
}

// connect dials until it is in. What was received before is forgotten.
func (a *agent) connect(server string) *agent {
	a.t.Helper()
	a.stop()
	a.session.Session++
	up := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	a.mu.Lock()
	a.leases, a.desired, a.commands = nil, nil, nil
	a.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- mqttlink.Run(ctx, a.options(server, sync.OnceFunc(func() { close(up) }))) }()
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			a.t.Errorf("the agent's link ended with: %v", err)
		}
	})
	select {
	case <-up:
	case <-time.After(patience):
		a.t.Fatal("the agent does not get in")
	}
	return a
}

func (a *agent) options(server string, up func()) mqttlink.Options {
	topic := func(k wire.Kind) string { return wire.OfNode(k, a.node).String() }
	session := a.session
	return mqttlink.Options{
		Servers: []string{server}, ClientID: a.node.String(), Username: a.node.String(),
		Credentials: func() string { return a.token },
		Will: func() *mqttlink.Message {
			return &mqttlink.Message{Topic: topic(wire.NodeHeartbeat), QoS: 1, Retained: true, Payload: wire.Encode(wire.Heartbeat{
				Header: wire.Head(wire.TypeHeartbeat), Session: session, NodeID: a.node, Status: wire.Offline, Timestamp: time.Now(),
			})}
		},
		Subscribe: []mqttlink.Subscription{
			{Filter: topic(wire.NodeLease), QoS: 0}, {Filter: topic(wire.NodeDesired), QoS: 1}, {Filter: topic(wire.NodeCommands), QoS: 1},
		},
		OnUp: func(s *mqttlink.Session) {
			a.mu.Lock()
			a.link = s
			a.mu.Unlock()
			up()
		},
		OnDown:    func(error) {},
		OnMessage: a.receive,
	}
}

func (a *agent) receive(m mqttlink.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	topic, _ := wire.ParseTopic(m.Topic)
	switch topic.Kind {
	case wire.NodeLease:
		a.leases = append(a.leases, mustDecode[wire.Lease](a.t, m.Payload, wire.TypeLease))
	case wire.NodeDesired:
		a.desired = append(a.desired, mustDecode[wire.Desired](a.t, m.Payload, wire.TypeDesired))
	case wire.NodeCommands:
		a.commands = append(a.commands, mustDecode[wire.Command](a.t, m.Payload, wire.TypeCommand))
	}
}

func mustDecode[T any](t testing.TB, payload []byte, kind string) T {
	out, err := wire.Decode[T](payload, kind)
	if err != nil {
		t.Errorf("the controller sent %s: %v", payload, err)
	}
	return out
}

func (a *agent) publish(kind wire.Kind, payload []byte) {
	a.t.Helper()
	topic := wire.OfNode(kind, a.node)
	a.mu.Lock()
	link := a.link
	a.mu.Unlock()
	if err := link.Publish(mqttlink.Message{Topic: topic.String(), QoS: topic.Rule().QoS, Payload: payload}); err != nil {
		a.t.Fatal(err)
	}
}

// cut breaks the connection as a lost link does.
func (a *agent) cut() {
	a.mu.Lock()
	link := a.link
	a.mu.Unlock()
	link.Close(io.ErrUnexpectedEOF)
}

func (a *agent) helloMessage(applied int64, set ...wire.DesiredContainer) wire.Hello {
	return wire.Hello{
		Header: wire.Head(wire.TypeHello), Session: a.session, NodeID: a.node, AppliedRev: applied, Digest: wire.Digest(set),
		LedgerID: a.ledger, AgentVersion: "test", Hostname: "host-" + a.machine, MachineID: a.machine, Arch: "amd64",
		Telemetry: &wire.Telemetry{CPUAllocatable: 4, MemoryAllocatable: 8 << 30, DiskAllocatable: 100 << 30},
	}
}

func (a *agent) hello(applied int64, set ...wire.DesiredContainer) *agent {
	a.t.Helper()
	a.publish(wire.NodeSync, wire.Encode(a.helloMessage(applied, set...)))
	return a
}

func (a *agent) heartbeat(applied int64) *agent {
	a.t.Helper()
	a.publish(wire.NodeHeartbeat, wire.Encode(wire.Heartbeat{
		Header: wire.Head(wire.TypeHeartbeat), Session: a.session, NodeID: a.node, Status: wire.Online,
		Timestamp: time.Now(), Seq: uint64(time.Now().UnixNano()), AppliedRev: applied, DockerOK: true,
	}))
	return a
}

// join says hello as a new agent and waits until the node is healthy.
func (a *agent) join(c *controller) *agent {
	a.t.Helper()
	a.connect("mqtt://" + c.MQTTAddr()).hello(0)
	a.awaitDesired("the answer to hello", func(d wire.Desired) bool { return true })
	a.heartbeat(0)
	c.awaitState(a.node, fleet.NodeHealthy)
	return a
}

func (a *agent) events(items ...wire.Event) *agent {
	a.t.Helper()
	a.publish(wire.NodeEvents, wire.Encode(wire.Events{
		Header: wire.Head(wire.TypeEvents), Session: a.session, LedgerID: a.ledger, Items: items,
	}))
	return a
}

func (a *agent) awaitDesired(what string, is func(wire.Desired) bool) (found wire.Desired) {
	a.t.Helper()
	eventually(a.t, what, func() bool { return pick(a, &a.desired, is, &found) })
	return found
}

func (a *agent) awaitCommand(what string, is func(wire.Command) bool) (found wire.Command) {
	a.t.Helper()
	eventually(a.t, what, func() bool { return pick(a, &a.commands, is, &found) })
	return found
}

func (a *agent) awaitLease(what string, is func(wire.Lease) bool) (found wire.Lease) {
	a.t.Helper()
	eventually(a.t, what, func() bool { return pick(a, &a.leases, is, &found) })
	return found
}

// pick finds the first message that fits among those received.
func pick[T any](a *agent, list *[]T, is func(T) bool, found *T) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range *list {
		if is(m) {
			*found = m
			return true
		}
	}
	return false
}

func state(seq uint64, c fleet.Container, phase spec.Phase) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventContainerState, At: time.Now(), Container: &wire.ContainerStatus{
		ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, Phase: phase,
	}}
}

func delivered(seq uint64, command id.CommandID) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventCommandReceipt, At: time.Now(), CommandID: command, Receipt: wire.Delivered}
}

func applied(seq uint64, command id.CommandID) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventCommandResult, At: time.Now(), CommandID: command, Status: "success",
		Receipt: wire.Applied, Result: &wire.Result{ContainerID: "docker"}}
}
