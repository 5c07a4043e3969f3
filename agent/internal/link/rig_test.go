package link_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/link"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/mqttlink/mosquittotest"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// rig is a node with a fake engine, whose controller is the test itself: the
// two speak through a broker that is not ours.
type rig struct {
	*testing.T
	broker *mosquittotest.Broker
	engine *runtimetest.Fake
	ledger *ledger.Ledger
	books  *console.Books
	usage  wire.Usage // that is told on every connection
	node   id.NodeID
	dir    string
	stop   func() // the agent

	mu      sync.Mutex
	changed chan struct{}
	heard   []mqttlink.Message // everything, in order
	server  *mqttlink.Session  // of the controller
	noAcks  bool               // events are not acknowledged
	pauses  []time.Duration    // of the agent between attempts, at most
	leases  wire.Lease         // what every heartbeat is answered with; none without NextHBMS
}

// calm is a lease that asks for a heartbeat a second.
var calm = wire.Lease{NextHBMS: 1000, ResendMS: 300}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigWith(t, calm)
}

// newRigWith answers heartbeats with a lease, or not at all.
func newRigWith(t *testing.T, lease wire.Lease) *rig {
	t.Helper()
	t.Parallel()
	r := &rig{
		T: t, broker: mosquittotest.Start(t), engine: runtimetest.NewFake(), node: id.New[id.NodeID](), dir: t.TempDir(),
		changed: make(chan struct{}), leases: lease,
		usage: wire.Usage{Header: wire.Head(wire.TypeUsage), At: time.Unix(9, 0).UTC(), Containers: make([]wire.ContainerUsage, wire.MaxUsage+1)},
	}
	r.listen()
	r.boot()
	t.Cleanup(func() { r.stop() })
	return r
}

// listen connects the controller's side.
func (r *rig) listen() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- mqttlink.Run(ctx, mqttlink.Options{
			Servers: []string{r.broker.URL()}, ClientID: "controller",
			Subscribe: []mqttlink.Subscription{{Filter: wire.Prefix + "#", QoS: 1}},
			Random:    func(time.Duration) time.Duration { return 20 * time.Millisecond },
			OnUp:      func(s *mqttlink.Session) { r.change(func() { r.server = s }) },
			OnDown:    func(error) { r.change(func() { r.server = nil }) },
			OnMessage: r.hear,
		})
	}()
	r.Cleanup(func() {
		cancel()
		r.ok(<-done)
	})
	r.until("the controller's session", func() bool { return r.server != nil })
}

// hear keeps what came, and answers heartbeats and events.
func (r *rig) hear(m mqttlink.Message) {
	topic, _ := wire.ParseTopic(m.Topic)
	r.change(func() { r.heard = append(r.heard, m) })
	r.mu.Lock()
	lease, noAcks := r.leases, r.noAcks
	r.mu.Unlock()
	lease.Header, lease.ControlTime = wire.Head(wire.TypeLease), time.Now().UnixMilli()
	switch topic.Kind {
	case wire.NodeHeartbeat:
		h, err := wire.Decode[wire.Heartbeat](m.Payload, wire.TypeHeartbeat)
		if err != nil || h.Status != wire.Online || lease.NextHBMS == 0 {
			return
		}
		lease.Session, lease.Seq = h.Session, h.Seq
	case wire.NodeEvents:
		e, err := wire.Decode[wire.Events](m.Payload, wire.TypeEvents)
		if err != nil || noAcks {
			return
		}
		lease.Session, lease.AckedOutbox = e.Session, e.Items[len(e.Items)-1].Seq
	default:
		return
	}
	go r.send(wire.NodeLease, lease) // not on the reading goroutine
}

func (r *rig) change(edit func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	edit()
	close(r.changed)
	r.changed = make(chan struct{})
}

