package loops

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

const (
	tickEvery     = 100 * time.Millisecond
	recordEvery   = time.Second
	beatsEvery    = 5 * time.Second
	settingsEvery = 3 * time.Second
	writeWithin   = 5 * time.Second
)

// NodeWatch lets time go by for the nodes, and writes down what becomes of
// them.
type NodeWatch struct {
	Store   *store.Store
	Nodes   *liveness.Registry
	Live    *live.Live
	Profile liveness.Profile // of nodes without a cluster
	Forget  func(id.NodeID)  // called for a node that was deleted
	Lost    func()           // called when it is on record that nodes were lost or are well again; may be nil
	Settled loop.Wake        // wakes the reading of settings; see Settle
	Log     *slog.Logger

	postgres atomic.Bool // answered the last time
}

// Load takes in what Postgres remembers. Call it before agents can connect.
func (w *NodeWatch) Load(ctx context.Context) error {
	memories, err := w.Store.NodeMemories(ctx)
	if err != nil {
		return err
	}
	known := make([]liveness.Known, len(memories))
	for i, m := range memories {
		known[i] = liveness.Known{
			Node: m.Node, State: m.State, Since: m.Since, Reason: m.Reason, Rev: m.Rev, Acked: m.Acked,
			MachineID: m.MachineID, Hostname: m.Hostname,
			Profile: w.profile(m.Profile, m.WindowMS), Window: milliseconds(m.LeaseMS),
			Flaps:    liveness.Flaps{Penalty: m.Penalty, At: m.PenaltyAt, Quarantined: m.Quarantined},
			DockerOK: m.DockerOK, GuardOK: m.GuardOK,
		}
	}
	w.Nodes.Load(known)
	w.postgres.Store(true)
	return w.Settle(ctx)
}

// Run watches until ctx ends. Time is kept apart from writing: a database
// that hangs must not look like a controller that was frozen.
func (w *NodeWatch) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.tick(ctx) })
	group.Go(func() error { return loop.Run(ctx, recordEvery, w.Nodes.Woken(), w.Record, w.report) })
	group.Go(func() error { return loop.Run(ctx, settingsEvery, w.Settled, w.Settle, w.report) })
	group.Go(func() error { return loop.Run(ctx, beatsEvery, w.Nodes.Flagged(), w.recordBeats, w.report) })
	return group.Wait()
}

func (w *NodeWatch) tick(ctx context.Context) error {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			w.Nodes.Tick(w.postgres.Load())
		}
	}
}

func (w *NodeWatch) report(err error) {
	w.Log.Error("what became of the nodes is not recorded; it is tried again", "error", err)
}

// Record writes new states down and tells them: one round of the loop.
func (w *NodeWatch) Record(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	news := w.Nodes.Take()
	for _, h := range news.Holds {
		w.hold(h)
	}
	for _, twins := range news.Twins {
		w.twins(ctx, twins)
	}
	if len(news.Changes) == 0 {
		err := w.Store.Ping(ctx)
		w.postgres.Store(err == nil)
		return err
	}
	found, err := w.save(ctx, news.Changes)
	w.postgres.Store(err == nil)
	if err != nil {
		w.Nodes.Return(news.Changes)
		return err
	}
	if w.Lost != nil && slices.ContainsFunc(news.Changes, moves) {
		w.Lost()
	}
	exist := map[id.NodeID]bool{}
	for _, node := range found {
		exist[node] = true
	}
	for _, c := range news.Changes {
		if exist[c.Node] {
			w.tell(c)
		} else {
			w.forget(c.Node)
		}
	}
	return nil
}

// moves reports whether a change is one that containers move for: a node was
// lost, or is there again and may be given some.
func moves(c liveness.Change) bool {
	return c.From != c.State && (c.State == fleet.NodeUnhealthy || c.State == fleet.NodeHealthy)
}

func (w *NodeWatch) save(ctx context.Context, changes []liveness.Change) (found []id.NodeID, err error) {
	rows := make([]store.NodeChange, len(changes))
	for i, c := range changes {
		rows[i] = store.NodeChange{Node: c.Node, From: c.From, State: c.State, Since: c.Since, Reason: c.Reason,
			Penalty: c.Flaps.Penalty, PenaltyAt: c.Flaps.At, Quarantined: c.Flaps.Quarantined}
	}
	err = w.Store.InTx(ctx, func(tx *store.Tx) error {
		found, err = tx.SaveNodeStates(ctx, rows)
		return err
	})
	return found, err
}

func (w *NodeWatch) tell(c liveness.Change) {
	w.Live.Node(live.Health{Node: c.Node, State: c.State, Since: c.Since, Reason: c.Reason})
	if c.From == c.State {
		return
	}
	w.Log.Info("node changed", "node", c.Node, "from", c.From, "to", c.State, "reason", c.Reason)
	w.Live.Event(wire.FleetEvent{Kind: live.KindNodeHealth, NodeID: c.Node, State: string(c.State), Message: c.Reason})
}

func (w *NodeWatch) forget(node id.NodeID) {
	w.Nodes.Forget(node)
	w.Live.NodeGone(node)
	w.Forget(node)
}

func (w *NodeWatch) hold(h liveness.HoldNews) {
	if h.Ended {
		w.Log.Info("hold ended", "kind", h.Kind, "reason", h.Reason)
		w.Live.Event(wire.FleetEvent{Kind: live.KindRelease, State: string(h.Kind), Message: "the hold is over, and every node has a full new window; it was: " + h.Reason})
		return
	}
	w.Log.Warn("hold: no node is declared lost", "kind", h.Kind, "reason", h.Reason)
	w.Live.Event(wire.FleetEvent{Kind: live.KindHold, State: string(h.Kind), Message: h.Reason})
}

// verbDuplicate names the audit entry of two agents with one credential.
const verbDuplicate fleet.Verb = "node.duplicate"

// twins names two agents that share a credential. An audit entry that cannot
// be written is logged: the next fight writes another.
func (w *NodeWatch) twins(ctx context.Context, t liveness.Twins) {
	w.Log.Warn("two agents use the credential of one node", "node", t.Node, "reason", t.Reason)
	w.Live.Event(wire.FleetEvent{Kind: live.KindNodeDuplicate, NodeID: t.Node, Message: t.Reason})
	err := w.Store.InTx(ctx, func(tx *store.Tx) error {
		return tx.InsertAudit(ctx, fleet.AuditEntry{
			ActorKind: fleet.ActorSystem, ActorName: "liveness", Verb: verbDuplicate,
			TargetKind: "node", TargetID: uuid.UUID(t.Node), Outcome: fleet.OutcomeFailed, Reason: t.Reason,
		})
	})
	if err != nil {
		w.Log.Error("audit entry of a duplicate node is lost", "node", t.Node, "error", err)
	}
}

// recordBeats writes the newest heartbeats in one statement.
func (w *NodeWatch) recordBeats(ctx context.Context) error {
	beats := w.Nodes.TakeBeats()
	if len(beats) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	// One order for all writers of many rows, so that they cannot deadlock.
	slices.SortFunc(beats, func(a, b liveness.Beat) int { return slices.Compare(a.Node[:], b.Node[:]) })
	rows := make([]store.Heartbeat, len(beats))
	for i, b := range beats {
		rows[i] = store.Heartbeat(b)
	}
	err := w.Store.InTx(ctx, func(tx *store.Tx) error {
		_, err := tx.SaveHeartbeats(ctx, rows)
		return err
	})
	if err != nil {
		return fmt.Errorf("%d heartbeats: %w", len(beats), err)
	}
	return nil
}
