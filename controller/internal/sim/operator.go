package sim

import (
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// operator is a person who asks for something. The API commits it at once, or
// refuses.
func (w *World) operator() {
	c := w.active()
	if c == nil {
		return
	}
	r := w.db.rows
	switch w.rng.IntN(9) {
	case 0:
		n := r.nodes[w.rng.IntN(len(r.nodes))]
		n.cordoned = !n.cordoned
	case 1:
		w.power(r.containers[w.rng.IntN(len(r.containers))])
	case 2:
		w.drain(c)
	case 3:
		w.confirmDead(c)
	default:
		w.manual(c, r.containers[w.rng.IntN(len(r.containers))], fleet.KindManual)
	}
	w.check.committed(nil)
	c.migrate()
	c.drain()
}

// active is the controller that answers people now; nil: none.
func (w *World) active() *controller {
	for _, c := range w.ctls {
		_, reigns := c.claim.Authority(c.wall())
		if w.db.up && !c.proc.dbCut && c.open && c.proc.runs() && reigns {
			return c
		}
	}
	return nil
}

// confirmDead is a person's word that a machine is dead. People look before
// they say so.
func (w *World) confirmDead(by *controller) {
	n := w.anyNode()
	if n.on && !w.rules.ConfirmLiving {
		return
	}
	w.logf("operator: %s is dead", n.name)
	if w.rules.ConfirmLiving {
		by.nodes.condemn(n.id)
		return
	}
	before := by.nodes.state(n.id)
	_ = by.nodes.ConfirmDead(n.id)
	by.nodes.note(n.id, before)
}

// manual asks for a migration.
func (w *World) manual(by *controller, c *containerRow, kind fleet.MigrationKind) {
	w.move(by, c, kind, w.chance(0.4))
}

// force asks for one that waits for nobody.
func (w *World) force(by *controller, c *containerRow) { w.move(by, c, fleet.KindManual, true) }

func (w *World) move(by *controller, c *containerRow, kind fleet.MigrationKind, force bool) {
	now := by.wall()
	m := fleet.Migration{
		ID: w.newID(), ContainerID: c.ID, Kind: kind, From: c.NodeID, FromEpoch: c.Epoch, Policy: c.HAPolicy,
		Force: force, Overlap: c.HAPolicy == fleet.Available && w.chance(0.3), State: fleet.MigrationQueued, Attempt: 1,
		Leftover: fleet.LeftoverNone, CreatedAt: now, NextRunAt: now,
	}
	if err := w.db.rows.insertMigration(m); err == nil {
		w.logf("operator: %s of %s, force %t", kind, c.Name, m.Force)
	}
}

// drain empties a node.
func (w *World) drain(by *controller) {
	n := w.db.rows.nodes[w.rng.IntN(len(w.nodes))]
	n.cordoned = true
	for _, c := range w.db.rows.containers {
		if c.NodeID == n.id && c.Type == fleet.HA && c.Power == spec.Running {
			w.manual(by, c, fleet.KindDrain)
		}
	}
}

// power starts or stops a container, unless it is being moved.
func (w *World) power(c *containerRow) {
	if c.MigrationStatus == fleet.Migrating {
		return
	}
	action := wire.ActionStart
	if c.Power == spec.Running {
		c.Power, action = spec.Stopped, wire.ActionStop
		c.who.aside = w.now
	} else {
		c.Power = spec.Running
	}
	rev := w.db.rows.touch(c.NodeID, c.ID)
	w.db.rows.order(c, action, rev)
	w.logf("operator: %s should be %s", c.Name, c.Power)
}
