package reconcile

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// status is what the node says of a container that the ledger knows.
func (s *subject) status() wire.ContainerStatus {
	st := wire.ContainerStatus{
		ID: s.id, Epoch: s.want.Epoch, Generation: s.generation(), Restarts: s.restarts,
	}
	st.Phase, st.Reason = s.phase()
	if s.found == nil {
		return st
	}
	st.DockerID = s.found.DockerID
	if s.found.StartedAt.IsZero() {
		return st
	}
	started := s.found.StartedAt
	st.StartedAt = &started
	if s.found.Running {
		st.Health = s.found.Health
	} else {
		code := s.found.ExitCode
		st.ExitCode, st.OOM = &code, s.found.OOM
	}
	return st
}

// generation is that of the processes that run, else of what comes next.
func (s *subject) generation() int64 {
	if s.running() && s.found.SpecHash != s.want.SpecHash {
		return s.found.Generation
	}
	return s.want.Generation
}

func (s *subject) phase() (spec.Phase, string) {
	switch s.busy {
	case create:
		if s.pulling {
			return spec.Pulling, ""
		}
		return spec.Creating, ""
	case start:
		return spec.Starting, ""
	case install:
		if s.pulling {
			return spec.Pulling, ""
		}
		return spec.Installing, ""
	case stop, remove, abort:
		return spec.Stopping, ""
	case update, verify, none:
	}
	switch {
	case s.ahead():
		return spec.Failed, fmt.Sprintf("this node has it at epoch %d, and the controller knows only of %d", s.latest(), s.want.Epoch)
	case s.running() && s.takeAway():
		return spec.Stopping, s.failure
	case s.running() && s.tooFull():
		return spec.Stopping, s.full
	case s.running() && !s.ready():
		return spec.Starting, s.failure
	case s.running():
		return spec.Up, s.failure
	case s.want.Power == spec.Absent && s.found == nil && s.filler == nil:
		return spec.Removed, ""
	case s.want.Power == spec.Absent:
		return spec.Stopping, s.failure
	case s.want.Power == spec.Stopped:
		return spec.Down, ""
	case s.tooFull():
		return spec.Failed, s.full + "; it starts by itself within a minute of that"
	case s.fenced && s.refusal != "":
		return spec.Pending, "fenced: " + s.refusal
	case s.crowded:
		return spec.Pending, fmt.Sprintf("its installation waits for one of %d others on this node to end", maxInstalls)
	case s.crashed:
		return spec.Crashed, s.ending()
	case s.failure != "":
		return spec.Failed, s.failure
	case s.filler != nil && s.refusal != "":
		return spec.Pending, s.refusal
	case s.found != nil && s.refusal != "":
		return spec.Pending, s.refusal
	case s.want.spec == nil:
		return spec.Pending, "the node waits for its description"
	}
	return spec.Pending, ""
}

// ending says how a container ended by itself, and what comes of it.
func (s *subject) ending() string {
	if s.found == nil {
		return "somebody removed it from the engine"
	}
	how := fmt.Sprintf("it ended by itself with exit code %d", s.found.ExitCode)
	if s.found.OOM {
		how = fmt.Sprintf("it ran out of memory (exit code %d): give it more, or find out why it needs so much", s.found.ExitCode)
	}
	if s.crashes > 1 {
		how += fmt.Sprintf(", %d times in a row within %s", s.crashes, roughly(s.crashedAt.Sub(s.crashedIn)))
	}
	if s.gaveUp() {
		return how + ": it is not started again by itself: look at its log, mend the cause, and start it"
	}
	if s.notBefore.IsZero() {
		return how + ": it is started again as soon as there is room"
	}
	return how + ": it is started again at " + s.notBefore.UTC().Format("15:04:05 MST")
}

// roughly is a span of time for people.
func roughly(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds())+1)
	}
	return fmt.Sprintf("%d min", int(d.Minutes())+1)
}

// settlement ends the commands that asked for what has come about, or that
// the last attempt failed at. Nil while neither is so.
func (s *subject) settlement(rev int64, now time.Time) *ledger.Settlement {
	dockerID := ""
	if s.found != nil {
		dockerID = s.found.DockerID
	}
	switch {
	case s.reached(now):
		return &ledger.Settlement{UpToRev: rev, Receipt: wire.Applied, Result: wire.Result{ContainerID: dockerID}}
	case s.ahead():
		_, reason := s.phase()
		return &ledger.Settlement{UpToRev: rev, Receipt: wire.FailedR, Result: wire.Result{ContainerID: dockerID, Message: reason}}
	case s.idle() && s.tooFull() && !s.running():
		return &ledger.Settlement{UpToRev: rev, Receipt: wire.FailedR, Result: wire.Result{ContainerID: dockerID, Message: s.full}}
	case s.idle() && s.failure != "":
		return &ledger.Settlement{UpToRev: s.attempt, Receipt: wire.FailedR, Result: wire.Result{ContainerID: dockerID, Message: s.failure}}
	}
	return nil
}
