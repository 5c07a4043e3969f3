package loops

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// work is what one round has to do.
type work struct {
	views   []failover.View
	moves   []*move // need a place
	steps   []step  // need none
	seized  []id.NodeID
	done    int  // that were written
	left    int  // that somebody else held
	unsaved bool // a failover that has yet to begin could not be written
}

// step is a decision and what it was made on.
type step struct {
	view     failover.View
	decision failover.Decision
}

// move is a step that takes a place.
type move struct {
	step
	request placement.Request
	node    id.NodeID              // that was chosen; zero: none yet
	ports   []spec.Port            // there; nil: as reserved
	kept    bool                   // the place was reserved before
	locked  *store.LockedMigration // in the transaction that carries it out
}

// stuck are containers that stay where they are until somebody has seen to
// them, and why.
type stuck map[id.ContainerID]string

// regressed adds the containers of which a node knows a later epoch than the
// truth does.
func (m *Migrator) regressed(ctx context.Context, those stuck) error {
	list, err := m.Store.Regressions(ctx)
	for _, r := range list {
		those[r.Container] = whyRegressed
	}
	return err
}

const (
	whyRegressed  = "held: a node knows a later epoch of it than the database, which was restored from a backup; POST /fleet/release goes on"
	whyUnreadable = "held: what it is made of cannot be read: the controller's log says why; repair its row in Postgres, or restore a backup"
)

// plan decides about every migration.
func (m *Migrator) plan(views []failover.View, those stuck) *work {
	now := m.Now()
	w := &work{views: views}
	of := make(map[id.MigrationID]failover.View, len(views))
	for _, v := range views {
		of[v.Migration.ID] = v
	}
	for _, d := range failover.Plan(views, m.Rules, now) {
		s := step{view: of[d.Next.ID], decision: d}
		switch {
		case those[s.view.Container.ID] != "" && d.Action != failover.Finish:
			w.steps = append(w.steps, step{view: s.view, decision: failover.Held(s.view, time.Time{}, those[s.view.Container.ID])})
		case d.Action == failover.Reserve, d.Action == failover.Switch, d.Action == failover.GoHome && d.Back:
			w.moves = append(w.moves, m.newMove(s))
		default:
			w.steps = append(w.steps, s)
		}
	}
	return w
}

func (m *Migrator) newMove(s step) *move {
	v, next := s.view, s.decision.Next
	out := &move{step: s}
	if s.decision.Action == failover.Switch && next.To != nil {
		out.node, out.kept = *next.To, true
		return out
	}
	c := v.Container
	out.request = placement.Request{
		Container: c.ID, Want: c.Spec.Resources, Ports: c.Spec.Ports, Pinned: next.Wanted,
		PreferredCluster: c.PreferredClusterID, FromCluster: v.Source.Cluster, From: &c.NodeID, Excluded: next.Excluded,
		Exclusive: next.Policy == fleet.Exclusive, Force: next.Force && next.Kind == fleet.KindManual,
		Arch: v.Holder.Arch, Group: c.Group, Priority: failover.Urgency(next),
	}
	switch {
	case s.decision.Action == failover.GoHome:
		out.request.Pinned, out.request.Force, out.request.Waits = &next.From, true, true
	case next.Kind != fleet.KindFailover:
		out.request.MaxStarting = m.Rules.PerTarget
	}
	return out
}

// refuseFor is how long a refusal is believed: until then no place is looked
// for, however often something wakes us.
const refuseFor = 500 * time.Millisecond

// place finds a place for every move. One that there is none for waits, and
// says why.
func (m *Migrator) place(ctx context.Context, w *work, places func() ([]placement.Candidate, error)) error {
	now := m.Now()
	var open []*move
	for _, mv := range w.moves {
		r, was := m.refused[mv.view.Migration.ID]
		switch {
		case mv.kept:
		case was && now.Sub(r.at) < refuseFor:
			w.refuse(mv, r.why, m.Rules, now)
		default:
			open = append(open, mv)
		}
	}
	if len(open) == 0 {
		w.drop()
		return nil
	}
	all, err := m.candidates(ctx, open, w.views, places)
	if err != nil {
		return err
	}
	requests := make([]placement.Request, len(open))
	for i, mv := range open {
		requests[i] = mv.request
	}
	for i, found := range placement.Batch(requests, all, rand.Uint64()) {
		if found.Refusal != nil {
			m.refused[open[i].view.Migration.ID] = refused{at: now, why: found.Refusal.String()}
			m.Metrics.refuse(open[i].view.Migration.Kind, found.Refusal.Chief())
			w.refuse(open[i], found.Refusal.String(), m.Rules, now)
			continue
		}
		delete(m.refused, open[i].view.Migration.ID)
		open[i].node = found.Node
	}
	w.drop()
	return nil
}

// refuse makes a move a step that waits.
func (w *work) refuse(mv *move, why string, r failover.Rules, now time.Time) {
	w.steps = append(w.steps, step{view: mv.view, decision: failover.Refused(mv.view, why, r, now)})
	mv.node = id.NodeID{}
}

// drop leaves out the moves that have no place.
func (w *work) drop() {
	w.moves = slices.DeleteFunc(w.moves, func(mv *move) bool { return mv.node.IsZero() })
}

// candidates are all nodes as of now, or as of the places read ahead: what is
// promised is on record, who is silent is remembered.
func (m *Migrator) candidates(ctx context.Context, open []*move, views []failover.View, places func() ([]placement.Candidate, error)) ([]placement.Candidate, error) {
	var ports []spec.Port
	groups := map[string]bool{}
	for _, mv := range open {
		for _, p := range mv.request.Ports {
			if p.Host != 0 && !p.Auto { // others refuse nothing
				ports = append(ports, p)
			}
		}
		if mv.request.Group != "" {
			groups[mv.request.Group] = true
		}
	}
	if places == nil || len(ports)+len(groups) > 0 {
		places = func() ([]placement.Candidate, error) {
			return m.Store.Candidates(ctx, ports, slices.Collect(maps.Keys(groups))...)
		}
	}
	all, err := places()
	if err != nil {
		return nil, fmt.Errorf("find places: %w", err)
	}
	starts := failover.Starts(views)
	for i := range all {
		c := &all[i]
		c.Starting = max(c.Starting, starts[c.Node])
		if n, known := m.Nodes.Look(c.Node); known && n.State != fleet.NodeHealthy {
			c.Silent = true
		}
	}
	return all, nil
}

// seize makes sure of every node that a container is taken from without its
// word: from here on it cannot come back until the decision is over. What
// cannot be made sure of waits.
func (m *Migrator) seize(w *work) {
	wanted := map[id.NodeID]bool{}
	for _, mv := range w.moves {
		if mv.decision.Proof == failover.Silent {
			wanted[mv.decision.Holder] = true
		}
	}
	if len(wanted) == 0 {
		return
	}
	var nodes []id.NodeID
	for node := range wanted {
		nodes = append(nodes, node)
	}
	w.seized = m.Nodes.Seize(nodes)
	for _, node := range w.seized {
		delete(wanted, node)
	}
	for _, mv := range w.moves {
		if mv.decision.Proof == failover.Silent && wanted[mv.decision.Holder] {
			why := "held: the controller has not listened long enough to take anything from node " + mv.view.Holder.Name
			if held := m.Nodes.Held(); held != "" {
				why = "held: " + held
			}
			w.steps = append(w.steps, step{view: mv.view, decision: failover.Held(mv.view, time.Time{}, why)})
			mv.node = id.NodeID{}
		}
	}
	w.drop()
}
