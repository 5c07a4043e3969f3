package dispatch

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Hello is an agent's hello, with where it came from and how far its outbox
// was taken in.
type Hello struct {
	Node  id.NodeID
	Conn  uint64
	Said  wire.Hello
	Acked uint64
}

// Sync answers a hello: one exchange, however long the agent was away.
func (d *Dispatcher) Sync(ctx context.Context, h Hello) error {
	to := d.delivery(h.Node)
	to.mu.Lock()
	defer d.wake.Up() // for what the outbox had to leave meanwhile
	defer to.mu.Unlock()
	to.session = wire.Session{} // until it was answered

	s, err := d.situation(ctx, h)
	if err != nil {
		return err
	}
	a := s.decide()
	if !d.Nodes.Hear(h.Node, liveness.Greeted{
		Conn: h.Conn, Session: h.Said.Session, Rev: a.rev, AppliedRev: h.Said.AppliedRev, Acked: h.Acked,
		MachineID: h.Said.MachineID, Hostname: h.Said.Hostname,
	}) {
		return nil // it has gone, or said hello again
	}
	specs, err := d.specsOf(ctx, map[id.NodeID]answer{h.Node: a})
	if err != nil {
		return err
	}
	if err := d.publish(h.Node, a.messages(h.Said.Session, d.sendable(specs[h.Node]))); err != nil {
		return err
	}
	to.session, to.rev = h.Said.Session, a.rev
	d.Log.Info("node synchronised", "node", h.Node, "with", a.kind, "from", h.Said.AppliedRev, "rev", a.rev,
		"containers", len(a.containers))
	open, err := d.commandsOf(ctx, []id.NodeID{h.Node}, nil)
	if err != nil {
		return err
	}
	return d.command(h.Node, h.Said.Session, open[h.Node])
}

// situation reads all that the answer depends on, as of one moment.
func (d *Dispatcher) situation(ctx context.Context, h Hello) (situation, error) {
	s := situation{hello: h.Said}
	err := d.Store.InSnapshot(ctx, func(tx *store.Tx) (err error) {
		if s.all, err = tx.DesiredOf(ctx, h.Node); err != nil {
			return err
		}
		if s.misplaced, err = tx.Misplaced(ctx, h.Node, h.Said.Present); err != nil {
			return err
		}
		if h.Said.AppliedRev < s.all.Rev {
			s.changes, err = tx.DesiredSince(ctx, h.Node, h.Said.AppliedRev, maxDelta)
		}
		return err
	})
	if err != nil {
		return situation{}, fmt.Errorf("synchronise: %w", err)
	}
	return s, nil
}

// maxPull is how many specs an agent may ask for at once.
const maxPull = 1000

// Pull answers an agent that lacks specs.
func (d *Dispatcher) Pull(ctx context.Context, node id.NodeID, p wire.Pull) error {
	if len(p.Hashes) > maxPull {
		return fmt.Errorf("pull of %d specs: at most %d may be asked for at once", len(p.Hashes), maxPull)
	}
	specs, err := d.Store.Specs(ctx, node, p.Hashes)
	if err != nil {
		return err
	}
	return d.publish(node, specMessages(p.Session, d.sendable(specs)))
}
