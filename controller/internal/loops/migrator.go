package loops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
)

const (
	migrateEvery  = time.Second
	migrateWithin = 30 * time.Second // one pass
	maxRounds     = 20               // of a pass; what is left comes with the next
	maxOpen       = 5000             // migrations that are looked at in one round, the most urgent first
	lookAgain     = 20 * time.Millisecond
)

// Migrator moves containers: it begins failovers for what is lost, takes every
// open migration one step further, and empties nodes. What to do is
// decided by failover and placement; here it is carried out, and told.
type Migrator struct {
	Store   *store.Store
	Nodes   *liveness.Registry
	Live    *live.Live
	Rules   failover.Rules
	Sent    func() // the outbox has rows
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *MigratorMetrics
	// Before is called before each step of a transaction, for tests that let
	// the controller die there; nil otherwise.
	Before func(step string) error

	once sync.Once
	wake loop.Wake

	mu      sync.Mutex // held by a pass, and by a return: they take turns
	fences  map[id.MigrationID]fence
	refused map[id.MigrationID]refused
	begun   map[id.NodeID]time.Time // lost nodes whose failovers have begun, by the moment of the verdict
	begunAt time.Time               // when they all were looked at again

	known   sync.Mutex // guards what follows
	moving  map[id.ContainerID]bool
	stops   map[id.CommandID]bool
	leaving map[id.NodeID]bool // may come back with old copies; nil: not known yet
}

// fence is since when no lease renews what a node was told to stop.
type fence struct {
	rev   int64
	since time.Time
}

// refused is that no place was found, and when.
type refused struct {
	at  time.Time
	why string
}

func (m *Migrator) start() {
	m.once.Do(func() {
		m.wake = loop.NewWake()
		m.fences, m.refused, m.begun = map[id.MigrationID]fence{}, map[id.MigrationID]refused{}, map[id.NodeID]time.Time{}
	})
}

// Run moves until ctx ends.
func (m *Migrator) Run(ctx context.Context) error {
	m.start()
	return loop.Run(ctx, migrateEvery, m.wake, m.Pass, func(err error) {
		m.Log.Error("migrations do not go on; it is tried again", "error", err)
	})
}

// Wake says that something has changed on which a migration may wait: a
// node's state, a request. It never blocks.
func (m *Migrator) Wake() {
	m.start()
	m.wake.Up()
}

// Reported is called with what an agent reported, once it is committed.
func (m *Migrator) Reported(r store.Report) {
	m.known.Lock()
	defer m.known.Unlock()
	for _, s := range r.States {
		if m.moving[s.ID] {
			m.Wake()
			return
		}
	}
	for _, n := range r.Receipts {
		if n.Receipt.Final() && m.stops[n.Command] {
			m.Wake()
			return
		}
	}
}

// Pass takes everything as far as it goes now.
func (m *Migrator) Pass(ctx context.Context) error {
	m.start()
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, migrateWithin)
	defer cancel()
	if err := m.release(ctx, m.Nodes.Seized()); err != nil {
		return err
	}
	// One part that cannot be done must not hold up the others.
	failed := m.drains(ctx)
	for range maxRounds {
		fresh, unread := m.begin(ctx)
		more, undone := m.round(ctx, fresh, nil)
		failed = errors.Join(failed, unread, undone)
		if !more {
			break
		}
	}
	return errors.Join(failed, m.clear(ctx))
}

// release ends decisions about nodes that did not come to an end: whether
// they were committed is read back. A node whose revision cannot be read
// stays seized until the next pass.
func (m *Migrator) release(ctx context.Context, nodes []id.NodeID) error {
	if len(nodes) == 0 {
		return nil
	}
	revs, err := m.Store.Revs(ctx, nodes)
	if err != nil {
		return fmt.Errorf("release nodes: %w", err)
	}
	for _, node := range nodes {
		if _, ok := revs[node]; !ok {
			revs[node] = 0 // deleted
		}
	}
	m.heard(revs)
	m.Nodes.Yield(revs)
	return nil
}

// heard tells the memory of the fleet what was committed: from here on no
// lease renews what an older revision has.
func (m *Migrator) heard(revs map[id.NodeID]int64) {
	for node, rev := range revs {
		m.Nodes.Grew(node, rev)
	}
}

// beginAgain is how often containers of lost nodes are looked for again: one
// may have been started there since.
const beginAgain = 5 * time.Second

// failovers are those that begin.
type failovers struct {
	list  []store.OpenMigration
	nodes map[id.NodeID]time.Time // that are lost, on record
	all   bool                    // of these nodes; or only of those lost since
	whole bool                    // none is left out

	places func() ([]placement.Candidate, error) // as of the beginning; nil: nobody has looked
}

