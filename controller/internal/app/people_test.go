package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// watcher is a person on MQTT over WebSocket.
type watcher struct {
	t     testing.TB
	c     *controller
	downs atomic.Int64 // how often its connection ended, or was refused
	mu    sync.Mutex
	seen  []mqttlink.Message
}

func newWatcher(t testing.TB, c *controller, filters ...string) *watcher {
	t.Helper()
	return watchAs(t, c, c.login(), append(filters, "lormas/v1/events")...)
}

// watchAs is newWatcher for somebody else's token.
func watchAs(t testing.TB, c *controller, token string, filters ...string) *watcher {
	t.Helper()
	w := &watcher{t: t, c: c}
	up := make(chan struct{})
	first := sync.OnceFunc(func() { close(up) })
	o := mqttlink.Options{
		Servers: []string{"ws://" + c.HTTPAddr() + "/mqtt"}, ClientID: id.New[id.SessionID]().String(), Username: "me",
		Credentials: func() string { return token },
		OnUp:        func(*mqttlink.Session) { first() }, // it may come back after a cut
		OnDown:      func(error) { w.downs.Add(1) },
		OnMessage: func(m mqttlink.Message) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen = append(w.seen, m)
		},
	}
	for _, f := range filters {
		o.Subscribe = append(o.Subscribe, mqttlink.Subscription{Filter: f})
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mqttlink.Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-up:
	case <-time.After(patience):
		t.Fatal("the watcher does not get in")
	}
	return w
}

// all is what came on the filters, without the fleet's feed.
func (w *watcher) all() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.seen {
		if m.Topic != "lormas/v1/events" {
			out = append(out, string(m.Payload))
		}
	}
	return out
}

func (w *watcher) await(what string, is func(topic, payload string) bool) {
	w.t.Helper()
	eventually(w.t, what, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, m := range w.seen {
			if is(m.Topic, string(m.Payload)) {
				return true
			}
		}
		return false
	})
}

// settle waits until what was published so far has come by: news of one
// node follow it through another door.
func (w *watcher) settle() {
	w.t.Helper()
	node, token := w.c.enrol("settle-" + id.New[id.NodeID]().String())
	newAgent(w.t, node, token).join(w.c)
	w.await("news of another node", func(_, payload string) bool { return strings.Contains(payload, node.String()) })
}

func TestPeopleSeeWhatHappens(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	made := c.create("web", node)
	topic := wire.OfContainer(wire.ContainerState, made.Container.ID).String()
	w := newWatcher(t, c, "lormas/v1/containers/+/state", "lormas/v1/nodes/+/health")
	phase := func(p spec.Phase) func(string, string) bool {
		return func(at, payload string) bool {
			var news wire.ContainerNews
			return at == topic && json.Unmarshal([]byte(payload), &news) == nil && news.Phase == p && news.NodeID == node
		}
	}
	w.await("the new container", phase(spec.Pending))
	a.events(state(1, made.Container, spec.Up))
	w.await("the running container", phase(spec.Up))
	w.await("the healthy node", func(_, payload string) bool { return strings.Contains(payload, `"state":"healthy"`) })
	a.cut()
	w.await("the suspect node", func(_, payload string) bool { return strings.Contains(payload, `"state":"suspect"`) })

	later := newWatcher(t, c, topic) // retained
	later.await("the state for a latecomer", phase(spec.Up))

	a.connect("mqtt://"+c.MQTTAddr()).hello(1, entryOf(made.Container))
	if _, err := c.Actions().DeleteContainer(t.Context(), system, made.Container.ID); err != nil {
		t.Fatal(err)
	}
	command := a.awaitCommand("the command", func(k wire.Command) bool { return k.Action == wire.ActionDelete })
	a.events(state(2, made.Container, spec.Removed), applied(3, command.ID))
	eventually(t, "the container is gone", func() bool { return c.container(made.Container.ID).DeletedAt != nil })
	w.await("the end of the job", func(at, payload string) bool {
		return at == "lormas/v1/events" && strings.Contains(payload, `"succeeded"`)
	})
	w.await("the container disappears", func(at, payload string) bool { return at == topic && payload == "" })
	after := newWatcher(t, c, topic)
	after.settle()
	if got := after.all(); len(got) != 0 {
		t.Errorf("a deleted container still shows: %v", got)
	}
}

