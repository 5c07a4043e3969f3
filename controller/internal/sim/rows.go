package sim

import (
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// rows is what Postgres has. Each function is what the one of its name in
// controller/internal/store does, with the same guards.
type rows struct {
	w           *World
	nodes       []*nodeRow
	containers  []*containerRow
	commands    []*commandRow
	outbox      []outboxRow
	migrations  []*fleet.Migration
	controllers []*reignRow
	terms       int64
	version     int64 // counts what changed, for the checker
}

type nodeRow struct {
	id       id.NodeID
	state    fleet.NodeState
	rev      int64
	changes  []id.ContainerID // that of revision n at n-1
	offer    spec.Resources
	reserved spec.Resources
	cordoned bool
	ledgerID string
	cursor   uint64 // the outbox of the node is taken in up to here
}

// containerRow is fleet.Container, and the moment at which it was last meant
// not to run where it was.
type containerRow struct {
	fleet.Container
	who *container
}

type commandRow struct {
	wire.Command
	node    id.NodeID
	receipt wire.Receipt
}

type outboxRow struct {
	id      uint64
	node    id.NodeID
	command id.CommandID
}

// atomically runs a transaction. What can fail in one fails before it changes
// anything.
func (r *rows) atomically(do func(*rows) error) error {
	r.version++
	return do(r)
}

// backup is a copy of all of them.
func (r *rows) backup() *rows {
	b := *r
	b.nodes, b.containers, b.commands, b.migrations, b.controllers = copies(r.nodes), copies(r.containers), copies(r.commands), copies(r.migrations), copies(r.controllers)
	b.outbox = slices.Clone(r.outbox)
	return &b
}

func copies[T any](list []*T) []*T {
	out := make([]*T, len(list))
	for i, p := range list {
		c := *p
		out[i] = &c
	}
	return out
}

func (r *rows) node(n id.NodeID) *nodeRow {
	for _, row := range r.nodes {
		if row.id == n {
			return row
		}
	}
	return nil
}

func (r *rows) container(c id.ContainerID) *containerRow {
	for _, row := range r.containers {
		if row.ID == c {
			return row
		}
	}
	return nil
}

// memories is what a controller that starts loads.
func (r *rows) memories(now time.Time) []liveness.Known {
	var known []liveness.Known
	for _, n := range r.nodes {
		known = append(known, liveness.Known{Node: n.id, State: n.state, Since: now, Rev: n.rev, Acked: n.cursor})
	}
	return known
}

func (r *rows) saveStates(changes []liveness.Change) {
	for _, c := range changes {
		r.node(c.Node).state = c.State
	}
}

// touch notes that the desired set of a node changed, and wakes it.
func (r *rows) touch(n id.NodeID, c id.ContainerID) int64 {
	row := r.node(n)
	row.rev++
	row.changes = append(row.changes, c)
	r.post(n, id.CommandID{})
	return row.rev
}

func (r *rows) post(n id.NodeID, command id.CommandID) {
	r.w.ids++
	r.outbox = append(r.outbox, outboxRow{id: r.w.ids, node: n, command: command})
}

func (r *rows) deleteOutbox(sent []uint64) {
	r.outbox = slices.DeleteFunc(r.outbox, func(o outboxRow) bool { return slices.Contains(sent, o.id) })
}

// desiredOf is all that a node should run.
func (r *rows) desiredOf(n id.NodeID) (rev int64, set []wire.DesiredContainer) {
	for _, c := range r.containers {
		if c.NodeID == n {
			set = append(set, c.desired(n))
		}
	}
	return r.node(n).rev, set
}

// desiredSince is what changed after a revision.
func (r *rows) desiredSince(n id.NodeID, after int64) (rev int64, set []wire.DesiredContainer) {
	row := r.node(n)
	if after >= row.rev {
		return row.rev, nil
	}
	for _, c := range r.containers {
		if slices.Contains(row.changes[after:], c.ID) {
			set = append(set, c.desired(n))
		}
	}
	return row.rev, set
}

func (c *containerRow) desired(n id.NodeID) wire.DesiredContainer {
	power := c.Power
	switch {
	case c.NodeID != n:
		power = spec.Absent
	case c.Evicting:
		power = spec.Stopped
	}
	return wire.DesiredContainer{ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, SpecHash: "s", Power: power}
}

// misplaced are those of the containers present that belong elsewhere.
func (r *rows) misplaced(n id.NodeID, present []wire.ContainerRef) []wire.ContainerRef {
	var out []wire.ContainerRef
	for _, p := range present {
		if c := r.container(p.ID); c != nil && c.NodeID != n {
			out = append(out, p)
		}
	}
	return out
}

// cursorOf is how far the outbox of a ledger is taken in.
func (r *rows) cursorOf(n id.NodeID, ledgerID string) uint64 {
	row := r.node(n)
	if row.ledgerID != ledgerID {
		row.ledgerID, row.cursor = ledgerID, 0
	}
	return row.cursor
}

// ingest takes in the head of an outbox, once.
func (r *rows) ingest(n id.NodeID, e wire.Events) uint64 {
	last := r.cursorOf(n, e.LedgerID)
	for _, item := range e.Items {
		if item.Seq <= last && !r.w.rules.NoCursor {
			continue
		}
		last = max(last, item.Seq)
		r.w.check.ingested(n, e.LedgerID, item.Seq)
		switch {
		case item.Container != nil:
			c := r.container(item.Container.ID)
			if c.NodeID == n && item.Container.Epoch == c.Epoch {
				seen := *item.Container
				c.Observed = &seen
			}
		case !item.CommandID.IsZero():
			for _, k := range r.commands {
				if k.ID == item.CommandID && !k.receipt.Final() {
					k.receipt = item.Receipt
				}
			}
		}
	}
	r.node(n).cursor = last
	return last
}

// openCommands are those of a node that wait for their outcome.
func (r *rows) openCommands(n id.NodeID) []wire.Command {
	var out []wire.Command
	for _, k := range r.commands {
		if k.node == n && !k.receipt.Final() {
			out = append(out, k.Command)
		}
	}
	return out
}

// order inserts a command for a container where it is assigned.
func (r *rows) order(c *containerRow, action wire.Action, rev int64) id.CommandID {
	for _, k := range r.commands {
		if k.ContainerID == c.ID && !k.receipt.Final() {
			k.receipt = wire.Superseded
		}
	}
	k := &commandRow{node: c.NodeID, receipt: wire.Queued, Command: wire.Command{
		ID: r.w.newID(), Action: action, ContainerID: c.ID, Epoch: c.Epoch, Generation: c.Generation, Rev: rev,
	}}
	r.commands = append(r.commands, k)
	r.post(c.NodeID, k.ID)
	return k.ID
}

// candidates are the nodes as placement wants to see them.
func (r *rows) candidates() []placement.Candidate {
	var out []placement.Candidate
	for i, n := range r.nodes {
		out = append(out, placement.Candidate{
			Node: n.id, Name: r.w.nodes[i].name, State: n.state, Joined: true, Cordoned: n.cordoned && !r.w.rules.NoCordon, Offer: n.offer, Reserved: n.reserved,
		})
	}
	return out
}
