package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/roster"
	"github.com/lormas/lormas/controller/internal/uplink"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/mqttlink/mosquittotest"
	"github.com/lormas/lormas/shared/mqttlink/natstest"
	"github.com/lormas/lormas/shared/wire"
)

const patience = time.Minute

// eventually waits for a level.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
	}
}

// recorder is a Handler that writes down what it hears, a list for each node.
type recorder struct {
	mu      sync.Mutex
	heard   map[id.NodeID][]string
	relayed map[wire.Topic][]string
}

func newRecorder() *recorder {
	return &recorder{heard: map[id.NodeID][]string{}, relayed: map[wire.Topic][]string{}}
}

func (r *recorder) note(n id.NodeID, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard[n] = append(r.heard[n], fmt.Sprintf(format, args...))
}

func (r *recorder) AgentConnected(n id.NodeID, c broker.ConnInfo) {
	r.note(n, "connected %d", c.ConnID)
}
func (r *recorder) AgentDisconnected(n id.NodeID, c broker.ConnInfo, _ error) {
	r.note(n, "disconnected %d", c.ConnID)
}

// Message leaves goodbyes out: one broker passes them on, and the other has
// the end of the connection say it.
func (r *recorder) Message(n id.NodeID, conn uint64, t wire.Topic, payload []byte) {
	if !strings.Contains(string(payload), `"status":"offline"`) {
		r.note(n, "%s on %d: %s", t.Kind, conn, payload)
	}
}
func (r *recorder) Watching(wire.Topic, int) {}

func (r *recorder) relay(t wire.Topic, payload []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.relayed[t] = append(r.relayed[t], string(payload))
}

func (r *recorder) of(n id.NodeID) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard[n])
}

func (r *recorder) count(n id.NodeID, word string) (times int) {
	for _, line := range r.of(n) {
		if strings.Contains(line, word) {
			times++
		}
	}
	return times
}

func (r *recorder) await(t *testing.T, n id.NodeID, word string, times int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d × %q of %s", times, word, n), func() bool { return r.count(n, word) >= times })
}

// world is a broker, a controller that hears through it, and two nodes.
type world struct {
	*recorder
	url       string
	publish   func(wire.Topic, []byte) error
	a, b      id.NodeID
	passwords map[id.NodeID]string
	external  *external   // nil: it is our own broker
	barred    atomic.Bool // no uplink that was begun before may dial
}

// external is a broker that is not ours.
type external struct {
	up, down, reload func(*testing.T)
	admit            func(t *testing.T, nodes ...id.NodeID) // and nobody else
	uplink           *uplink.Uplink
	stop             func() // the uplink
	log              *safeLog
}

// safeLog can be read while it is written.
type safeLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *safeLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *safeLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// brokers are all that the suite is for.
var brokers = map[string]func(*testing.T) *world{"embedded": embedded, "mosquitto": withMosquitto, "nats": withNATS}

func newWorld() *world {
	w := &world{recorder: newRecorder(), a: id.New[id.NodeID](), b: id.New[id.NodeID](), passwords: map[id.NodeID]string{}}
	for _, n := range []id.NodeID{w.a, w.b} {
		w.passwords[n] = wire.BrokerPassword("credential of " + n.String())
	}
	return w
}

// Authenticate implements broker.Authorizer.
func (w *world) Authenticate(_ context.Context, c broker.Credentials) (broker.Identity, error) {
	for n, password := range w.passwords {
		if c.Username == n.String() && c.Password == password {
			return broker.Identity{Node: n, Name: n.String(), CredentialID: password}, nil
		}
	}
	return broker.Identity{}, broker.ErrRefused
}

// CanRead implements broker.Authorizer.
func (w *world) CanRead(broker.Identity, wire.Topic) bool { return false }

