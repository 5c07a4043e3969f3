package sim

import (
	"time"

	"github.com/lormas/lormas/shared/lease"
)

// guardLook is how often the guard of a machine looks: well within the
// Wakeup of the profile.
const guardLook = 200 * time.Millisecond

func (n *node) startGuard() {
	if n.guard.up || n.gone || n.w.rules.NoGuard {
		return
	}
	n.guard.start()
	n.guard.every(guardLook, n.guardRound)
}

// guardAnswers reports whether the guard would answer a question now.
func (n *node) guardAnswers() bool {
	return n.guard.runs() || n.w.rules.NoGuard && n.on
}

// guardExpect asks the guard to take a copy into its care before it starts.
func (n *node) guardExpect(c *container, epoch int64) bool {
	if n.w.rules.NoGuard {
		return true
	}
	if !n.guard.runs() {
		return false
	}
	next, err := n.tmpfs.Expect(lease.Copy{Container: c.id, Epoch: epoch}, n.mem.holder[c.id], n.elapsed())
	n.tmpfs = next
	return err == nil
}

// guardRenew hands new leases to the guard. What it does not hear it cannot
// go by, which only ends something too early.
func (n *node) guardRenew() {
	holder := n.mem.holder
	n.guard.do(func() {
		for _, c := range n.w.check.cast {
			if t, ok := holder[c.id]; ok {
				n.tmpfs = n.tmpfs.Renew(lease.Copy{Container: c.id, Epoch: t.Epoch}, t, n.elapsed())
			}
		}
	})
}

// guardRound does what is due, and kills what its record does not have.
func (n *node) guardRound() {
	now := n.elapsed()
	next, acts := n.tmpfs.Due(now)
	n.tmpfs = next
	for _, a := range acts {
		i := n.engine[a.Copy.Container]
		switch {
		case a.Deed == lease.Kill && (i == nil || !i.running || i.epoch != a.Copy.Epoch):
			n.tmpfs = n.tmpfs.Gone(a.Copy)
		case a.Deed == lease.Kill:
			n.kill(i, "fenced by the guard")
		case a.Deed == lease.Ask && i != nil && i.running && i.epoch == a.Copy.Epoch:
			n.agent.do(func() { n.askedToStop(i) })
		}
	}
	for _, c := range n.w.check.cast {
		i := n.engine[c.id]
		if !n.w.rules.NoScan && c.exclusive && i != nil && i.running && !n.tmpfs.May(lease.Copy{Container: c.id, Epoch: i.epoch}, now) {
			n.kill(i, "fenced by the guard")
		}
	}
}

// askedToStop has the engine stop a copy whose lease is about to end.
func (n *node) askedToStop(i *instance) {
	if i.running && n.docker.runs() && n.mem.busy[i.what.id] == "" {
		n.mem.busy[i.what.id] = stopping
		n.engineStop(i, false, "asked by the guard", n.finished(i.what))
	}
}

// takeOver is how long a copy that runs when the agent starts is left alone
// while the guard, which knows its lease, does not answer.
const takeOver = 5 * time.Second

// fence is the agent's own: where no guard answers, it ends what has no lease
// any more, as far as an agent can.
func (n *node) fence() {
	now, patience := n.elapsed(), takeOver
	if n.w.rules.NoGuard {
		patience = n.w.rules.profile.Lease
	}
	if n.guard.runs() || !n.docker.runs() {
		return
	}
	for _, c := range n.w.check.cast {
		i := n.engine[c.id]
		if i == nil || !i.running || !c.exclusive {
			continue
		}
		if !n.mem.holder.Holds(c.id, i.epoch, now) && now > n.mem.alone+patience {
			n.kill(i, "fenced by the agent")
		}
	}
}