// until waits for a level.
func (r *rig) until(what string, holds func() bool) {
	r.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		there, changed := holds(), r.changed
		r.mu.Unlock()
		if there {
			return
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // for levels that nobody signals
		case <-deadline:
			r.Fatalf("%s did not come", what)
		}
	}
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// boot starts the agent's part.
func (r *rig) boot() {
	r.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("LINK_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	l, err := ledger.Open(ledger.Options{Dir: r.dir, Node: r.node, Log: log})
	r.ok(err)
	r.ledger = l
	var uplink *link.Link
	reconciler := reconcile.New(reconcile.Options{
		Runtime: r.engine, Ledger: l, Log: log,
		Progress: func(c id.ContainerID, p wire.Progress) { uplink.Progress(c, p) },
	})
	r.books = console.Open(console.Options{Dir: filepath.Join(r.dir, "consoles"), Boot: "boot", Log: log})
	keeper := console.NewKeeper(r.books, r.engine)
	began := time.Now()
	uplink = link.New(link.Options{
		MQTT: mqttlink.Options{
			Servers: []string{r.broker.URL()},
			Random: func(longest time.Duration) time.Duration {
				r.change(func() { r.pauses = append(r.pauses, longest) })
				return 20 * time.Millisecond
			},
		},
		Node: r.node, Version: "test", Machine: link.Machine{Hostname: "h", MachineID: "m", Arch: "amd64"},
		Ledger: l, Reconciler: reconciler, Engine: r.engine, Books: r.books, Log: log,
		Usage:     func() (wire.Usage, <-chan struct{}) { return r.usage, nil },
		Telemetry: func() wire.Telemetry { return wire.Telemetry{CPUAllocatable: 4} },
		Elapsed:   func() time.Duration { return time.Since(began) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for _, run := range []func(context.Context) error{reconciler.Run, uplink.Run, keeper.Run} {
		work.Go(func() {
			if err := run(ctx); err != nil {
				r.Error(err)
			}
		})
	}
	r.stop = sync.OnceFunc(func() {
		cancel()
		work.Wait()
		r.books.Close()
		r.ok(l.Close())
	})
}

// send says something to the node.
func (r *rig) send(kind wire.Kind, message any) {
	r.mu.Lock()
	server := r.server
	r.mu.Unlock()
	if server == nil {
		return
	}
	topic := wire.OfNode(kind, r.node)
	// An error here is a test that waits in vain.
	_ = server.Publish(mqttlink.Message{Topic: topic.String(), QoS: topic.Rule().QoS, Payload: wire.Encode(message)})
}

// all decodes what came on a topic of the node, in order; r.mu is held.
func all[T any](r *rig, kind wire.Kind, messageType string) []T {
	var out []T
	for _, m := range r.heard {
		topic, _ := wire.ParseTopic(m.Topic)
		if topic.Kind != kind {
			continue
		}
		if message, err := wire.Decode[T](m.Payload, messageType); err == nil {
			out = append(out, message)
		}
	}
	return out
}

// newest is the last of a list, or the zero value.
func newest[T any](list []T) (last T) {
	if len(list) > 0 {
		last = list[len(list)-1]
	}
	return last
}

// next waits for the n-th message of a kind, counted from 1.
func next[T any](r *rig, n int, kind wire.Kind, messageType string) T {
	r.Helper()
	var found T
	r.until(messageType, func() bool {
		list := all[T](r, kind, messageType)
		if len(list) < n {
			return false
		}
		found = list[n-1]
		return true
	})
	return found
}

func (r *rig) hello(n int) wire.Hello {
	r.Helper()
	return next[wire.Hello](r, n, wire.NodeSync, wire.TypeHello)
}

// events are all that came, each number once, in the order of their coming;
// r.mu is held.
func (r *rig) events() []wire.Event {
	var out []wire.Event
	seen := map[uint64]bool{}
	for _, m := range all[wire.Events](r, wire.NodeEvents, wire.TypeEvents) {
		for _, e := range m.Items {
			if e.Seq == 0 || !seen[e.Seq] {
				out = append(out, e)
			}
			seen[e.Seq] = true
		}
	}
	return out
}

func (r *rig) awaitPhase(c id.ContainerID, phase spec.Phase) {
	r.Helper()
	r.until(string(phase), func() bool {
		return slices.ContainsFunc(r.events(), func(e wire.Event) bool {
			return e.Container != nil && e.Container.ID == c && e.Container.Phase == phase
		})
	})
}

func (r *rig) awaitReceipt(command id.CommandID, receipt wire.Receipt) wire.Event {
	r.Helper()
	var found wire.Event
	r.until(string(receipt), func() bool {
		i := slices.IndexFunc(r.events(), func(e wire.Event) bool { return e.CommandID == command && e.Receipt == receipt })
		if i >= 0 {
			found = r.events()[i]
		}
		return i >= 0
	})
	return found
}

// nothing answers a hello.
func (r *rig) nothing(h wire.Hello) {
	r.send(wire.NodeDesired, wire.Desired{Header: wire.Head(wire.TypeDesired), Session: h.Session, Kind: wire.DesiredNothing})
}

// full answers a hello with the full list.
func (r *rig) full(h wire.Hello, rev int64, containers ...wire.DesiredContainer) {
	r.send(wire.NodeDesired, wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: h.Session, Kind: wire.DesiredFull, Rev: rev,
		Containers: containers, Specs: map[string]spec.Container{idle.Hash(): idle},
	})
}

func (r *rig) command(h wire.Hello, c wire.Command) id.CommandID {
	c.Header, c.Session = wire.Head(wire.TypeCommand), h.Session
	if c.ID.IsZero() {
		c.ID = id.New[id.CommandID]()
	}
	r.send(wire.NodeCommands, c)
	return c.ID
}

// ack says that everything up to a number is stored.
func (r *rig) ack(h wire.Hello, upTo uint64) {
	r.send(wire.NodeLease, wire.Lease{Header: wire.Head(wire.TypeLease), Session: h.Session, AckedOutbox: upTo})
}

// calls counts what the engine heard of a verb.
func (r *rig) calls(verb runtimetest.Verb) (n int) {
	for _, c := range r.engine.Calls() {
		if c.Verb == verb {
			n++
		}
	}
	return n
}

var idle = spec.Container{
	Name: "actor", Image: "actor:1", Command: runtimetest.Idle(), Resources: spec.Resources{CPU: 500, Memory: 64 * spec.MiB},
}

func entry(s spec.Container) wire.DesiredContainer {
	return wire.DesiredContainer{ID: id.New[id.ContainerID](), Epoch: 1, Generation: 1, SpecHash: s.Hash(), Power: spec.Running}
}

func inAMinute() int64 { return time.Now().Add(time.Minute).UnixMilli() }
