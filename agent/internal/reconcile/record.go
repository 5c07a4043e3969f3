package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// record writes down what has come about since the last time, in one go. If
// that does not work it is tried again, as nothing counts as told before. It
// returns when to come again, zero for no matter.
func (r *Reconciler) record(now time.Time) time.Time {
	if r.neverLooked() {
		return time.Time{} // nothing is known yet
	}
	if err := r.recordAll(now); err != nil {
		r.Log.Error("the ledger cannot be written; what was seen is kept in memory and tried again", "error", err)
		return now.Add(retryRec)
	}
	return time.Time{}
}

func (r *Reconciler) recordAll(now time.Time) error {
	var seen []ledger.Observation
	for _, s := range r.subjects {
		if o, news := r.observe(s, now); news {
			seen = append(seen, o)
		}
	}
	if len(seen) > 0 {
		if err := r.Ledger.Record(seen); err != nil {
			return err
		}
	}
	for _, o := range seen {
		r.told(o)
	}
	return r.recordApplied()
}

// observe makes the observation of a container, and reports whether it tells
// anything new.
func (r *Reconciler) observe(s *subject, now time.Time) (ledger.Observation, bool) {
	if s.want == nil || s.unsure {
		return ledger.Observation{}, false
	}
	o := ledger.Observation{Status: s.status(), Settled: s.settlement(r.desired.Rev, now)}
	if o.Settled != nil && !r.awaited(s.id, o.Settled.UpToRev) {
		o.Settled = nil
	}
	news := o.Settled != nil || !sameStatus(o.Status, s.told)
	o.Status.Rev = r.desired.Applied
	return o, news
}

// sameStatus leaves out the node's revision, which changes with others.
func sameStatus(a, b wire.ContainerStatus) bool {
	sameTime := (a.StartedAt == nil) == (b.StartedAt == nil) && (a.StartedAt == nil || a.StartedAt.Equal(*b.StartedAt))
	sameCode := (a.ExitCode == nil) == (b.ExitCode == nil) && (a.ExitCode == nil || *a.ExitCode == *b.ExitCode)
	a.StartedAt, a.ExitCode, a.Rev = b.StartedAt, b.ExitCode, b.Rev
	return sameTime && sameCode && a == b
}

// told is called when an observation is on disk.
func (r *Reconciler) told(o ledger.Observation) {
	s := r.subjects[o.Status.ID]
	s.told = o.Status
	if o.Settled != nil {
		r.open = slices.DeleteFunc(r.open, func(c ledger.Command) bool {
			return c.ContainerID == s.id && c.Rev <= o.Settled.UpToRev
		})
	}
	if o.Status.Phase == spec.Removed {
		delete(r.subjects, s.id)
		r.wake.Up() // it may have been given back meanwhile
	}
}

// recordApplied moves the applied revision on when everything that the
// accepted one takes away is gone.
func (r *Reconciler) recordApplied() error {
	if r.desired.Applied >= r.desired.Rev {
		return nil
	}
	for _, s := range r.subjects {
		if !s.cleared() {
			return nil
		}
	}
	if err := r.Ledger.SetApplied(r.desired.Rev); err != nil {
		return err
	}
	r.desired.Applied = r.desired.Rev
	return nil
}

// awaited reports whether a command waits for the outcome of a revision.
func (r *Reconciler) awaited(c id.ContainerID, rev int64) bool {
	return slices.ContainsFunc(r.open, func(o ledger.Command) bool { return o.ContainerID == c && o.Rev <= rev })
}

// loadCommands reads the open lifecycle commands. A command newer than the
// last attempt ends a pause: whoever gave it does not want to wait.
func (r *Reconciler) loadCommands() {
	all, err := r.Ledger.Open()
	if err != nil {
		r.Log.Error("the ledger cannot be read; commands wait", "error", err)
		return
	}
	r.open = slices.DeleteFunc(all, func(c ledger.Command) bool { return c.Action.Transient() })
	for _, c := range r.open {
		s := r.subjects[c.ContainerID]
		switch {
		case c.Rev > r.desired.Rev: // its revision is still on the way
		case s == nil && r.neverLooked():
		case s == nil:
			r.answerAbsent(c)
		case c.Rev > s.attempt && c.Rev > s.nudged:
			s.nudged = c.Rev
			s.forgive()
		}
	}
}

// answerAbsent ends a command for a container that the node neither has nor
// should have.
func (r *Reconciler) answerAbsent(c ledger.Command) {
	receipt, result := wire.FailedR, wire.Result{Message: "the container is no longer on this node"}
	if c.Action == wire.ActionDelete {
		receipt, result = wire.Applied, wire.Result{}
	}
	r.finish(c.ID, receipt, result)
}

// abandon ends the transient commands that an earlier run of the agent was
// carrying out: whether they took effect is unknown, and twice is worse than
// not at all.
func (r *Reconciler) abandon() {
	all, err := r.Ledger.Open()
	if err != nil {
		r.Log.Error("the ledger cannot be read; commands of the last run stay open", "error", err)
		return
	}
	for _, c := range all {
		if c.Action.Transient() {
			r.finish(c.ID, wire.FailedR, wire.Result{
				Message: fmt.Sprintf("the agent restarted while it carried out the %s; it is not done twice: look how the container is, and ask again", c.Action),
			})
		}
	}
}

func (r *Reconciler) finish(command id.CommandID, receipt wire.Receipt, result wire.Result) {
	if err := r.Ledger.Finish(command, receipt, result); err != nil {
		r.Log.Error("the outcome of a command is lost", "command", command, "receipt", receipt, "error", err)
	}
}