// begin lists the failovers that have to begin, for what has been lost since,
// and now and then for everything that is lost. They are on record with their
// first step: to write each down twice would take as long again.
func (m *Migrator) begin(ctx context.Context) (failovers, error) {
	now := m.Now()
	f := failovers{nodes: m.Nodes.Lost(), whole: true}
	f.all = now.Sub(m.begunAt) >= beginAgain && len(f.nodes) > 0
	var asked []id.NodeID
	news := false
	for node, since := range f.nodes {
		begun := m.hasBegun(node, since)
		if f.all || !begun {
			asked = append(asked, node)
		}
		news = news || !begun
	}
	if len(asked) == 0 {
		return f, nil
	}
	if news { // of what has been lost for long, there is hardly ever anything
		f.places = m.ahead(ctx)
	}
	given, err := m.Store.GivenUp(ctx, asked)
	if err != nil {
		return failovers{}, err
	}
	lost := map[id.NodeID]time.Time{}
	for _, node := range asked {
		switch {
		case !given[node]:
			delete(f.nodes, node) // it is not written down yet: once it is, we are woken
		case f.all:
			lost[node] = now
		default:
			lost[node] = f.nodes[node]
		}
	}
	if len(lost) == 0 {
		return f, nil
	}
	if f.list, err = m.Store.NewFailovers(ctx, lost, now, maxOpen); err != nil {
		return failovers{}, err
	}
	f.whole = len(f.list) < maxOpen
	return f, nil
}

// ahead reads all places while we read what has to be placed. They are of use
// where that depends on no port and no sibling, which is mostly so.
func (m *Migrator) ahead(ctx context.Context) func() ([]placement.Candidate, error) {
	read := sync.OnceValues(func() ([]placement.Candidate, error) { return m.Store.Candidates(ctx, nil) })
	go func() { _, _ = read() }()
	return read
}

// hasBegun reports whether the failovers of a node that is lost since then are
// on record.
func (m *Migrator) hasBegun(node id.NodeID, since time.Time) bool {
	at, begun := m.begun[node]
	return begun && at.Equal(since)
}

// have notes that failovers are on record.
func (m *Migrator) have(f failovers) {
	if len(f.list) > 0 {
		m.Log.Warn("containers of lost nodes are moved", "containers", len(f.list), "nodes", len(f.nodes))
	}
	if !f.whole {
		return
	}
	m.begun = f.nodes
	if f.all {
		m.begunAt = m.Now()
	}
}

// round takes every open migration one step further, those that begin among
// them, and reports whether another round may find more to do. Of the nodes in
// back it is known that they have come back with old copies running.
func (m *Migrator) round(ctx context.Context, fresh failovers, back map[id.NodeID]bool) (more bool, err error) {
	views, stuck, err := m.look(ctx, fresh.list, back)
	if err != nil {
		return false, err
	}
	if err := m.regressed(ctx, stuck); err != nil {
		return false, err
	}
	w := m.plan(views, stuck)
	if err := m.place(ctx, w, fresh.places); err != nil {
		return false, err
	}
	m.seize(w)
	m.Metrics.waits(w.steps)
	failed := m.move(ctx, w)
	failed = errors.Join(failed, m.settle(ctx, w))
	switch {
	case w.left > 0:
		time.AfterFunc(lookAgain, m.wake.Up) // somebody held them for a moment
	case failed == nil && !w.unsaved:
		m.have(fresh)
	}
	return w.done > 0 && failed == nil, failed
}

// inTx is a transaction of the migrator.
func (m *Migrator) inTx(ctx context.Context, name string, work func(*store.Tx) error) error {
	if err := m.before(name + ": begin"); err != nil {
		return err
	}
	err := m.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := work(tx); err != nil {
			return err
		}
		return m.before(name + ": commit")
	})
	if err != nil {
		return err
	}
	return m.before(name + ": committed")
}

func (m *Migrator) before(step string) error {
	if m.Before == nil {
		return nil
	}
	if err := m.Before(step); err != nil {
		return fmt.Errorf("%w: %w", errDied, err)
	}
	return nil
}

// remember keeps what is waited for, so that only its reports wake.
func (m *Migrator) remember(views []failover.View) {
	moving, stops := map[id.ContainerID]bool{}, map[id.CommandID]bool{}
	open := map[id.MigrationID]bool{}
	for _, v := range views {
		open[v.Migration.ID] = true
		moving[v.Container.ID] = true
		if c := v.Migration.StopCommand; c != nil {
			stops[*c] = true
		}
	}
	m.Metrics.states(views)
	for migration := range m.fences {
		if !open[migration] {
			delete(m.fences, migration)
		}
	}
	for migration := range m.refused {
		if !open[migration] {
			delete(m.refused, migration)
		}
	}
	m.known.Lock()
	defer m.known.Unlock()
	m.moving, m.stops = moving, stops
}
