package sim

import (
	"errors"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// placed is a migration as its next step wants it, with its place.
type placed struct {
	next fleet.Migration
	node id.NodeID
}

var errConflict = errors.New("the container is being moved already")

// insertMigration records a migration; a container has one that is open at
// most.
func (r *rows) insertMigration(m fleet.Migration) error {
	if r.moving(m.ContainerID) {
		return errConflict
	}
	m.Version = 1
	r.migrations = append(r.migrations, &m)
	r.container(m.ContainerID).MigrationStatus = fleet.Migrating
	return nil
}

// newFailovers lists the failovers that have yet to begin.
func (r *rows) newFailovers(lost []id.NodeID, now time.Time) (list []fleet.Migration) {
	for _, c := range r.containers {
		if !slices.Contains(lost, c.NodeID) || !r.mayFailOver(c) {
			continue
		}
		list = append(list, fleet.Migration{
			ID: r.w.newID(), ContainerID: c.ID, Kind: fleet.KindFailover, From: c.NodeID, FromEpoch: c.Epoch, Policy: c.HAPolicy,
			State: fleet.MigrationQueued, Attempt: 1, Leftover: fleet.LeftoverNone, DetectedAt: &now, CreatedAt: now, NextRunAt: now,
		})
	}
	return list
}

// mayFailOver is what must be true of a container when its failover begins.
func (r *rows) mayFailOver(c *containerRow) bool {
	return c.Type == fleet.HA && c.Power == spec.Running && r.node(c.NodeID).state == fleet.NodeUnhealthy && !r.moving(c.ID)
}

// moving reports whether a container is being moved.
func (r *rows) moving(container id.ContainerID) bool {
	return !r.w.rules.NoUnique && slices.ContainsFunc(r.migrations, func(m *fleet.Migration) bool {
		return m.ContainerID == container && !m.State.Final()
	})
}

// begin puts a failover on record that takes its first step, if its container
// is what it was when that was decided.
func (r *rows) begin(next fleet.Migration) bool {
	c := r.container(next.ContainerID)
	if c.NodeID != next.From || c.Epoch != next.FromEpoch || !r.mayFailOver(c) {
		return false
	}
	next.State, next.To, next.Waiting = fleet.MigrationQueued, nil, ""
	return r.insertMigration(next) == nil
}

// current finds a migration that is still of the version that a step was
// decided on; nil where somebody was faster.
func (r *rows) current(next fleet.Migration) *fleet.Migration {
	for _, m := range r.migrations {
		if m.ID == next.ID {
			if m.Version != next.Version && !r.w.rules.NoVersion || m.State.Final() {
				return nil
			}
			return m
		}
	}
	return nil
}

// save puts the next state of a migration in the place of the present one.
func (r *rows) save(m *fleet.Migration, next fleet.Migration) {
	r.w.check.moved(*m, next)
	next.Version = m.Version + 1
	*m = next
}

// room takes or gives back what a container needs of a node.
func (r *rows) room(n id.NodeID, c *containerRow, take bool) {
	row := r.node(n)
	if take {
		row.reserved = row.reserved.Add(c.Spec.Resources)
		return
	}
	row.reserved = row.reserved.Sub(c.Spec.Resources)
}

// hasRoom is the conditional update that keeps the ledger within its bounds.
func (r *rows) hasRoom(n id.NodeID, c *containerRow) bool {
	row := r.node(n)
	return r.w.rules.NoRoom || row.reserved.Memory+c.Spec.Resources.Memory <= row.offer.Memory
}

// keeps reports whether a migration has room reserved at its target beside
// that where the container is.
func keeps(m fleet.Migration) bool {
	switch m.State {
	case fleet.MigrationReserved, fleet.MigrationStopping, fleet.MigrationFencing:
		return m.To != nil
	}
	return false
}

// release gives back what the next state no longer holds.
func (r *rows) release(m *fleet.Migration, next fleet.Migration) {
	if keeps(*m) && !keeps(next) {
		r.room(*m.To, r.container(m.ContainerID), false)
	}
}

// barred reports whether a place that was chosen a moment ago is cordoned by
// now; placement.Confirm finds that in the transaction.
func (r *rows) barred(p placed) bool {
	if m := r.current(p.next); m != nil && keeps(*m) {
		return false
	}
	return r.node(p.node).cordoned && !p.next.Force && !r.w.rules.NoCordon
}

// reserve keeps a place.
func (r *rows) reserve(p placed) bool {
	m := r.current(p.next)
	c := r.container(p.next.ContainerID)
	if m == nil || !r.hasRoom(p.node, c) || r.barred(p) {
		return false
	}
	r.room(p.node, c, true)
	p.next.To = &p.node
	r.save(m, p.next)
	return true
}

// evict has the node stop a container, by desired state and by a command
// with a receipt.
func (r *rows) evict(next fleet.Migration) {
	m := r.current(next)
	if m == nil {
		return
	}
	c := r.container(next.ContainerID)
	c.Evicting = true
	c.who.aside = r.w.now
	next.StopRev = r.touch(c.NodeID, c.ID)
	command := r.order(c, wire.ActionStop, next.StopRev)
	next.StopCommand = &command
	r.release(m, next)
	r.save(m, next)
}

// switchTo gives a container to another node. It answers the revision of the
// node that is left.
func (r *rows) switchTo(p placed) (rev int64, done bool) {
	m := r.current(p.next)
	if m == nil {
		return 0, false
	}
	c := r.container(m.ContainerID)
	kept := keeps(*m) && *m.To == p.node
	if !kept && !r.hasRoom(p.node, c) {
		return 0, false
	}
	if !kept {
		r.release(m, p.next)
		r.room(p.node, c, true)
	}
	left := c.NodeID
	r.room(left, c, false)
	c.NodeID, c.Evicting = p.node, false
	c.Epoch++
	c.who.aside = r.w.now
	p.next.To, p.next.ToEpoch = &p.node, c.Epoch
	rev = r.touch(left, c.ID)
	r.order(c, wire.ActionMigrateCreate, r.touch(p.node, c.ID))
	r.save(m, p.next)
	return rev, true
}

// stay ends an eviction.
func (r *rows) stay(next fleet.Migration) {
	m := r.current(next)
	if m == nil {
		return
	}
	r.endEviction(r.container(m.ContainerID))
	r.release(m, next)
	r.save(m, next)
}

func (r *rows) endEviction(c *containerRow) {
	if c.Evicting {
		c.Evicting = false
		c.who.aside = r.w.now // until now it was
		r.touch(c.NodeID, c.ID)
	}
}

// saveMigration writes everything else that a step changes.
func (r *rows) saveMigration(next fleet.Migration) {
	if m := r.current(next); m != nil {
		r.release(m, next)
		r.save(m, next)
	}
}

// finish ends a migration.
func (r *rows) finish(next fleet.Migration) {
	m := r.current(next)
	if m == nil {
		return
	}
	c := r.container(m.ContainerID)
	r.endEviction(c)
	r.release(m, next)
	c.MigrationStatus = next.State.Status()
	r.save(m, next)
}

// leftovers notes what became of copies on a node that was silent, as its
// hello has it.
func (r *rows) leftovers(n id.NodeID, h wire.Hello) {
	for _, m := range r.migrations {
		if m.From != n || m.Leftover != fleet.LeftoverUnknown {
			continue
		}
		for _, p := range h.Present {
			if p.ID == m.ContainerID && p.Running && p.Epoch == m.FromEpoch {
				m.Leftover = fleet.LeftoverRunning
				m.Version++
			}
		}
	}
}

// tidyLeftovers notes that a node is in sync: nothing old is left there.
func (r *rows) tidyLeftovers(n id.NodeID) {
	for _, m := range r.migrations {
		if m.From == n && (m.Leftover == fleet.LeftoverUnknown || m.Leftover == fleet.LeftoverRunning) && m.State.Final() {
			m.Leftover = fleet.LeftoverGone
		}
	}
}
