package failover

import (
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Action is what has to be done for a step. Each is one write of the store.
type Action string

// The actions.
const (
	Wait    Action = "wait"    // nothing but, perhaps, the words for people
	Reserve Action = "reserve" // find a place and keep it
	Evict   Action = "evict"   // tell the holder to stop
	Switch  Action = "switch"  // give it to Next.To, or where that is nil to a place that is still to be found
	GoHome  Action = "go home" // it stays with its source, or goes back to it
	Save    Action = "save"    // the state alone
	Finish  Action = "finish"  // it is over
)

// Cause is what a migration waits for, in a word: people are told in more.
type Cause string

// The causes.
const (
	ForPlace Cause = "place" // no node can take it
	ForHold  Cause = "hold"  // nothing is concluded from the silence of its node at present
	ForForce Cause = "force" // a standard container is taken from a lost node only with it
	ForLimit Cause = "limit" // as many are under way as may be
	ForLease Cause = "lease" // the lease of its node has to run out
	ForPause Cause = "pause" // several targets did not work out
	ForNode  Cause = "node"  // a node has to stop it, to start it or to come back
)

// Causes are all of them.
var Causes = []Cause{ForPlace, ForHold, ForForce, ForLimit, ForLease, ForPause, ForNode}

// Decision is the next step of a migration, as data.
type Decision struct {
	Action Action
	Next   fleet.Migration // as it is once the step is done; the epoch and what a place brings are filled in there
	Cause  Cause           // Wait: what for
	Until  time.Time       // Wait: look again then at the latest; zero: when something happens
	Proof  Proof           // Switch, GoHome: why it may be taken from its holder
	Holder id.NodeID       // that it is taken from, or told to stop
	Back   bool            // GoHome: the container was switched, so that its epoch grows again
}

// Changes reports whether a decision about a migration is worth a write. Of one
// that has yet to begin everything is, but that it is over.
func (d Decision) Changes(m fleet.Migration) bool {
	if m.Version == 0 {
		return d.Action != Finish
	}
	n := d.Next
	return d.Action != Wait || len(n.Excluded) != len(m.Excluded) || n.Waiting != m.Waiting || n.Force != m.Force || !n.NextRunAt.Equal(m.NextRunAt) || !same(n.Deadline, m.Deadline)
}

func same(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// wait leaves a migration where it is. Every one that waits says why.
func (v View) wait(c Cause, until time.Time, why string, args ...any) Decision {
	next := v.Migration
	next.Waiting = fmt.Sprintf(why, args...)
	return Decision{Action: Wait, Next: next, Cause: c, Until: until, Holder: v.Container.NodeID}
}

// Held is the decision of a migration whose step cannot be taken now.
func Held(v View, until time.Time, why string) Decision { return v.wait(ForHold, until, "%s", why) }

// stuck is the wait of one whose holder is lost, and from which it may not be
// taken: why is what proof said.
func (v View) stuck(until time.Time, why string) Decision {
	if v.standard() && !v.forced() {
		return v.wait(ForForce, until, "%s", why)
	}
	return v.wait(ForHold, until, "%s", why)
}

// enter is a step into a state, with a deadline there.
func (v View) enter(a Action, state fleet.MigrationState, deadline time.Time) Decision {
	next := v.Migration
	next.State, next.Waiting, next.Force = state, "", v.forced()
	next.Deadline = nil
	if !deadline.IsZero() {
		next.Deadline = &deadline
	}
	return Decision{Action: a, Next: next, Holder: v.Container.NodeID}
}

func (v View) finish(state fleet.MigrationState, why string, now time.Time) Decision {
	d := v.enter(Finish, state, time.Time{})
	if d.Next.Error == "" || state == fleet.MigrationCancelled {
		d.Next.Error = why
	}
	if state == fleet.MigrationDone {
		d.Next.Error = ""
	}
	d.Next.FinishedAt = &now
	return d
}

// take is the switch to a target, or with a nil one to a place that is still
// to be found.
func (v View) take(p Proof, to *id.NodeID, r Rules, now time.Time) Decision {
	d := v.enter(Switch, fleet.MigrationStarting, now.Add(r.Start))
	d.Proof, d.Next.To, d.Next.SwitchedAt = p, to, &now
	d.Next.StopRev, d.Next.StopCommand = 0, nil // said nothing of the next holder
	if v.atHome() {
		d.Next.Leftover = v.leftover(p)
	}
	if p == Confirmed && d.Next.StoppedAt == nil {
		d.Next.StoppedAt = &now
	}
	return d
}

// leftover is what is known of the copy that the holder had. What was seen
// running on a node that is in touch runs until that node has heard.
func (v View) leftover(p Proof) fleet.Leftover {
	switch {
	case p == Confirmed:
		return fleet.LeftoverNone
	case p == Unneeded && v.runs():
		return fleet.LeftoverRunning
	}
	return fleet.LeftoverUnknown
}

// retarget has another place looked for, after a pause when too many were
// tried already.
func (v View) retarget(why string, r Rules, now time.Time) Decision {
	d := v.enter(Save, fleet.MigrationQueued, time.Time{})
	next := &d.Next
	next.Error, next.Waiting = why, why+"; another node is looked for"
	tried := next.To != nil && v.Migration.State != fleet.MigrationReserved
	// One that went bad while it was reserved is left out too: placement, with
	// force, may take it for good and would choose it over and over.
	if next.To != nil && !slices.Contains(next.Excluded, *next.To) {
		next.Excluded = append(slices.Clone(next.Excluded), *next.To)
	}
	next.To, next.StopRev, next.StopCommand, next.NextRunAt = nil, 0, nil, now
	if !tried {
		return d
	}
	if pause := r.pause(next.Attempt); pause > 0 {
		next.NextRunAt, next.Excluded, next.Wanted = now.Add(pause), nil, nil
		next.Waiting = fmt.Sprintf("%s; %d nodes were tried, the next in %s", why, next.Attempt, pause)
	}
	next.Attempt++
	return d
}

// goHome gives a migration up in favour of its source.
func (v View) goHome(p Proof, why string, r Rules, now time.Time) Decision {
	d := v.enter(GoHome, fleet.MigrationRollingBack, now.Add(r.Return))
	d.Proof, d.Back, d.Next.Error = p, !v.atHome(), why
	d.Next.StopRev, d.Next.StopCommand = 0, nil
	if d.Back {
		d.Next.Leftover = fleet.LeftoverNone // it is the very copy that goes on
	}
	return d
}

// Refused is what becomes of a migration for which there is no place. One that
// was to go home goes somewhere else.
func Refused(v View, refusal string, r Rules, now time.Time) Decision {
	if v.Migration.State == fleet.MigrationRollingBack || v.Migration.State == fleet.MigrationStarting {
		return v.retarget("its source cannot take it back: "+refusal, r, now)
	}
	if len(v.Migration.Excluded) > 0 && len(r.Pauses) > 0 {
		d := v.wait(ForPlace, now.Add(r.Pauses[0]), "no node can take it: %s; those that were tried before are asked again in %s", refusal, r.Pauses[0])
		d.Next.Excluded, d.Next.NextRunAt = nil, d.Until
		return d
	}
	return v.wait(ForPlace, now.Add(r.Retry), "no node can take it: %s", refusal)
}
