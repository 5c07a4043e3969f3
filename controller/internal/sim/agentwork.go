package sim

import (
	"time"

	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// verb is a step under way.
type verb string

const (
	starting verb = "start"
	stopping verb = "stop"
)

// barrier is how long starts wait for take-aways at most.
const barrier = 10 * time.Second

func (n *node) hello() {
	m := &n.mem
	m.lastHello = n.elapsed()
	m.helloAt = m.lastHello + helloAgain
	h := wire.Hello{
		Session: m.session, NodeID: n.id, AppliedRev: n.disk.applied, Digest: n.disk.digest(n.w.check.cast),
		LedgerID: n.disk.id, MachineID: n.name, Hostname: n.name,
	}
	for _, c := range n.w.check.cast {
		if i := n.engine[c.id]; i != nil {
			h.Present = append(h.Present, wire.ContainerRef{ID: c.id, Epoch: i.epoch, Running: i.running})
		}
	}
	conn, c := m.conn, m.peer
	n.w.carry(&n.path, c, true, func() { c.proc.do(func() { c.mail(n, letter{conn: conn, hello: &h}) }) })
}

// hearDesired takes in a desired set.
func (n *node) hearDesired(d wire.Desired) {
	m := &n.mem
	if m.conn == 0 || d.Session != m.session && !n.w.rules.NoSession {
		return
	}
	before := n.disk.accepted
	if d.Kind != wire.DesiredNothing && !n.disk.accept(d, n.w.check.cast, n.w.rules) {
		m.helloAt = max(n.elapsed(), m.lastHello+helloSpacing)
		return
	}
	n.w.check.accepted(n, before, n.disk.accepted)
	m.helloAt = 0
	if m.newest <= n.disk.accepted {
		m.behind = 0
	}
	n.reconcile()
}

func (n *node) hearCommand(c wire.Command) {
	if n.mem.conn == 0 || c.Session != n.mem.session && !n.w.rules.NoSession {
		return
	}
	n.disk.take(c)
	n.reconcile()
}

// flush sends the outbox until it is acknowledged.
func (n *node) flush() {
	m, now := &n.mem, n.elapsed()
	if m.conn == 0 || len(n.disk.outbox) == 0 || now < m.flushAt {
		return
	}
	m.flushAt = now + flushAgain
	e := wire.Events{Session: m.session, LedgerID: n.disk.id, Items: append([]wire.Event{}, n.disk.outbox...)}
	conn, c := m.conn, m.peer
	n.w.carry(&n.path, c, true, func() { c.proc.do(func() { c.mail(n, letter{conn: conn, events: &e}) }) })
}

// reconcile brings the engine nearer to what is desired: what may not be here
// goes first. It follows agent/internal/reconcile.
func (n *node) reconcile() {
	if !n.docker.runs() {
		return
	}
	if !n.mem.looked {
		n.look()
		return
	}
	clear := true
	for _, c := range n.w.check.cast {
		clear = n.takeAway(c) && clear
	}
	for _, c := range n.w.check.cast {
		n.towards(c, clear)
		n.report(c)
	}
	n.recordApplied()
	n.mem.flushAt = 0
	n.flush()
}

// takeAway removes what the desired set no longer has here. It reports
// whether starts need not wait for it.
func (n *node) takeAway(c *container) bool {
	i, now := n.engine[c.id], n.elapsed()
	if !n.mayNotBe(c) {
		delete(n.mem.away, c.id)
		return true
	}
	if n.mem.away[c.id] == 0 {
		n.mem.away[c.id] = now
	}
	if n.mem.busy[c.id] == "" {
		n.mem.busy[c.id] = stopping
		n.engineStop(i, true, "taken away", n.finished(c))
	}
	return now >= n.mem.away[c.id]+barrier
}

// mayNotBe reports whether the engine has it at a place that is over.
func (n *node) mayNotBe(c *container) bool {
	i, has := n.engine[c.id]
	want, wanted := n.disk.desired[c.id]
	return has && wanted && (want.Power == spec.Absent && i.epoch <= want.Epoch || i.epoch < want.Epoch)
}

// finished is what is done when a step is over.
func (n *node) finished(c *container) func() {
	life := n.agent.life
	return func() {
		if n.agent.life == life {
			delete(n.mem.busy, c.id)
			delete(n.mem.doing, c.id)
			n.reconcile()
		}
	}
}

// towards starts or stops what should be here.
func (n *node) towards(c *container, clear bool) {
	want, wanted := n.disk.desired[c.id]
	i := n.engine[c.id]
	running := i != nil && i.running
	if !wanted || n.mem.busy[c.id] != "" || n.mayNotBe(c) || i != nil && i.epoch > want.Epoch {
		return
	}
	switch {
	case want.Power == spec.Stopped && running:
		n.mem.busy[c.id] = stopping
		n.engineStop(i, false, "stopped", n.finished(c))
	case want.Power == spec.Running && !running && clear && n.elapsed() >= n.mem.retry[c.id] && n.mayStart(c, want.Epoch):
		n.mem.busy[c.id], n.mem.doing[c.id] = starting, want.Epoch
		n.mem.retry[c.id] = n.elapsed() + time.Second
		n.disk.ran[c.id] = n.boot
		n.engineStart(c, want.Epoch, n.finished(c))
	}
}

func (n *node) mayStart(c *container, epoch int64) bool {
	ran, before := n.disk.ran[c.id]
	s := lease.Start{
		HA: c.ha, Exclusive: c.exclusive, Guarded: n.guardAnswers(),
		Held:     n.mem.holder.MayStart(c.id, epoch, n.elapsed()) || n.w.rules.NoLease,
		Rebooted: before && ran != n.boot, InTouch: n.mem.inTouch,
		Alone: n.elapsed() - n.mem.alone, OfflineDelay: offlineDelay,
	}
	return s.Refusal() == "" && (!c.exclusive || n.guardExpect(c, epoch) || n.w.rules.NoLease)
}

// report puts what is seen into the outbox, and settles commands.
func (n *node) report(c *container) {
	want, wanted := n.disk.desired[c.id]
	if !wanted {
		return
	}
	i := n.engine[c.id]
	running := i != nil && i.running
	idle := n.mem.busy[c.id] == ""
	s := wire.ContainerStatus{ID: c.id, Epoch: want.Epoch, Generation: want.Generation}
	switch {
	case !idle && n.mem.busy[c.id] == starting:
		s.Phase = spec.Starting
	case !idle || running && n.mayNotBe(c):
		s.Phase = spec.Stopping
	case running:
		s.Phase = spec.Up
	case want.Power == spec.Absent && i == nil:
		s.Phase = spec.Removed
	case want.Power == spec.Stopped:
		s.Phase = spec.Down
	default:
		s.Phase = spec.Pending
	}
	if n.reached(c) && n.disk.awaited(c.id, n.disk.accepted) {
		n.disk.settle(c.id, n.disk.accepted, wire.Applied)
	}
	n.disk.observe(s)
}

// reached reports whether a container is as it should be.
func (n *node) reached(c *container) bool {
	want := n.disk.desired[c.id]
	i := n.engine[c.id]
	if n.mem.busy[c.id] != "" || n.mayNotBe(c) || i != nil && i.epoch > want.Epoch {
		return false
	}
	switch want.Power {
	case spec.Absent:
		return i == nil
	case spec.Stopped:
		return i == nil || !i.running
	}
	return i != nil && i.running
}

// recordApplied moves the applied revision on once everything that the
// accepted set takes away is gone.
func (n *node) recordApplied() {
	if n.disk.applied >= n.disk.accepted && !n.w.rules.NoRevOrder {
		return
	}
	for _, c := range n.w.check.cast {
		want, wanted := n.disk.desired[c.id]
		switch {
		case !wanted:
		case want.Power == spec.Absent && !n.reached(c),
			n.mayNotBe(c),
			n.mem.busy[c.id] == starting && n.mem.doing[c.id] < want.Epoch:
			return
		}
	}
	n.disk.applied = n.disk.accepted
}