func TestLogsOfANode(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	made := c.create("web", node)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	stream, err := c.Streams().Logs(ctx, node, made.Container.ID, watch.LogOptions{Tail: 10, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	ask := a.awaitCommand("the command", func(k wire.Command) bool { return k.Action == wire.ActionLogs })
	if ask.Tail != 10 || !ask.Follow || ask.TTLMS != 30000 || ask.Deadline == 0 || ask.ContainerID != made.Container.ID {
		t.Errorf("the agent was asked %+v", ask)
	}
	chunk := func(stream, data string) {
		payload := wire.Encode(wire.LogChunk{Header: wire.Head(wire.TypeLogs), Stream: stream, Seq: 1, Data: data})
		topic := wire.OfContainerOn(wire.ContainerLogs, node, made.Container.ID).String()
		a.mu.Lock()
		defer a.mu.Unlock()
		if err := a.link.Publish(mqttlink.Message{Topic: topic, Payload: payload}); err != nil {
			t.Error(err)
		}
	}
	chunk("another", "not ours\n")
	chunk(ask.Stream, "ours\n")
	select {
	case got := <-stream.C():
		if got.Data != "ours\n" {
			t.Errorf("the viewer got %+v", got)
		}
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	leave()
	select {
	case _, open := <-stream.C():
		if open || stream.Err() != nil {
			t.Errorf("after leaving: open %t, %v", open, stream.Err())
		}
	case <-time.After(patience):
		t.Error("the stream does not end with its context")
	}

	a.stop()
	c.awaitState(node, fleet.NodeSuspect)
	_, err = c.Streams().Logs(t.Context(), node, made.Container.ID, watch.LogOptions{})
	if fleet.KindOf(err) != fleet.Unreachable || !strings.Contains(err.Error(), "since") {
		t.Errorf("the log of a node that is away: %v", err)
	}
}

func TestNonsenseIsCounted(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	made := c.create("web", node)
	other := wire.Heartbeat{Header: wire.Head(wire.TypeHeartbeat), Session: a.session, NodeID: id.New[id.NodeID](), Status: wire.Online}
	a.publish(wire.NodeHeartbeat, []byte("{"))
	a.publish(wire.NodeHeartbeat, wire.Encode(other))
	a.publish(wire.NodeSync, []byte(`{"v":2,"type":"hello"}`))
	a.publish(wire.NodeEvents, []byte(`[]`))
	bad := state(1, made.Container, "dancing")
	poison := state(2, made.Container, spec.Crashed)
	poison.Container.Reason = "zero \x00 byte"
	a.events(bad, poison, wire.Event{Seq: 3, Type: "later version"}, wire.Event{Seq: 1 << 63, Type: wire.EventContainerState})
	a.awaitLease("sense is taken in all the same", func(l wire.Lease) bool { return l.AckedOutbox == 3 })
	if got := c.container(made.Container.ID); got.Phase() != spec.Crashed || got.Observed.Reason != "zero  byte" {
		t.Errorf("the container is %+v", got.Observed)
	}
	for name, want := range map[string]string{
		`{type="node.heartbeat",why="malformed"}`:            "1",
		`{type="node.heartbeat",why="another node's id"}`:    "1",
		`{type="node.sync",why="malformed"}`:                 "1",
		`{type="node.events",why="malformed"}`:               "1",
		`{type="node.events",why="an event makes no sense"}`: "1",
	} {
		if got := c.metric("lormas_intake_rejected_total" + name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if n := strings.Count(c.log.String(), "message of an agent rejected"); n != 1 {
		t.Errorf("%d rejections were logged, want the first of the session", n)
	}
}

func TestPortsInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	base := testConfig(t)
	for flag, set := range map[string]func(){
		"--http-listen": func() { base.HTTPListen, base.MQTTListen = taken.Addr().String(), "127.0.0.1:0" },
		"--mqtt-listen": func() { base.HTTPListen, base.MQTTListen = "127.0.0.1:0", taken.Addr().String() },
	} {
		set()
		_, err := app.New(t.Context(), base, app.Options{Log: discard, Out: io.Discard})
		if err == nil {
			t.Fatalf("%s: it started", flag)
		}
		for _, word := range []string{"port " + port, "ss -ltnp 'sport = :" + port, flag} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", flag, err, word)
			}
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	c := newController(t)
	eventually(t, "it is ready", func() bool {
		answer, err := http.Get("http://" + c.HTTPAddr() + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}
