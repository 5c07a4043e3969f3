package loops

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// look reads all open migrations, and all that their next steps, and those of
// the fresh ones, depend on. Of the nodes in back it is known that they came
// back with old copies.
func (m *Migrator) look(ctx context.Context, fresh []store.OpenMigration, back map[id.NodeID]bool) ([]failover.View, stuck, error) {
	open, err := m.Store.OpenMigrations(ctx, maxOpen)
	if err != nil {
		return nil, nil, fmt.Errorf("look at migrations: %w", err)
	}
	open = append(open, fresh...)
	nodes, late, err := m.nodesOf(ctx, open)
	if err != nil {
		return nil, nil, err
	}
	those := stuck{}
	views := make([]failover.View, len(open))
	for i, o := range open {
		if o.Unreadable != nil {
			those[o.Container.ID] = whyUnreadable
			if o.Waiting != whyUnreadable { // told once
				m.Log.Error("a container cannot be moved: what it is made of cannot be read", "container", o.Container.ID, "error", o.Unreadable)
			}
		}
		v := failover.View{
			Migration: o.Migration, Container: o.Container, Receipt: o.Stop, Message: o.StopMessage,
			Source: nodes[o.From], Holder: nodes[o.Container.NodeID], FencedAt: m.fencedAt(o),
		}
		v.Source.Runs = back[o.From]
		if o.To != nil {
			v.Target = nodes[*o.To]
		}
		if o.JobID != nil {
			v.Hurry = late[*o.JobID]
		}
		views[i] = v
	}
	m.remember(views)
	return views, those, nil
}

// nodesOf are the nodes that migrations have to do with, and the drains that
// are late.
func (m *Migrator) nodesOf(ctx context.Context, open []store.OpenMigration) (map[id.NodeID]failover.Node, map[id.JobID]bool, error) {
	ids := map[id.NodeID]bool{}
	for _, o := range open {
		ids[o.From], ids[o.Container.NodeID] = true, true
		if o.To != nil {
			ids[*o.To] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil, nil
	}
	list, err := m.Store.NodesByID(ctx, slices.Collect(maps.Keys(ids)))
	if err != nil {
		return nil, nil, fmt.Errorf("look at migrations: %w", err)
	}
	now, held := m.Now(), m.Nodes.Held()
	nodes, late := map[id.NodeID]failover.Node{}, map[id.JobID]bool{}
	for node := range ids {
		nodes[node] = failover.Node{ID: node, State: fleet.NodeUnhealthy, Barred: true} // deleted, until found
	}
	for _, n := range list {
		remembered, known := m.Nodes.Look(n.ID)
		nodes[n.ID] = seenNode(n, remembered, known, held, now)
		if n.Drain != nil && !now.Before(n.Drain.Deadline) {
			late[n.Drain.JobID] = true
		}
	}
	return nodes, late, nil
}

// seenNode is a node as migrations see it: what lives changes is remembered,
// what people say of it is on record.
func seenNode(n fleet.Node, remembered liveness.Node, known bool, held string, now time.Time) failover.Node {
	out := failover.Node{
		ID: n.ID, Name: n.Name, Cluster: n.ClusterID, Arch: n.Arch, State: n.Health.State,
		Barred: !n.Health.DockerOK, Flapped: n.Health.Quarantined, Window: remembered.Window(now),
	}
	if known {
		out.State = remembered.State
	}
	if out.State == fleet.NodeUnhealthy {
		out.Held = held
	}
	return out
}

// fencedAt is since when no lease can renew what a migration has told its
// holder to stop. A controller that began after that tells its memory now,
// and counts from now.
func (m *Migrator) fencedAt(o store.OpenMigration) time.Time {
	if o.StopRev == 0 {
		delete(m.fences, o.ID)
		return time.Time{}
	}
	f, ok := m.fences[o.ID]
	if !ok || f.rev != o.StopRev {
		m.heard(map[id.NodeID]int64{o.Container.NodeID: o.StopRev})
		f = fence{rev: o.StopRev, since: m.Now()}
		m.fences[o.ID] = f
	}
	return f.since
}
