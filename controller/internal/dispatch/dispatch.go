package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

const (
	outboxTick = time.Second
	outboxPage = 1000
	atOnce     = 4 // nodes served in parallel; each takes a database connection
)

// Publisher is the broker as far as agents are told things.
type Publisher interface {
	Publish(t wire.Topic, payload []byte) error
}

// Options is what a Dispatcher needs.
type Options struct {
	Store     *store.Store
	Nodes     *liveness.Registry
	Publisher Publisher
	Live      *live.Live
	Now       func() time.Time
	Log       *slog.Logger
}

// Dispatcher brings desired sets and commands to agents. It is safe for
// concurrent use.
type Dispatcher struct {
	Options
	wake loop.Wake

	mu         sync.Mutex
	deliveries map[id.NodeID]*delivery
}

// delivery is how far a node was told. Its lock is held while the node is
// served, so that a hello and the outbox take turns.
type delivery struct {
	mu      sync.Mutex
	session wire.Session // that was told
	rev     int64        // the last revision that it was told
}

// New makes a Dispatcher; Run serves the outbox.
func New(o Options) *Dispatcher {
	return &Dispatcher{Options: o, wake: loop.NewWake(), deliveries: map[id.NodeID]*delivery{}}
}

// Wake says that something was committed for a node. It never blocks.
func (d *Dispatcher) Wake(id.NodeID) { d.wake.Up() }

// Run serves the outbox until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	return loop.Run(ctx, outboxTick, d.wake, d.drain, func(err error) {
		d.Log.Error("outbox not served; it is tried again", "error", err)
	})
}

func (d *Dispatcher) delivery(node id.NodeID) *delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	to, ok := d.deliveries[node]
	if !ok {
		to = &delivery{}
		d.deliveries[node] = to
	}
	return to
}

// Forget drops what is remembered of a node that was deleted.
func (d *Dispatcher) Forget(node id.NodeID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.deliveries, node)
}

// drain works through the whole outbox once. What cannot be served now stays
// and holds up nothing behind it.
func (d *Dispatcher) drain(ctx context.Context) error {
	var after int64
	var failed error
	for {
		rows, err := d.Store.Outbox(ctx, after, outboxPage)
		if err != nil || len(rows) == 0 {
			return errors.Join(failed, err)
		}
		after = rows[len(rows)-1].ID
		d.tell(ctx, rows)
		failed = errors.Join(failed, d.serve(ctx, rows))
		if len(rows) < outboxPage {
			return failed
		}
	}
}

// tell lets people know of what was just committed. It is news only: without
// them, the API still has it all.
func (d *Dispatcher) tell(ctx context.Context, rows []store.OutboxRow) {
	var commands []id.CommandID
	for _, r := range rows {
		if r.Command != nil {
			commands = append(commands, *r.Command)
		}
	}
	news, err := d.Store.NewsOf(ctx, commands)
	if err != nil {
		d.Log.Warn("news not told", "error", err)
		return
	}
	d.Live.Tell(news)
}

// parcel is what the outbox has for one node.
type parcel struct {
	node     id.NodeID
	rows     []int64
	commands []id.CommandID
}

func parcels(rows []store.OutboxRow) []*parcel {
	var list []*parcel
	of := map[id.NodeID]*parcel{}
	for _, r := range rows {
		p, ok := of[r.Node]
		if !ok {
			p = &parcel{node: r.Node, commands: []id.CommandID{}}
			of[r.Node] = p
			list = append(list, p)
		}
		p.rows = append(p.rows, r.ID)
		if r.Command != nil {
			p.commands = append(p.commands, *r.Command)
		}
	}
	return list
}

// serve sends what the outbox has and deletes the rows of the nodes that
// were served. One node that cannot be served holds up no other.
func (d *Dispatcher) serve(ctx context.Context, rows []store.OutboxRow) error {
	var mu sync.Mutex
	var done []int64
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, p := range parcels(rows) {
		group.Go(func() error {
			served, err := d.deliver(ctx, p)
			if err != nil {
				return fmt.Errorf("node %s: %w", p.node, err)
			}
			if served {
				mu.Lock()
				defer mu.Unlock()
				done = append(done, p.rows...)
			}
			return nil
		})
	}
	failed := group.Wait()
	if len(done) == 0 {
		return failed
	}
	err := d.Store.InTx(ctx, func(tx *store.Tx) error { return tx.DeleteOutbox(ctx, done) })
	return errors.Join(failed, err)
}

