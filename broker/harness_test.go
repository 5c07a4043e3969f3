package broker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/prometheus/client_golang/prometheus"
)

// patience is how long a test waits for what must come: long enough for a
// busy machine, and far less than the 29 s that mochi alone can block.
const patience = 10 * time.Second

// eventually waits for a level, not for an edge.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !reached() {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// world is a broker with what stands around it.
type world struct {
	*Broker
	auth    *doorkeeper
	handler *recorder
	log     *syncBuffer
	metrics *prometheus.Registry
	addr    string // plain TCP
}

// newWorld starts a broker; edit may change its options.
func newWorld(t *testing.T, edit ...func(*Options)) *world {
	t.Helper()
	w := &world{auth: newDoorkeeper(), handler: &recorder{}, log: &syncBuffer{}, metrics: prometheus.NewRegistry()}
	options := Options{
		Authorizer: w.auth,
		Handler:    w.handler,
		Logger:     slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Registerer: w.metrics,
	}
	for _, e := range edit {
		e(&options)
	}
	b, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	w.Broker = b
	t.Cleanup(func() { w.close(t) })
	addr, err := b.ListenTCP("test", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = addr.String()
	return w
}

func withLimits(edit func(*Limits)) func(*Options) {
	return func(o *Options) { edit(&o.Limits) }
}

// close is for the end of a test and may come after the test's own Close.
func (w *world) close(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.Close(ctx); err != nil && err != ErrClosed {
		t.Errorf("close: %v", err)
	}
}

// metric reads one sample, as "denied_total{action=publish,kind=agent}".
func (w *world) metric(t *testing.T, want string) float64 {
	t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name := strings.TrimPrefix(f.GetName(), "lormas_broker_")
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			if name == want {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

func (w *world) awaitMetric(t *testing.T, name string, want float64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s = %v", name, want), func() bool { return w.metric(t, name) == want })
}

// doorkeeper is an Authorizer whose credentials are passwords.
type doorkeeper struct {
	mu       sync.Mutex
	known    map[string]Identity
	readable map[wire.Topic]bool // by everybody
	all      bool                // everything is readable
	check    func(Credentials)   // runs before the answer
	err      error
}

func newDoorkeeper() *doorkeeper {
	return &doorkeeper{known: map[string]Identity{}, readable: map[wire.Topic]bool{}}
}

func (d *doorkeeper) Authenticate(_ context.Context, c Credentials) (Identity, error) {
	d.mu.Lock()
	who, ok := d.known[c.Password]
	check, err := d.check, d.err
	d.mu.Unlock()
	if check != nil {
		check(c)
	}
	if err != nil {
		return Identity{}, err
	}
	if !ok {
		return Identity{}, ErrRefused
	}
	return who, nil
}

func (d *doorkeeper) CanRead(_ Identity, t wire.Topic) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all || d.readable[t]
}

func (d *doorkeeper) edit(f func(*doorkeeper)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

// admit makes a credential and returns its password.
func (d *doorkeeper) admit(who Identity) string {
	password := "secret-" + id.New[id.TokenID]().String()
	d.edit(func(d *doorkeeper) { d.known[password] = who })
	return password
}

func (d *doorkeeper) allow(topics ...wire.Topic) {
	d.edit(func(d *doorkeeper) {
		d.readable = map[wire.Topic]bool{}
		for _, t := range topics {
			d.readable[t] = true
		}
	})
}

// recorder is a Handler that writes down what it hears.
type recorder struct {
	mu       sync.Mutex
	lines    []string
	watching map[wire.Topic]int
	react    func(what string) // runs first, outside of the lock
}

func (r *recorder) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	r.mu.Lock()
	react := r.react
	r.mu.Unlock()
	if react != nil {
		react(line)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *recorder) AgentConnected(n id.NodeID, c ConnInfo) { r.note("connected %s %d", n, c.ConnID) }
func (r *recorder) AgentDisconnected(n id.NodeID, c ConnInfo, reason error) {
	r.note("disconnected %s %d: %v", n, c.ConnID, reason)
}

func (r *recorder) Message(n id.NodeID, _ uint64, t wire.Topic, payload []byte) {
	r.note("message %s %s %s", n, t.Kind, payload)
}

func (r *recorder) Watching(t wire.Topic, watchers int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watching == nil {
		r.watching = map[wire.Topic]int{}
	}
	r.watching[t] = watchers
}

func (r *recorder) setReact(f func(string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.react = f
}

func (r *recorder) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *recorder) watchers() map[wire.Topic]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.watching)
}

func (r *recorder) count(prefix string) int {
	n := 0
	for _, line := range r.heard() {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (r *recorder) await(t *testing.T, prefix string, times int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d × %q heard, of %q", times, prefix, r.heard()), func() bool { return r.count(prefix) >= times })
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newNode() id.NodeID { return id.New[id.NodeID]() }

func heartbeatOf(n id.NodeID) wire.Topic { return wire.OfNode(wire.NodeHeartbeat, n) }

func will(n id.NodeID) []byte {
	return wire.Encode(wire.Heartbeat{Header: wire.Head(wire.TypeHeartbeat), NodeID: n, Status: wire.Offline})
}

// raw opens a socket for packets that no decent client sends.
func (w *world) raw(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// awaitClosed reads until the far end closes the socket.
func awaitClosed(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience)) // a closed socket is what we want
	for buf := make([]byte, 4096); ; {
		_, err := c.Read(buf)
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("the broker left the connection open")
		}
		if err != nil {
			return
		}
	}
}
