package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Ask is a transient command: restart, kill or stdin. It is in the ledger already,
// so that it is never carried out twice.
type Ask struct {
	Command   id.CommandID
	Action    wire.Action
	Container id.ContainerID
	Epoch     int64     // 0: any
	Rev       int64     // waits for this revision
	Before    time.Time // by the agent's clock; later it is refused
	Input     string    // stdin: what is typed
}

// Ask has a command carried out as soon as its container is free for it.
// The outcome goes to the ledger.
func (r *Reconciler) Ask(a Ask) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, a)
	r.wake.Up()
}

// serve sees which commands can be carried out, and which never can. It
// returns when the next of the others runs out of time.
func (r *Reconciler) serve(now time.Time) (again time.Time) {
	r.mu.Lock()
	r.asks = append(r.asks, r.asked...)
	r.asked = nil
	r.mu.Unlock()
	r.asks = slices.DeleteFunc(r.asks, func(a Ask) bool { return r.decide(a, now) })
	for _, a := range r.asks {
		if again.IsZero() || a.Before.Before(again) {
			again = a.Before
		}
	}
	for _, s := range r.subjects {
		r.advance(s, now)
	}
	return again
}

// decide reports whether a command need not be looked at again.
func (r *Reconciler) decide(a Ask, now time.Time) bool {
	s := r.subjects[a.Container]
	switch {
	case !now.Before(a.Before):
		r.finish(a.Command, wire.Expired, wire.Result{Message: "its time had passed before the node could carry it out: ask again"})
	case !r.engine.answers || r.desired.Rev < a.Rev:
		return false
	case s == nil || s.want == nil || s.want.Power == spec.Absent:
		r.refuse(a, "the container is not on this node")
	case a.Epoch != 0 && a.Epoch != s.want.Epoch:
		r.refuse(a, "the container has moved since")
	case a.Action == wire.ActionKill:
		r.kill(a)
	case a.Action == wire.ActionStdin && s.busy == install:
		r.refuse(a, "the container is being installed, and nobody reads its console: wait for the end, or stop it to cancel the installation")
	case a.Action == wire.ActionStdin && s.typing:
		return false // lines keep their order
	case a.Action == wire.ActionStdin:
		r.typeIn(a, s)
	case a.Action != wire.ActionRestart:
		r.refuse(a, "this agent does not know the command: update it")
	case s.want.Power != spec.Running:
		r.refuse(a, "the container is stopped: start it instead")
	case !s.idle() || s.restart != nil:
		return false
	default:
		s.forgive()
		s.restart = &restart{command: a.Command, stopped: !s.running(), oldRun: s.run}
	}
	return true
}

func (r *Reconciler) refuse(a Ask, why string) {
	r.finish(a.Command, wire.FailedR, wire.Result{Message: why})
}

// kill does not wait for its turn: it is wanted while a stop takes too long.
func (r *Reconciler) kill(a Ask) {
	r.Log.Info("container: kill", "container", a.Container)
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	r.work.Go(func() {
		defer cancel()
		err := r.Runtime.Kill(ctx, a.Container)
		r.tell(func() {
			if err != nil && !errors.Is(err, runtime.ErrNotFound) {
				r.refuse(a, reason(err))
				return
			}
			r.finish(a.Command, wire.Applied, wire.Result{})
		})
	})
}

// typeIn writes to the console whatever else is under way: that is what it is
// there for.
func (r *Reconciler) typeIn(a Ask, s *subject) {
	s.typing = true
	if how := (world{specs: r.desired.Specs}).howToStop(s); a.Input != "" && a.Input == how.Console {
		s.bidden = s.run // its end is no crash
	}
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	r.work.Go(func() {
		defer cancel()
		err := r.Runtime.Type(ctx, a.Container, a.Input)
		r.tell(func() {
			s.typing = false
			if err != nil {
				r.refuse(a, reason(err))
				return
			}
			r.finish(a.Command, wire.Applied, wire.Result{})
		})
	})
}

// advance ends a restart that is over.
func (r *Reconciler) advance(s *subject, now time.Time) {
	if s.restart == nil {
		return
	}
	command := s.restart.command
	end := func(receipt wire.Receipt, result wire.Result) {
		s.restart = nil
		r.finish(command, receipt, result)
	}
	switch {
	case s.want == nil || s.want.Power != spec.Running:
		end(wire.FailedR, wire.Result{Message: "the container was stopped meanwhile"})
	case s.idle() && s.restart.stopped && s.refusal != "":
		end(wire.FailedR, wire.Result{Message: s.refusal})
	case s.idle() && s.failure != "":
		end(wire.FailedR, wire.Result{Message: s.failure})
	case s.idle() && s.run > s.restart.oldRun && s.running() && (s.ready() || s.overdue(now)):
		end(wire.Applied, wire.Result{ContainerID: s.found.DockerID})
	}
}
