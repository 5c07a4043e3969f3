package loops_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/loops"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

const patience = time.Minute

func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
	}
}

// told is what people were told; it stands for the broker.
type told struct {
	mu      sync.Mutex
	events  []wire.FleetEvent
	health  map[id.NodeID]wire.Health
	shown   map[id.ContainerID]wire.ContainerNews
	cleared []wire.Topic
}

func (p *told) Publish(t wire.Topic, payload []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch t.Kind {
	case wire.FleetEvents:
		var e wire.FleetEvent
		p.events = append(p.events, e)
		return json.Unmarshal(payload, &p.events[len(p.events)-1])
	case wire.ContainerState:
		var c wire.ContainerNews
		err := json.Unmarshal(payload, &c)
		p.shown[t.Container] = c
		return err
	case wire.NodeHealth:
		var h wire.Health
		err := json.Unmarshal(payload, &h)
		p.health[t.Node] = h
		return err
	}
	return nil
}

func (p *told) ClearRetained(t wire.Topic) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleared = append(p.cleared, t)
	return nil
}

func (p *told) event(kind, state string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.events, func(e wire.FleetEvent) bool { return e.Kind == kind && e.State == state })
}

func (p *told) healthOf(n id.NodeID) wire.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health[n]
}

func (p *told) statusOf(c id.ContainerID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shown[c].MigrationStatus
}

// world is a database, what is remembered of its nodes, and who is told.
type world struct {
	*testing.T
	db    *store.Store
	nodes *liveness.Registry
	told  *told
	live  *live.Live
	log   *slog.Logger
}

func newWorld(t *testing.T) *world {
	t.Parallel()
	w := &world{T: t, db: testkit.Postgres(t), told: &told{health: map[id.NodeID]wire.Health{}, shown: map[id.ContainerID]wire.ContainerNews{}}, log: slog.New(slog.DiscardHandler)}
	w.nodes = liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
	w.live = live.New(w.told, time.Now, w.log)
	return w
}

func (w *world) do(work func(ctx context.Context, tx *store.Tx) error) {
	w.Helper()
	if err := w.db.InTx(w.Context(), func(tx *store.Tx) error { return work(w.Context(), tx) }); err != nil {
		w.Fatal(err)
	}
}

func (w *world) node(name string) id.NodeID {
	w.Helper()
	n := fleet.Node{ID: id.New[id.NodeID](), Name: name, CreatedAt: time.Now()}
	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.InsertNode(ctx, n) })
	return n.ID
}

// run runs a loop for the rest of the test.
func (w *world) run(loop func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	w.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.Error(err)
		}
	})
}

func (w *world) watch(forget func(id.NodeID)) *loops.NodeWatch {
	return &loops.NodeWatch{Store: w.db, Nodes: w.nodes, Live: w.live, Forget: forget, Log: w.log}
}

func (w *world) state(n id.NodeID) fleet.NodeState {
	w.Helper()
	out, err := w.db.Node(w.Context(), n)
	if err != nil {
		w.Fatal(err)
	}
	return out.Health.State
}

var session = wire.Session{BootID: "b", Session: 1}

func TestNodeWatch(t *testing.T) {
	w := newWorld(t)
	forgotten := make(chan id.NodeID, 1)
	watch := w.watch(func(n id.NodeID) { forgotten <- n })
	node := w.node("n1")
	if err := watch.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.run(watch.Run)

	w.nodes.Hear(node, liveness.Connected{Conn: 1})
	w.nodes.Hear(node, liveness.Greeted{Conn: 1, Session: session})
	w.nodes.Hear(node, liveness.Heartbeat{Conn: 1, Session: session, AppliedRev: 3})
	eventually(t, "healthy is told", func() bool { return w.told.event(live.KindNodeHealth, "healthy") })
	if got := w.state(node); got != fleet.NodeHealthy {
		t.Errorf("it was told before it was written: %s", got)
	}
	eventually(t, "the heartbeat is written", func() bool {
		n, err := w.db.Node(t.Context(), node)
		return err == nil && n.Health.LastHeartbeat != nil && n.Health.AppliedRev == 3
	})

	w.nodes.Hear(node, liveness.Disconnected{Conn: 1, Reason: "connection lost"})
	eventually(t, "suspect is told", func() bool { return w.told.healthOf(node).State == "suspect" })
	if h := w.told.healthOf(node); h.Status != "healthy" || h.Reason != "connection lost" {
		t.Errorf("people see %+v", h)
	}

	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.DeleteNode(ctx, node) })
	w.nodes.Recheck(node)
	select {
	case n := <-forgotten:
		if n != node {
			t.Errorf("%s was forgotten", n)
		}
	case <-time.After(patience):
		t.Fatal("a deleted node is not forgotten")
	}
	if _, ok := w.nodes.Look(node); ok {
		t.Error("a deleted node is remembered")
	}
	if !slices.Contains(w.told.cleared, wire.OfNode(wire.NodeHealth, node)) {
		t.Error("people still see a deleted node")
	}
}

