package reconcile

import (
	"context"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// subject is one container: what is wanted, what was found, and what is
// remembered of it since the agent started.
type subject struct {
	id     id.ContainerID
	want   *want          // nil: not in the desired set
	found  *runtime.Found // nil: the engine does not have it
	filler *runtime.Found // its installer; nil: the engine does not have one
	memory
}

// want is an entry of the desired set with its spec, nil until it is here.
type want struct {
	wire.DesiredContainer
	spec *spec.Container
}

type memory struct {
	busy      verb               // the step that is under way; none when idle
	doing     want               // what that step works towards
	cancel    context.CancelFunc // ends that step
	pulling   bool               // that step, a create, waits for its image
	attempt   int64              // the revision at which the last step was begun
	began     time.Time          // when the last start was begun
	unsure    bool               // the outcome of the last step is known only after a look, or an event
	touched   uint64             // the event that last changed this; see Reconciler.events
	awaySince time.Time          // when it became something to take away
	formerID  string             // Docker id of the one that was replaced; what it does is no news

	up       bool // seen running, and not asked to stop
	run      int  // counts the runs that were seen
	priorRun int  // the last run when the last start was begun
	readyRun int  // the run whose console said that it is up
	watched  int  // the run whose console is watched
	bidden   int  // the run into whose console somebody typed what it is stopped with
	oom      bool // the engine said that this run wants for memory

	mark      mark      // how its volume is installed
	failures  int       // steps that failed in a row
	crashes   int       // in a row
	crashedIn time.Time // when the run began whose crash was the first of them
	notBefore time.Time // no step before
	failure   string    // what went wrong last; "" once a step has worked
	stuck     bool      // and is not tried again by itself
	crashed   bool      // ended by itself, and did not run again yet
	crashedAt time.Time
	restarts  int
	nudged    int64 // revision of the newest command that ended a pause

	crowded bool     // its installation waits for those of others
	full    string   // why its volumes keep it from running; "" where they do not
	restart *restart // under way
	typing  bool     // a line is on its way to the console
	told    wire.ContainerStatus

	standing
	fenced  bool      // its last run was ended because its lease was over, and it did not run since
	fenceAt time.Time // when the engine may be told again to kill it
}

// restart is a restart command that is carried out: first the container
// stops, then it starts as any other.
type restart struct {
	command id.CommandID
	stopped bool
	oldRun  int // the run that it ends
}

// takeAway reports whether the engine has a container, or what installs it,
// that may not be here.
func (s *subject) takeAway() bool {
	if s.want == nil || s.ahead() {
		return false
	}
	return s.mayNotBe(s.found) || s.mayNotBe(s.filler)
}

func (s *subject) mayNotBe(f *runtime.Found) bool {
	return f != nil && (s.want.Power == spec.Absent || f.Epoch < s.want.Epoch)
}

// ahead reports a container of a later epoch than is wanted. The controller
// has lost memory; the container is not ours to touch until it has found out.
func (s *subject) ahead() bool { return s.want != nil && s.latest() > s.want.Epoch }

// latest is the highest epoch that the engine has of a container.
func (s *subject) latest() (epoch int64) {
	for _, f := range []*runtime.Found{s.found, s.filler} {
		if f != nil {
			epoch = max(epoch, f.Epoch)
		}
	}
	return epoch
}

func (s *subject) running() bool { return s.found != nil && s.found.Running }

// ready reports whether a running container counts as up: at once, or when
// its console has said so.
func (s *subject) ready() bool {
	return s.want == nil || s.want.spec == nil || len(s.want.spec.Done) == 0 || s.readyRun == s.run
}

// overdue reports whether a container runs for so long that nobody waits for
// its console any more: commands that asked for it to be up are done.
func (s *subject) overdue(now time.Time) bool {
	return s.running() && now.Sub(s.found.StartedAt) > longUp
}

// gaveUp reports whether a container has crashed too often to be started by
// itself.
func (s *subject) gaveUp() bool { return s.crashed && s.crashes >= maxCrashes }

// tooFull reports whether a container should run, and may not for what is in
// its volumes.
func (s *subject) tooFull() bool {
	return s.full != "" && s.want != nil && s.want.Power == spec.Running
}

// idle reports that no step is under way and that found can be believed.
func (s *subject) idle() bool { return s.busy == none && !s.unsure }

// reached reports whether the container is as it should be.
func (s *subject) reached(now time.Time) bool {
	if !s.idle() || s.want == nil || s.restart != nil || s.takeAway() || s.ahead() {
		return false
	}
	switch s.want.Power {
	case spec.Absent:
		return s.found == nil && s.filler == nil
	case spec.Stopped:
		return !s.running() && s.filler == nil
	case spec.Running:
		return s.running() && !s.asksAnew() && s.found.SpecHash == s.want.SpecHash && (s.ready() || s.overdue(now))
	}
	return false
}

// cleared reports whether everything that the desired set takes away of this
// container is gone, and nothing is under way that could bring it back.
func (s *subject) cleared() bool {
	switch {
	case s.want == nil:
		return true
	case s.want.Power == spec.Absent:
		return s.idle() && s.found == nil && s.filler == nil
	case s.busy != none || s.unsure:
		return s.doing.Epoch >= s.want.Epoch && !s.takeAway()
	}
	return !s.takeAway()
}

// forgive ends every pause: the container is tried at once, as if nothing had
// gone wrong with it before.
func (m *memory) forgive() {
	m.failures, m.crashes, m.notBefore, m.failure, m.stuck = 0, 0, time.Time{}, "", false
}

// newRun is called when a run was seen, or is known to have been.
func (m *memory) newRun() {
	m.run++
	m.up, m.unsure, m.oom, m.fenced = true, false, false, false
	if m.crashed {
		m.crashed = false
		m.restarts++
	}
}
