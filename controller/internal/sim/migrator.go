package sim

import (
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

const migrateEvery = time.Second

// snapshot is the world as the migrator read it at one moment.
type snapshot struct {
	views  []failover.View
	places []placement.Candidate
	lost   []id.NodeID
}

// view is that of a migration.
func (s snapshot) view(m id.MigrationID) failover.View {
	for _, v := range s.views {
		if v.Migration.ID == m {
			return v
		}
	}
	return failover.View{}
}

// migrate is a round of the migrator: it reads the world anew, decides by
// failover.Plan, and carries out what was decided.
func (c *controller) migrate() {
	if !c.open || c.moving {
		return
	}
	c.moving = true
	var lost []id.NodeID
	for _, n := range c.w.nodes {
		if c.nodes.state(n.id) == fleet.NodeUnhealthy {
			lost = append(lost, n.id)
		}
	}
	var s snapshot
	c.tx(func(r *rows) error {
		s = c.look(r, lost)
		return nil
	}, func(err error) {
		c.moving = false
		if err == nil {
			c.carryOut(s)
		}
	})
}

// look reads all that decisions depend on, as of one moment.
func (c *controller) look(r *rows, lost []id.NodeID) snapshot {
	s := snapshot{places: r.candidates()}
	open := r.newFailovers(lost, c.wall())
	for _, m := range r.migrations {
		if !m.State.Final() {
			open = append(open, *m)
		}
	}
	for _, m := range open {
		row := r.container(m.ContainerID)
		v := failover.View{Migration: m, Container: row.Container}
		if c.w.rules.StartFirst && m.Kind == fleet.KindManual {
			v.Migration.Policy, v.Migration.Overlap = fleet.Available, true
		}
		if o := row.Observed; o != nil {
			seen := *o
			v.Container.Observed = &seen
		}
		if m.StopCommand != nil {
			v.Receipt = r.receipt(*m.StopCommand)
		}
		s.views = append(s.views, v)
	}
	return s
}

func (r *rows) receipt(command id.CommandID) wire.Receipt {
	for _, k := range r.commands {
		if k.ID == command {
			return k.receipt
		}
	}
	return ""
}

// complete adds to a view what only this process knows.
func (c *controller) complete(v *failover.View) {
	m := v.Migration
	v.Holder, v.Source = c.seen(v.Container.NodeID), c.seen(m.From)
	if m.To != nil {
		v.Target = c.seen(*m.To)
	}
	v.Source.Runs = m.Leftover == fleet.LeftoverRunning
	if m.StopRev == 0 {
		delete(c.fences, m.ID)
		return
	}
	f := c.fences[m.ID]
	if f.rev != m.StopRev {
		if !c.w.rules.NoGrew {
			c.nodes.Grew(v.Container.NodeID, m.StopRev)
		}
		f = fence{rev: m.StopRev, since: c.wall()}
		c.fences[m.ID] = f
	}
	v.FencedAt = f.since
	if c.w.rules.NoFence {
		v.FencedAt = f.since.Add(-v.Holder.Window)
	}
	if look, _ := c.nodes.Look(v.Container.NodeID); c.w.rules.ConfirmApplied && look.AppliedRev >= m.StopRev {
		v.Receipt = wire.Applied
	}
}

// fence is since when no lease can renew what its holder was told to stop.
type fence struct {
	rev   int64
	since time.Time
}

// seen is a node as the memory has it.
func (c *controller) seen(n id.NodeID) failover.Node {
	look, _ := c.nodes.Look(n)
	return failover.Node{
		ID: n, State: c.nodes.state(n), Window: c.w.rules.profile.Window, Held: c.nodes.Held(),
		Flapped: look.Flaps.Quarantined && !c.w.rules.NoQuarantine,
	}
}

// carryOut decides, and does it: what is taken from silent nodes only once
// those are seized.
func (c *controller) carryOut(s snapshot) {
	for i := range s.views {
		c.complete(&s.views[i])
	}
	decisions := failover.Plan(s.views, failover.Default(), c.wall())
	var silent []id.NodeID
	for _, d := range decisions {
		if d.Proof == failover.Silent && !slices.Contains(silent, d.Holder) {
			silent = append(silent, d.Holder)
		}
	}
	seized := c.nodes.seize(silent)
	var steps []step
	for _, d := range decisions {
		v := s.view(d.Next.ID)
		if d.Proof == failover.Silent && !slices.Contains(seized, d.Holder) {
			d = failover.Held(v, time.Time{}, "the node is not ours to decide about now")
		}
		st, found := c.place(d, s)
		if !found {
			st = step{by: c, Decision: failover.Refused(v, "no room", failover.Default(), c.wall())}
		}
		if st.Changes(v.Migration) {
			steps = append(steps, st)
		}
	}
	c.commit(steps, seized)
}

// step is a decision with its place.
type step struct {
	failover.Decision
	by   *controller
	node id.NodeID
}

// place finds a node where a decision wants one.
func (c *controller) place(d failover.Decision, s snapshot) (step, bool) {
	st := step{Decision: d, by: c}
	switch {
	case d.Action == failover.GoHome && !d.Back:
		st.node = d.Next.From
		return st, true
	case d.Action != failover.Reserve && d.Action != failover.Switch && d.Action != failover.GoHome:
		return st, true
	case d.Next.To != nil && d.Action == failover.Switch:
		st.node = *d.Next.To
		return st, true
	}
	row := c.w.db.rows.container(d.Next.ContainerID) // its spec and kind, which never change here
	holder := d.Holder
	for i := range s.places {
		look, _ := c.nodes.Look(s.places[i].Node)
		s.places[i].Silent = look.State != fleet.NodeHealthy || look.Silence(c.wall()) > 12*time.Second
		s.places[i].Guarded, s.places[i].Quarantined = look.GuardOK, look.Flaps.Quarantined && !c.w.rules.NoQuarantine
		if c.w.rules.StaleTargets {
			s.places[i].State, s.places[i].Silent = fleet.NodeHealthy, false
		}
	}
	request := placement.Request{
		Container: row.ID, Want: row.Spec.Resources, From: c.leaving(holder), Excluded: d.Next.Excluded, Pinned: d.Next.Wanted,
		Exclusive: row.HAPolicy == fleet.Exclusive, Force: d.Next.Force,
	}
	if d.Action == failover.GoHome {
		request.Pinned, request.Force, request.Waits = &d.Next.From, true, true
	}
	best, _ := placement.Choose(request, s.places)
	if best == nil {
		return st, false
	}
	for i := range s.places { // the next one is placed beside it
		if s.places[i].Node == best.Node {
			s.places[i].Reserved = s.places[i].Reserved.Add(row.Spec.Resources)
		}
	}
	st.node = best.Node
	return st, true
}

func (c *controller) leaving(holder id.NodeID) *id.NodeID {
	if c.w.rules.NoExclusion {
		return nil
	}
	return &holder
}

// commit writes all steps in one transaction, and lets seized nodes go with
// the revision that it gave.
func (c *controller) commit(steps []step, seized []id.NodeID) {
	if len(steps) == 0 && len(seized) == 0 {
		return
	}
	c.moving = true
	c.w.ambush(c, 0.02)
	c.sendEarly(steps)
	revs := map[id.NodeID]int64{}
	c.slowTx(c.w.comeback(seized), func(r *rows) error {
		for _, st := range steps {
			r.carryOut(st)
		}
		for _, st := range steps {
			revs[st.Holder] = r.node(st.Holder).rev
		}
		for _, n := range seized {
			revs[n] = r.node(n).rev
		}
		return nil
	}, func(err error) {
		c.moving = false
		if err != nil {
			c.readBack(seized)
			return
		}
		for _, st := range steps {
			if !c.w.rules.NoSeize && !c.w.rules.NoGrew {
				c.nodes.Grew(st.Holder, revs[st.Holder])
			}
		}
		c.nodes.yield(revs)
		c.drain()
	})
}

// readBack finds out what became of a commit that nobody answered for.
func (c *controller) readBack(seized []id.NodeID) {
	if len(seized) == 0 {
		return
	}
	revs := map[id.NodeID]int64{}
	c.w.db.read(&c.proc, func(r *rows) {
		for _, n := range seized {
			revs[n] = r.node(n).rev
		}
	}, func(err error) {
		if err != nil {
			c.proc.after(time.Second, func() { c.readBack(seized) })
			return
		}
		c.nodes.yield(revs)
	})
}

// carryOut does one step in a transaction.
func (r *rows) carryOut(st step) {
	if st.Next.Version == 0 {
		if !r.begin(st.Next) {
			return
		}
		st.Next.Version = 1
	}
	switch st.Action {
	case failover.Reserve:
		r.reserve(placed{st.Next, st.node})
	case failover.Evict:
		r.evict(st.Next)
	case failover.Switch:
		if !r.barred(placed{st.Next, st.node}) {
			r.w.check.taking(st)
			r.switchTo(placed{st.Next, st.node})
		}
	case failover.GoHome:
		if st.Back {
			r.w.check.taking(st)
			r.switchTo(placed{st.Next, st.node})
			return
		}
		r.stay(st.Next)
	case failover.Save, failover.Wait:
		r.saveMigration(st.Next)
	case failover.Finish:
		r.finish(st.Next)
	}
}
