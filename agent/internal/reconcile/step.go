package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// How long a verb may take before the engine counts as not answering. A
// create may pull a large image over a thin line.
const (
	patience       = time.Minute
	createPatience = time.Hour
)

// begin starts a step in a goroutine of its own, which ends with the step.
func (r *Reconciler) begin(todo step, now time.Time) {
	s := r.subjects[todo.id]
	r.touch(s)
	ctx, cancel := context.WithTimeout(r.ctx, limit(todo))
	s.busy, s.doing, s.cancel, s.attempt = todo.verb, todo.want, cancel, r.desired.Rev
	s.prepare(todo, now)
	r.Log.Info("container: "+string(todo.verb), "container", todo.id, "epoch", todo.want.Epoch, "generation", todo.want.Generation)
	r.work.Go(func() {
		err := r.do(ctx, todo)
		overtaken := errors.Is(ctx.Err(), context.Canceled)
		cancel()
		r.tell(func() { r.done(todo, err, overtaken) })
	})
}

// prepare notes what the step means for what is to come.
func (s *subject) prepare(todo step, now time.Time) {
	s.failure = ""
	switch todo.verb {
	case stop, remove:
		s.up = false
	case start:
		s.began, s.priorRun = now, s.run
	case create:
		s.restarts = 0
		if s.found != nil {
			s.formerID = s.found.DockerID
		}
	case update, verify, install, abort, none:
	}
}

func limit(todo step) time.Duration {
	switch todo.verb {
	case create:
		return createPatience
	case stop:
		return patience + time.Duration(max(todo.how.Grace, spec.DefaultGrace))*time.Second
	case install:
		return createPatience + todo.want.spec.Install.Limit()
	case start, update, remove, verify, abort, none:
	}
	return patience
}

// do carries a step out.
func (r *Reconciler) do(ctx context.Context, todo step) error {
	instance := todo.instance()
	switch todo.verb {
	case create:
		return r.Runtime.Create(ctx, instance, func(p wire.Progress) { r.progress(todo, p) })
	case start:
		return r.start(ctx, todo)
	case update:
		return r.Runtime.Update(ctx, todo.id, instance)
	case stop:
		return r.Runtime.Stop(ctx, todo.id, todo.how)
	case remove:
		return r.Runtime.Remove(ctx, todo.id)
	case verify:
		return r.verify(ctx, todo)
	case install:
		return r.install(ctx, todo)
	case abort:
		return r.Runtime.AbortInstall(ctx, todo.id)
	case none:
	}
	return fmt.Errorf("no such step: %q", todo.verb)
}

// instance is what a step makes things of.
func (s step) instance() runtime.Instance {
	in := runtime.Instance{
		ID: s.id, Epoch: s.want.Epoch, Generation: s.want.Generation, SpecHash: s.want.SpecHash, Install: s.want.Install,
	}
	if s.want.spec != nil {
		in.Spec = *s.want.spec
	}
	return in
}

// progress is called by the engine while it makes a container or an installer.
func (r *Reconciler) progress(todo step, p wire.Progress) {
	r.Progress(todo.id, p)
	r.pulling(todo, true)
}

func (r *Reconciler) pulling(todo step, pulls bool) {
	r.tell(func() {
		if s := r.subjects[todo.id]; s != nil && s.busy == todo.verb {
			s.pulling = pulls
		}
	})
}

// cancelOvertaken ends steps whose outcome nobody wants any more: a large
// image need not arrive before its container is deleted.
func (r *Reconciler) cancelOvertaken() {
	for _, s := range r.subjects {
		if s.busy != create && s.busy != install {
			continue
		}
		if s.want == nil || s.want.Power != spec.Running || s.want.Epoch != s.doing.Epoch || s.want.SpecHash != s.doing.SpecHash ||
			s.want.Install != s.doing.Install {
			s.cancel()
		}
	}
}

// done takes in how a step went.
func (r *Reconciler) done(todo step, err error, overtaken bool) {
	s, now := r.subjects[todo.id], time.Now()
	r.touch(s)
	r.ask(s) // while it is known what it was doing
	fenced := todo.verb == install && s.late
	s.busy, s.pulling, s.cancel = none, false, nil
	switch {
	case err == nil:
		s.succeed(todo, now)
	case errors.Is(err, errOvertaken):
		s.unsure = true
		r.wake.Up() // else the same step would be planned again
	case overtaken:
		s.unsure = true
	case fenced: // that ended it, and no fault of its own
		s.unsure, s.fenced = true, true
	case errors.Is(err, runtime.ErrUnavailable):
		r.Log.Warn("container: "+string(todo.verb)+" interrupted", "container", todo.id, "error", err)
		s.unsure = true
		r.engineAway(err)
	default:
		s.fail(todo, err, now)
		r.Log.Warn("container: "+string(todo.verb)+" failed", "container", todo.id,
			"error", err, "again in", s.notBefore.Sub(now).String(), "given up", s.stuck)
	}
	if s.unsure {
		r.lookWithin(uncertainty(todo, err))
	}
	r.after(s, now)
}

// uncertainty is how long a step's outcome may stay unknown. The engine's
// own event tells of a start that worked; all else takes a look.
func uncertainty(todo step, err error) time.Duration {
	if todo.verb == start && err == nil {
		return lookSoon
	}
	return 0
}

// succeed notes what the engine has now. The engine's events and the next
// look tell the same, and more.
func (s *subject) succeed(todo step, now time.Time) {
	if todo.verb != verify && todo.verb != abort {
		s.failures = 0
	}
	switch todo.verb {
	case create:
		s.found = &runtime.Found{
			ID: s.id, State: runtime.Created,
			Epoch: todo.want.Epoch, Generation: todo.want.Generation, SpecHash: todo.want.SpecHash, Install: todo.want.Install,
		}
		s.crashed = false
	case start:
		// Only the engine's event, which may have come already, tells when
		// the run began, and whether it has not ended since.
		if s.run == s.priorRun {
			s.unsure, s.up = true, true
		}
	case update:
		if s.found != nil {
			found := *s.found
			found.Generation, found.SpecHash = todo.want.Generation, todo.want.SpecHash
			s.found = &found
		}
	case stop:
		if s.running() {
			found := *s.found
			found.State, found.Running, found.FinishedAt = runtime.Exited, false, now
			s.found = &found
		}
		s.crashed = false
		if s.restart != nil {
			s.restart.stopped = true
		}
	case remove:
		s.found, s.filler, s.mark = nil, nil, mark{}
	case install:
		s.filler, s.mark = nil, mark{known: true, done: true, epoch: todo.want.Epoch, number: todo.want.Install}
	case abort:
		s.filler = nil
	case verify, none:
	}
}

// fail notes that a step did not work, and when to try again.
func (s *subject) fail(todo step, err error, now time.Time) {
	s.failures++
	s.notBefore = now.Add(pause(s.failures))
	s.failure = reason(err)
	if todo.verb == install {
		s.failInstall(err, now)
	}
	s.unsure, s.crashed = true, false
}

// reason is an error for people. The engine may quote a whole log in one.
func reason(err error) string {
	const enough = 1000
	text := []rune(err.Error())
	if len(text) > enough {
		return string(text[:enough]) + " …"
	}
	return string(text)
}
