package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
	together   = 100 // nodes that are read for in one go
	atOnce     = 4   // such reads in parallel; each takes a database connection
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