func embedded(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	own, err := broker.New(broker.Options{Authorizer: w, Handler: w, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := own.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	addr, err := own.ListenTCP("test", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url, w.publish = "mqtt://"+addr.String(), own.Publish
	return w
}

const controllerPassword = "the controller's own password"

func (w *world) logins(nodes []id.NodeID) (controller roster.Login, agents []roster.Login) {
	for _, n := range nodes {
		agents = append(agents, roster.Login{User: n.String(), Password: w.passwords[n]})
	}
	return roster.Login{User: "controller", Password: controllerPassword}, agents
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// deployed is a configuration as it is in deploy/, with other places.
func deployed(t *testing.T, file string, places ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	out := string(text)
	for i := 0; i < len(places); i += 2 {
		if !strings.Contains(out, places[i]) {
			t.Fatalf("%s does not say %q", file, places[i])
		}
		out = strings.ReplaceAll(out, places[i], places[i+1])
	}
	return out
}

func withMosquitto(t *testing.T) *world {
	t.Helper()
	w, dir := newWorld(), t.TempDir()
	passwords, acl := filepath.Join(dir, "passwords"), filepath.Join(dir, "acl")
	admit := func(t *testing.T, nodes ...id.NodeID) {
		controller, agents := w.logins(nodes)
		text, err := roster.MosquittoPasswords(append(agents, controller))
		if err != nil {
			t.Fatal(err)
		}
		write(t, passwords, text)
	}
	admit(t, w.a, w.b)
	write(t, acl, roster.MosquittoACL("controller"))
	m := mosquittotest.Start(t, deployed(t, "mosquitto/mosquitto.conf",
		"/etc/mosquitto/lormas/", dir+"/", "\nlistener ", "\n# ", "\ncertfile ", "\n# ", "\nkeyfile ", "\n# "))
	w.url = m.URL()
	w.external = &external{
		up: func(t *testing.T) { m.Up(t) }, down: func(*testing.T) { m.Down() },
		reload: func(*testing.T) { m.Reload() }, admit: admit, log: &safeLog{},
	}
	w.connect(t)
	return w
}

func withNATS(t *testing.T) *world {
	t.Helper()
	w, dir := newWorld(), t.TempDir()
	users := filepath.Join(dir, "users.conf")
	admit := func(t *testing.T, nodes ...id.NodeID) {
		text, err := roster.NATS(w.logins(nodes))
		if err != nil {
			t.Fatal(err)
		}
		write(t, users, text)
	}
	admit(t, w.a, w.b)
	n := natstest.Start(t, dir, func(client, mqtt int) string {
		return deployed(t, "nats/nats.conf",
			"/var/lib/nats", dir, "lormas-nats/users.conf", "users.conf",
			"tls {", "# ", "cert_file: ", "# ", "/etc/lormas-nats/broker.key\n  }", "", "key_file: ", "# ",
			"0.0.0.0", "127.0.0.1", "8883", strconv.Itoa(mqtt), "4222", strconv.Itoa(client))
	})
	w.url = n.URL()
	w.external = &external{
		up: func(t *testing.T) { n.Up(t) }, down: func(*testing.T) { n.Down() },
		reload: func(*testing.T) { n.Reload() }, admit: admit, log: &safeLog{},
	}
	w.connect(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("NATS said:\n%s", n.Log())
		}
	})
	return w
}

// connect makes an uplink of a new controller; an older one is thrown out.
func (w *world) connect(t *testing.T) {
	t.Helper()
	e := w.external
	born := w.barred.Load()
	may := func() error {
		if w.barred.Load() != born {
			return errors.New("another one reigns")
		}
		return nil
	}
	u := uplink.New(uplink.Options{
		May: may,
		URL: w.url, User: "controller", Password: controllerPassword, ClientID: "controller", Handler: w, Relay: w.relay,
		Log: slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	e.uplink, w.publish = u, u.Publish
	e.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(e.stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the uplink's log:\n%s", e.log)
		}
	})
	eventually(t, "the uplink is connected", func() bool { return u.Ready(t.Context()) == nil })
}

// client is an agent's link, as far as this suite needs one.
type client struct {
	t       *testing.T
	w       *world
	node    id.NodeID
	options mqttlink.Options
	stop    func()

	mu      sync.Mutex
	link    *mqttlink.Session
	session wire.Session
	got     []mqttlink.Message
	refused mqttlink.Cause // why it is not in
}

// agent connects as the agent of a node; edit may change how.
func (w *world) agent(t *testing.T, n id.NodeID, session uint64, edit ...func(*mqttlink.Options)) *client {
	t.Helper()
	c := w.dial(t, n, session, edit...)
	eventually(t, "the agent is in", func() bool { return c.now() != nil })
	return c
}

func (w *world) dial(t *testing.T, n id.NodeID, session uint64, edit ...func(*mqttlink.Options)) *client {
	t.Helper()
	c := &client{t: t, w: w, node: n, session: wire.Session{BootID: "boot", Session: session - 1}}
	c.options = mqttlink.Options{
		Servers: []string{w.url}, ClientID: n.String(), Username: n.String(), Credentials: func() string { return w.passwords[n] },
		Random: func(time.Duration) time.Duration { return 20 * time.Millisecond },
		Will: func() *mqttlink.Message {
			c.mu.Lock()
			c.session.Session++
			c.mu.Unlock()
			will := c.heartbeat(wire.Offline)
			will.QoS = 1
			return &will
		},
		OnUp: func(s *mqttlink.Session) {
			c.mu.Lock()
			c.link = s
			c.mu.Unlock()
		},
		OnDown: func(err error) {
			fault, _ := err.(*mqttlink.Fault)
			c.mu.Lock()
			c.link, c.refused = nil, fault.Cause
			c.mu.Unlock()
		},
		OnMessage: func(m mqttlink.Message) {
			c.mu.Lock()
			c.got = append(c.got, m)
			c.mu.Unlock()
		},
	}
	for _, r := range wire.Rules {
		if r.ToAgent {
			c.options.Subscribe = append(c.options.Subscribe, mqttlink.Subscription{Filter: wire.OfNode(r.Kind, n).String(), QoS: r.QoS})
		}
	}
	for _, e := range edit {
		e(&c.options)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mqttlink.Run(ctx, c.options) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
	return c
}

func (c *client) now() *mqttlink.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

func (c *client) cause() mqttlink.Cause {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

// received is what came, in order; at QoS 1 a message may come twice, and
// from NATS now and then does.
func (c *client) received(kind wire.Kind) (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.got {
		if t, ok := wire.ParseTopic(m.Topic); ok && t.Kind == kind {
			list = append(list, string(m.Payload))
		}
	}
	return list
}

func (c *client) says() wire.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

func (c *client) heartbeat(status string) mqttlink.Message {
	t := wire.OfNode(wire.NodeHeartbeat, c.node)
	return mqttlink.Message{Topic: t.String(), QoS: t.Rule().QoS, Retained: t.Rule().Retained, Payload: wire.Encode(wire.Heartbeat{
		Header: wire.Head(wire.TypeHeartbeat), Session: c.says(), NodeID: c.node, Status: status,
	})}
}

func (c *client) send(m mqttlink.Message) {
	c.t.Helper()
	link := c.now()
	if link == nil {
		c.t.Fatal("the agent is not in")
	}
	if err := link.Publish(m); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) hello() {
	c.t.Helper()
	t := wire.OfNode(wire.NodeSync, c.node)
	c.send(mqttlink.Message{Topic: t.String(), QoS: t.Rule().QoS, Payload: wire.Encode(wire.Hello{
		Header: wire.Head(wire.TypeHello), Session: c.says(), NodeID: c.node,
	})})
}

// events sends one batch; the text only has to be told apart from others.
func (c *client) events(text string) {
	c.t.Helper()
	t := wire.OfNode(wire.NodeEvents, c.node)
	c.send(mqttlink.Message{Topic: t.String(), QoS: t.Rule().QoS, Payload: []byte(fmt.Sprintf(
		`{"v":1,"type":"events","boot_id":"boot","session":%d,"x":%q}`, c.says().Session, text))})
}

// vanish breaks the connection as a lost link does.
func (c *client) vanish() {
	c.now().Close(io.ErrUnexpectedEOF)
}