// What cannot be written is not told, and not lost.
func TestNodeWatchWithoutPostgres(t *testing.T) {
	w := newWorld(t)
	node := w.node("n1")
	away, err := store.Open(t.Context(), testkit.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	away.Close()
	watch := w.watch(func(id.NodeID) {})
	if err := watch.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.nodes.Hear(node, liveness.Connected{Conn: 1})
	w.nodes.Hear(node, liveness.Greeted{Conn: 1, Session: session})
	w.nodes.Hear(node, liveness.Heartbeat{Conn: 1, Session: session})
	watch.Store = away
	if err := watch.Record(t.Context()); err == nil {
		t.Fatal("it was written nowhere, and nobody complained")
	}
	if w.told.event(live.KindNodeHealth, "healthy") {
		t.Error("it was told and not written")
	}
	watch.Store = w.db
	if err := watch.Record(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !w.told.event(live.KindNodeHealth, "healthy") || w.state(node) != fleet.NodeHealthy {
		t.Error("the change was lost")
	}
}

func TestTwinsAndHoldsAreTold(t *testing.T) {
	w := newWorld(t)
	var nodes []id.NodeID
	clock := time.Now()
	w.nodes = liveness.NewRegistry(liveness.Options{
		Profile: liveness.Standard(), Now: func() time.Time { return clock }, Lease: func(id.NodeID, wire.Lease) {},
	})
	for _, name := range []string{"n1", "n2"} {
		n := w.node(name)
		nodes = append(nodes, n)
		w.nodes.Load([]liveness.Known{{Node: n, State: fleet.NodeHealthy}})
	}
	watch := w.watch(func(id.NodeID) {})
	for range 20 {
		clock = clock.Add(time.Second)
		w.nodes.Tick(true)
	}
	for conn := uint64(1); conn <= 3; conn++ {
		w.nodes.Hear(nodes[0], liveness.Connected{Conn: conn})
		w.nodes.Hear(nodes[0], liveness.Disconnected{Conn: conn, TakenOver: true})
	}
	if err := watch.Record(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !w.told.event(live.KindHold, "silence") || !w.told.event(live.KindNodeDuplicate, "") {
		t.Errorf("the events are %+v", w.told.events)
	}
	entries, _, err := w.db.Audit(t.Context(), store.AuditFilter{Verb: "node.duplicate"})
	if err != nil || len(entries) != 1 {
		t.Errorf("%d audit entries, %v", len(entries), err)
	}
}

// command puts a command for the node on record, and the job it belongs to.
func (w *world) command(node id.NodeID, deadline time.Time) id.JobID {
	w.Helper()
	j := fleet.Job{ID: id.New[id.JobID](), Kind: fleet.ContainerRestart, State: fleet.JobQueued, NodeID: &node, CreatedAt: time.Now()}
	j.Commands = []fleet.Command{{
		ID: id.New[id.CommandID](), JobID: j.ID, NodeID: node, Action: wire.ActionRestart, Receipt: wire.Queued,
		Deadline: &deadline, QueuedAt: time.Now(),
	}}
	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.InsertJob(ctx, j) })
	return j.ID
}

func TestSweeper(t *testing.T) {
	w := newWorld(t)
	node := w.node("n1")
	late, open := w.command(node, time.Now().Add(time.Minute)), w.command(node, time.Now().Add(time.Hour))
	rows, err := w.db.Outbox(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	w.do(func(ctx context.Context, tx *store.Tx) error {
		return tx.DeleteOutbox(ctx, []int64{rows[0].ID, rows[1].ID})
	})
	w.nodes.Hear(node, liveness.Connected{Conn: 1})
	w.nodes.Hear(node, liveness.Greeted{Conn: 1, Session: session})

	woken := make(chan struct{}, 100)
	sweeper := &loops.Sweeper{
		Store: w.db, Nodes: w.nodes, Live: w.live, Log: w.log,
		Wake: func() { woken <- struct{}{} },
		Now:  func() time.Time { return time.Now().Add(2 * time.Minute) },
	}
	w.run(sweeper.Run)
	eventually(t, "the late job has expired", func() bool { return w.told.event(live.KindJob, "expired") })
	select {
	case <-woken:
	case <-time.After(patience):
		t.Fatal("the dispatcher was not woken for a command that was lost")
	}
	again, err := w.db.Outbox(t.Context(), 0, 10)
	if err != nil || len(again) != 1 {
		t.Fatalf("%d rows wait to be sent, want the one that is open, %v", len(again), err)
	}
	for job, want := range map[id.JobID]fleet.JobState{late: fleet.JobExpired, open: fleet.JobQueued} {
		if got, err := w.db.Job(t.Context(), job); err != nil || got.State != want {
			t.Errorf("a job is %s, want %s, %v", got.State, want, err)
		}
	}
}
