package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Violation is an invariant of FAILOVER §9.1 that did not hold.
type Violation struct {
	Invariant string
	At        time.Duration
	What      string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s at %s: %s", v.Invariant, v.At.Round(time.Millisecond), v.What)
}

// container is what the checker knows of one.
type container struct {
	id        id.ContainerID
	name      string
	ha        bool
	exclusive bool
	highest   int64         // the latest epoch that ever ran
	aside     time.Duration // when it was last meant to stop or to move
	live      []living
}

// living is a copy that really runs.
type living struct {
	n *node
	i *instance
}

// checker knows what really runs where, and judges by that.
type checker struct {
	w          *World
	cast       []*container
	violations []Violation
	cursors    map[string]uint64 // of each agent's outbox, what was taken in
	uncounted  bool              // Postgres was restored, and what it had taken in is lost

	failovers, planned, fenced, verdicts, starts int
}

func (k *checker) violated(invariant, format string, args ...any) {
	v := Violation{Invariant: invariant, At: k.w.now, What: fmt.Sprintf(format, args...)}
	k.w.logf("VIOLATION %s", v)
	k.violations = append(k.violations, v)
}

// began judges a copy that begins to run.
func (k *checker) began(n *node, i *instance) {
	c := i.what
	k.starts++
	if c.exclusive && i.byHand { // nobody can keep a person from that; it is ended at once
		run, p := i.run, k.w.rules.profile
		k.w.after(p.Wakeup+p.Kill, func() {
			if i.running && i.run == run {
				k.violated("I1", "%s still runs on %s, where somebody started it by hand", c.name, n.name)
			}
		})
		return
	}
	if c.exclusive {
		for _, other := range c.live {
			k.violated("I1", "%s runs on %s (epoch %d) and on %s (epoch %d)", c.name, other.n.name, other.i.epoch, n.name, i.epoch)
		}
		if i.epoch < c.highest {
			k.violated("I5", "%s starts on %s at epoch %d after it ran at %d", c.name, n.name, i.epoch, c.highest)
		}
		if !i.leased {
			k.violated("I13", "%s starts on %s, which has asked for it without a lease, or not at all", c.name, n.name)
		}
	}
	c.highest = max(c.highest, i.epoch)
	c.live = append(c.live, living{n, i})
}

// ended judges one that ends.
func (k *checker) ended(n *node, i *instance, why string) {
	c := i.what
	for at, l := range c.live {
		if l.i == i {
			c.live = append(c.live[:at], c.live[at+1:]...)
			break
		}
	}
	row := k.w.db.rows.container(c.id)
	if (why == "stopped" || why == "taken away") && row.NodeID == n.id && row.Epoch == i.epoch && row.Power == spec.Running && !row.Evicting && c.aside < i.since {
		k.violated("I4", "%s was stopped on %s, where it should run as it was", c.name, n.name)
	}
}

// accepted judges a desired set that a node has written down.
func (k *checker) accepted(n *node, before, now int64) {
	if now < before {
		k.violated("I5", "%s went from revision %d back to %d", n.name, before, now)
	}
}

// mute is how long Postgres may be silent before a controller has to know.
const mute = 10 * time.Second

// verdict judges a node that is given up.
func (k *checker) verdict(c *controller, n *node) {
	k.verdicts++
	window := k.w.rules.profile.Window
	arrived, heard := c.arrived[n.id]
	switch since := k.w.now - arrived; {
	case k.w.now-c.wrote > mute:
		k.violated("I3", "%s was given up, and Postgres has not answered for %s", n.name, (k.w.now - c.wrote).Round(time.Second))
	case since < window*99/100 && heard:
		k.violated("I3", "%s was given up %s after a heartbeat reached the controller", n.name, since.Round(time.Millisecond))
	case k.w.harsh:
	case k.w.now > n.troubleUntil+2*window+30*time.Second:
		k.violated("I3", "%s was given up, and has had no fault of its own for %s", n.name, (k.w.now - n.troubleUntil).Round(time.Second))
	}
}

// taking judges a container that is given to a node, at the commit.
func (k *checker) taking(st step) {
	r := k.w.db.rows
	m := r.current(st.Next)
	if m == nil {
		return
	}
	row, target := r.container(m.ContainerID), r.node(st.node)
	if m.Kind == fleet.KindFailover {
		k.failovers++
		if row.Type != fleet.HA {
			k.violated("I11", "the standard container %s was failed over", row.Name)
		}
	} else {
		k.planned++
	}
	if st.Action == failover.GoHome {
		return
	}
	switch {
	case row.NodeID == st.node:
		k.violated("I10", "%s is moved to the node that it is on", row.Name)
	case target.state != fleet.NodeHealthy && k.unwellFor(st.by, st.node) > decisionAge:
		k.violated("I10", "%s is moved to %s, which is %s", row.Name, k.w.node(st.node).name, target.state)
	case m.Kind == fleet.KindFailover && k.unsteady(st):
		k.violated("I10", "%s is moved to %s, which is quarantined", row.Name, k.w.node(st.node).name)
	case target.cordoned && !m.Force && m.State == fleet.MigrationQueued:
		k.violated("I10", "%s is moved to %s, which is cordoned", row.Name, k.w.node(st.node).name)
	}
}