// deliver tells one node what is new. It is not served only while a hello of
// its is being answered: that may have read the database before the commit.
func (d *Dispatcher) deliver(ctx context.Context, p *parcel) (served bool, err error) {
	to := d.delivery(p.node)
	if !to.mu.TryLock() {
		return false, nil // the end of the hello wakes us
	}
	defer to.mu.Unlock()
	if n, known := d.Nodes.Look(p.node); known && n.Lost() {
		to.session = wire.Session{}
		return true, d.withhold(ctx, p.node)
	}
	session, there := d.Nodes.Session(p.node)
	if !there || session != to.session {
		return true, nil
	}
	news, err := d.since(ctx, p.node, to.rev)
	if err != nil {
		return false, err
	}
	if news.rev > to.rev {
		d.Nodes.Hear(p.node, liveness.Grew{Rev: news.rev})
		if err := d.send(ctx, p.node, session, news); err != nil {
			return false, err
		}
		to.rev = news.rev
	}
	return true, d.commands(ctx, p.node, session, p.commands)
}

// withhold tells a node that was given up nothing, though its connection may
// be open yet: were it to find its new desired set there when it comes back,
// it would end old copies before anybody heard that they ran. Its first lease
// makes it say hello.
func (d *Dispatcher) withhold(ctx context.Context, node id.NodeID) error {
	revs, err := d.Store.Revs(ctx, []id.NodeID{node})
	if rev, ok := revs[node]; ok {
		d.Nodes.Grew(node, rev)
	}
	return err
}

// since is what a node has to be told after a revision: a delta, or the full
// list where too much has changed.
func (d *Dispatcher) since(ctx context.Context, node id.NodeID, rev int64) (a answer, err error) {
	err = d.Store.InSnapshot(ctx, func(tx *store.Tx) error {
		changes, err := tx.DesiredSince(ctx, node, rev, maxDelta)
		if err != nil || changes.Complete {
			a = answer{kind: wire.DesiredDelta, fromRev: rev, rev: changes.Rev, containers: changes.Containers}
			return err
		}
		all, err := tx.DesiredOf(ctx, node)
		a = answer{kind: wire.DesiredFull, rev: all.Rev, containers: all.Containers}
		return err
	})
	return a, err
}

// send publishes an answer, with the specs that belong to it.
func (d *Dispatcher) send(ctx context.Context, node id.NodeID, session wire.Session, a answer) error {
	var specs map[string]spec.Container
	if wanted := a.wanted(); len(wanted) > 0 {
		var err error
		if specs, err = d.Store.Specs(ctx, node, wanted); err != nil {
			return err
		}
	}
	return d.publish(node, a.messages(session, d.sendable(specs)))
}

// sendable leaves out what no message can hold: one such container must not
// keep the others of its node from being told.
func (d *Dispatcher) sendable(specs map[string]spec.Container) map[string]spec.Container {
	for hash, s := range specs {
		if size := len(wire.Encode(s)); size > maxPart {
			d.Log.Error("a container's spec is too large to be sent: make its environment smaller", "name", s.Name, "bytes", size)
			delete(specs, hash)
		}
	}
	return specs
}

func (d *Dispatcher) publish(node id.NodeID, messages []wire.Desired) error {
	for _, m := range messages {
		if err := d.Publisher.Publish(wire.OfNode(wire.NodeDesired, node), wire.Encode(m)); err != nil {
			return fmt.Errorf("send desired set: %w", err)
		}
	}
	return nil
}

// commands publishes open commands: those among only, or all of them where
// only is nil.
func (d *Dispatcher) commands(ctx context.Context, node id.NodeID, session wire.Session, only []id.CommandID) error {
	open, err := d.Store.OpenCommands(ctx, node, only)
	if err != nil {
		return err
	}
	for _, c := range open {
		message := commandPayload(session, c)
		if err := d.Publisher.Publish(wire.OfNode(wire.NodeCommands, node), message); err != nil {
			return fmt.Errorf("send command: %w", err)
		}
	}
	return nil
}
