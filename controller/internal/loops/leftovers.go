package loops

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Returned is called when a node says hello, with what it has there, before
// it is told what it should have: a container of a lost node that runs on may
// be left where it is, as long as no other runs it.
func (m *Migrator) Returned(ctx context.Context, node id.NodeID, present []wire.ContainerRef) error {
	m.start()
	var running []id.ContainerID
	for _, c := range present {
		if c.Running {
			running = append(running, c.ID)
		}
	}
	if len(running) == 0 || !m.mayHaveLeft(node) {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []store.Leftover
	err := m.inTx(ctx, "return", func(tx *store.Tx) (err error) {
		found, err = tx.FindLeftovers(ctx, node, running)
		return err
	})
	if err != nil {
		return err
	}
	back := false
	for _, f := range found {
		if f.Policy == fleet.Exclusive {
			m.alarm(f)
		}
		back = back || f.Policy == fleet.Available && f.State == fleet.MigrationStarting
	}
	if !back {
		return nil
	}
	_, err = m.round(ctx, failovers{}, map[id.NodeID]bool{node: true})
	return err
}

// mayHaveLeft reports whether something was moved from a node without its
// word; while that is not known, it may have been.
func (m *Migrator) mayHaveLeft(node id.NodeID) bool {
	m.known.Lock()
	defer m.known.Unlock()
	return m.leaving == nil || m.leaving[node]
}

// alarm is what must never be heard.
func (m *Migrator) alarm(f store.Leftover) {
	message := fmt.Sprintf("exclusive container %s runs on node %s, from which it was taken by migration %s: two copies may have run; see that its guard works", f.Container, f.Node, f.Migration)
	m.Metrics.overlaps.Inc()
	m.Log.Error("TWO COPIES of an exclusive container", "container", f.Container, "node", f.Node, "migration", f.Migration)
	m.Live.Event(wire.FleetEvent{Kind: live.KindOverlap, ContainerID: f.Container, NodeID: f.Node, Message: message})
}

// clear closes the books on old copies: a node that is well and runs what it
// should has none.
func (m *Migrator) clear(ctx context.Context) error {
	nodes, err := m.Store.Leftovers(ctx)
	if err != nil {
		return err
	}
	leaving := map[id.NodeID]bool{}
	var synced []id.NodeID
	for _, node := range nodes {
		leaving[node] = true
		n, known := m.Nodes.Look(node)
		if known && n.State == fleet.NodeHealthy && n.Link.Greeted && n.AppliedRev >= n.Rev {
			synced = append(synced, node)
		}
	}
	m.known.Lock()
	m.leaving = leaving
	m.known.Unlock()
	if len(synced) == 0 {
		return nil
	}
	var gone []store.Leftover
	err = m.inTx(ctx, "clear", func(tx *store.Tx) (err error) {
		gone, err = tx.ClearLeftovers(ctx, synced, m.Now())
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range gone {
		if g.OverlapMS != nil && *g.OverlapMS > 0 {
			m.Log.Info("two copies ran side by side", "container", g.Container, "node", g.Node, "migration", g.Migration, "overlap_ms", *g.OverlapMS)
		}
	}
	return nil
}