// unsteady reports whether the target of a step has been well for a while, and
// in quarantine all that time.
func (k *checker) unsteady(st step) bool {
	look, _ := st.by.nodes.Look(st.node)
	return look.Flaps.Quarantined && look.State == fleet.NodeHealthy && st.by.wall().Sub(look.Since) > 5*time.Second
}

// ingested judges an event of an agent that is taken in.
func (k *checker) ingested(n id.NodeID, ledger string, seq uint64) {
	if k.cursors == nil {
		k.cursors = map[string]uint64{}
	}
	if last := k.cursors[ledger]; seq != last+1 && !k.uncounted {
		k.violated("I9", "event %d of %s is taken in after event %d", seq, k.w.node(n).name, last)
	}
	k.cursors[ledger] = seq
}

// decisionAge is how old a decision may be when it is written down: those of
// one look are written one after the other, each within the deadline of a
// statement or two.
const decisionAge = 5 * deadline

// unwellFor is how long a node has not been healthy, as the controller has it,
// and could have known: not while it stood still.
func (k *checker) unwellFor(c *controller, n id.NodeID) time.Duration {
	look, known := c.nodes.Look(n)
	if !known || look.State == fleet.NodeHealthy {
		return 0
	}
	return min(c.wall().Sub(look.Since), k.w.now-c.proc.thawed)
}

// moved judges a step of a migration.
func (k *checker) moved(m, next fleet.Migration) {
	name := k.w.db.rows.container(m.ContainerID).Name
	if m.State != next.State && !m.State.CanBecome(next.State) {
		k.violated("I8", "the migration of %s went from %s to %s", name, m.State, next.State)
	}
	if !next.State.Final() {
		return
	}
	var last time.Time
	for _, at := range []*time.Time{next.DetectedAt, &next.CreatedAt, next.StoppingAt, next.StoppedAt, next.FinishedAt} {
		if at == nil {
			continue
		}
		if at.Before(last.Add(-k.w.now / 400)) { // the clocks of two controllers drift apart
			k.violated("I14", "the times of the migration of %s do not add up", name)
		}
		last = *at
	}
	if next.FinishedAt == nil || next.State == fleet.MigrationDone && next.SwitchedAt == nil {
		k.violated("I14", "the migration of %s is %s without the times of it", name, next.State)
	}
}

// committed judges the rows after each transaction.
func (k *checker) committed(error) {
	r := k.w.db.rows
	for at, n := range r.nodes {
		var sum int64
		for _, c := range r.containers {
			if c.NodeID == n.id {
				sum += int64(c.Spec.Resources.Memory)
			}
		}
		for _, m := range r.migrations {
			if keeps(*m) && *m.To == n.id {
				sum += int64(r.container(m.ContainerID).Spec.Resources.Memory)
			}
		}
		if sum != int64(n.reserved.Memory) || n.reserved.Memory > n.offer.Memory {
			k.violated("I7", "%s has %d reserved of %d, and its containers come to %d", k.w.nodes[at].name, n.reserved.Memory, n.offer.Memory, sum)
		}
	}
	for _, c := range r.containers {
		open := 0
		for _, m := range r.migrations {
			if m.ContainerID == c.ID && !m.State.Final() {
				open++
			}
		}
		if open > 1 {
			k.violated("I8", "%s has %d open migrations", c.Name, open)
		}
	}
}

// unsettled says what is not yet as it should be once the weather has
// cleared; "" when all is.
func (k *checker) unsettled() (invariant, what string) {
	r := k.w.db.rows
	for _, m := range r.migrations {
		if !m.State.Final() && !r.waits(m) {
			return "I8", fmt.Sprintf("the migration of %s is still %s: %s", r.container(m.ContainerID).Name, m.State, m.Waiting)
		}
	}
	for i, n := range k.w.nodes {
		if state := r.nodes[i].state; state != fleet.NodeHealthy {
			return "I2", fmt.Sprintf("%s is well, and on record as %s", n.name, state)
		}
	}
	for i, c := range k.cast {
		row := r.containers[i]
		switch {
		case row.Power != spec.Running && len(c.live) > 0:
			return "I2", fmt.Sprintf("%s should be stopped and runs on %s", c.name, c.live[0].n.name)
		case row.Power != spec.Running:
		case len(c.live) != 1:
			return "I2", fmt.Sprintf("%s runs %d times", c.name, len(c.live))
		case c.live[0].n.id != row.NodeID || c.live[0].i.epoch != row.Epoch:
			return "I2", fmt.Sprintf("%s runs on %s at epoch %d, and belongs elsewhere", c.name, c.live[0].n.name, c.live[0].i.epoch)
		}
	}
	return "", ""
}

// waits says that a move which somebody asked for waits, as it should, for
// room: no other node has as much left.
func (r *rows) waits(m *fleet.Migration) bool {
	c := r.container(m.ContainerID)
	return m.State == fleet.MigrationQueued && m.Kind != fleet.KindFailover && !slices.ContainsFunc(r.nodes, func(n *nodeRow) bool {
		return n.id != c.NodeID && n.offer.Memory-n.reserved.Memory >= c.Spec.Resources.Memory
	})
}
