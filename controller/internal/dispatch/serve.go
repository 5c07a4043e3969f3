package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// serve sends what the outbox has and deletes the rows of the nodes that
// were served. One node that cannot be served holds up no other.
func (d *Dispatcher) serve(ctx context.Context, rows []store.OutboxRow) error {
	var mu sync.Mutex
	var done []int64
	var failed error
	var group errgroup.Group
	group.SetLimit(atOnce)
	for some := range slices.Chunk(parcels(rows), together) {
		group.Go(func() error {
			served, err := d.deliver(ctx, some)
			mu.Lock()
			defer mu.Unlock()
			done, failed = append(done, served...), errors.Join(failed, err)
			return nil
		})
	}
	_ = group.Wait() // failed has it
	if len(done) == 0 {
		return failed
	}
	err := d.Store.InTx(ctx, func(tx *store.Tx) error { return tx.DeleteOutbox(ctx, done) })
	return errors.Join(failed, err)
}

// addressee is a node that is there to be told something. Its delivery is
// locked.
type addressee struct {
	*parcel
	to      *delivery
	session wire.Session
}

// deliver tells nodes what is new, and answers the rows of those that are
// served. A node is not while a hello of its is being answered: that may have
// read the database before the commit.
func (d *Dispatcher) deliver(ctx context.Context, some []*parcel) (served []int64, err error) {
	var there []addressee
	var lost []*parcel
	for _, p := range some {
		to := d.delivery(p.node)
		if !to.mu.TryLock() {
			continue // the end of the hello wakes us
		}
		defer to.mu.Unlock()
		n, known := d.Nodes.Look(p.node)
		switch session := n.Link.Session; {
		case known && n.Lost():
			to.session = wire.Session{}
			lost = append(lost, p)
		case !n.Link.Greeted || session != to.session:
			served = append(served, p.rows...) // its hello reads the truth
		default:
			there = append(there, addressee{p, to, session})
		}
	}
	withheld, failed := d.withhold(ctx, lost)
	told, err := d.inform(ctx, there)
	return slices.Concat(served, withheld, told), errors.Join(failed, err)
}

// withhold tells nodes that were given up nothing, though their connections
// may be open yet: were one to find its new desired set there when it comes
// back, it would end old copies before anybody heard that they ran. Its first
// lease makes it say hello.
func (d *Dispatcher) withhold(ctx context.Context, lost []*parcel) (served []int64, err error) {
	if len(lost) == 0 {
		return nil, nil
	}
	nodes := make([]id.NodeID, len(lost))
	for i, p := range lost {
		nodes[i] = p.node
		served = append(served, p.rows...)
	}
	revs, err := d.Store.Revs(ctx, nodes)
	if err != nil {
		return nil, err
	}
	for node, rev := range revs {
		d.Nodes.Grew(node, rev)
	}
	return served, nil
}

// inform reads what nodes have to be told, and tells them. Where that cannot
// be read for all it is for each half, so that one node holds up no other.
func (d *Dispatcher) inform(ctx context.Context, there []addressee) (served []int64, err error) {
	if len(there) == 0 {
		return nil, nil
	}
	news, err := d.read(ctx, there)
	switch {
	case err != nil && len(there) > 1 && d.Store.Ping(ctx) == nil:
		half := len(there) / 2
		first, failed := d.inform(ctx, there[:half])
		second, err := d.inform(ctx, there[half:])
		return append(first, second...), errors.Join(failed, err)
	case err != nil && len(there) == 1:
		return nil, fmt.Errorf("node %s: %w", there[0].node, err)
	case err != nil:
		return nil, err
	}
	for _, a := range there {
		if failed := d.hand(a, news); failed != nil {
			err = errors.Join(err, fmt.Errorf("node %s: %w", a.node, failed))
		} else {
			served = append(served, a.rows...)
		}
	}
	return served, err
}

// news is what was read for nodes.
type news struct {
	answers  map[id.NodeID]answer
	specs    map[id.NodeID]map[string]spec.Container
	commands map[id.NodeID][]store.OpenCommand
}

// read loads what nodes have to be told, in a few statements for all of them.
func (d *Dispatcher) read(ctx context.Context, there []addressee) (out news, err error) {
	after := make(map[id.NodeID]int64, len(there))
	var asked []id.NodeID
	var commands []id.CommandID
	for _, a := range there {
		after[a.node] = a.to.rev
		if len(a.commands) > 0 {
			asked, commands = append(asked, a.node), append(commands, a.commands...)
		}
	}
	if out.answers, err = d.since(ctx, after); err != nil {
		return out, err
	}
	if out.specs, err = d.specsOf(ctx, out.answers); err != nil {
		return out, err
	}
	out.commands, err = d.commandsOf(ctx, asked, commands)
	return out, err
}

// since is what nodes have to be told after revisions: a delta each, or the
// full list where too much has changed, and nothing where nothing has.
func (d *Dispatcher) since(ctx context.Context, after map[id.NodeID]int64) (map[id.NodeID]answer, error) {
	out := make(map[id.NodeID]answer, len(after))
	err := d.Store.InSnapshot(ctx, func(tx *store.Tx) error {
		changes, err := tx.DesiredAfter(ctx, after, maxDelta)
		if err != nil {
			return err
		}
		for node, c := range changes {
			switch {
			case c.Rev <= after[node]:
			case c.Complete:
				out[node] = answer{kind: wire.DesiredDelta, fromRev: after[node], rev: c.Rev, containers: c.Containers}
			default:
				all, err := tx.DesiredOf(ctx, node)
				if err != nil {
					return err
				}
				out[node] = answer{kind: wire.DesiredFull, rev: all.Rev, containers: all.Containers}
			}
		}
		return nil
	})
	return out, err
}

// specsOf loads the specs that go along with answers.
func (d *Dispatcher) specsOf(ctx context.Context, answers map[id.NodeID]answer) (map[id.NodeID]map[string]spec.Container, error) {
	var nodes []id.NodeID
	var hashes []string
	for node, a := range answers {
		if wanted := a.wanted(); len(wanted) > 0 {
			nodes, hashes = append(nodes, node), append(hashes, wanted...)
		}
	}
	if len(nodes) == 0 {
		return nil, nil
	}
	return d.Store.SpecsOf(ctx, nodes, hashes)
}

// commandsOf loads open commands by node: those among only, or all of them
// where only is nil.
func (d *Dispatcher) commandsOf(ctx context.Context, nodes []id.NodeID, only []id.CommandID) (map[id.NodeID][]store.OpenCommand, error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	open, err := d.Store.OpenCommands(ctx, nodes, only)
	out := map[id.NodeID][]store.OpenCommand{}
	for _, c := range open {
		out[c.NodeID] = append(out[c.NodeID], c)
	}
	return out, err
}

// hand tells one node what was read for it.
func (d *Dispatcher) hand(a addressee, n news) error {
	if said, ok := n.answers[a.node]; ok {
		d.Nodes.Hear(a.node, liveness.Grew{Rev: said.rev})
		if err := d.publish(a.node, said.messages(a.session, d.sendable(n.specs[a.node]))); err != nil {
			return err
		}
		a.to.rev = said.rev
	}
	return d.command(a.node, a.session, n.commands[a.node])
}

// command publishes commands.
func (d *Dispatcher) command(node id.NodeID, session wire.Session, open []store.OpenCommand) error {
	for _, c := range open {
		if err := d.Publisher.Publish(wire.OfNode(wire.NodeCommands, node), commandPayload(session, c)); err != nil {
			return fmt.Errorf("send command: %w", err)
		}
	}
	return nil
}
