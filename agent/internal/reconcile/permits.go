package reconcile

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

// fenceAgain is how soon a kill is tried again that has not worked.
const fenceAgain = time.Second

// errOvertaken ends a start that the ledger does not want any more.
var errOvertaken = errors.New("it should not run here any more")

// standing is what the desk says of a container, since it was last asked.
type standing struct {
	refusal string        // why it may not be started; "" when it may
	late    bool          // the copy that runs was asked to stop by the guard, or is over
	over    bool          // the copy that runs may not any more
	left    time.Duration // until the answer changes by itself; 0: it does not
}

// consult asks the desk about every container, ends those whose lease is
// over, and tells the guard what it need not watch. It returns when to come
// again.
func (r *Reconciler) consult(now time.Time) (again time.Time) {
	live := map[lease.Copy]bool{}
	for _, s := range r.subjects {
		r.ask(s)
		if s.left > 0 {
			again = sooner(now.Add(s.left), again)
		}
		if s.over && (s.running() || s.busy == install) && r.engine.answers {
			again = sooner(r.fence(s, now), again)
		}
		for _, c := range s.live() {
			live[c] = true
		}
	}
	if !r.neverLooked() && r.engine.answers {
		r.Permits.Settle(live)
	}
	return again
}

// ask asks the desk about one container.
func (r *Reconciler) ask(s *subject) {
	s.standing = standing{}
	if s.want != nil && s.want.spec != nil && s.want.Power == spec.Running {
		start := r.Permits.Start(lease.Copy{Container: s.id, Epoch: s.want.Epoch}, s.want.spec.HA, s.want.spec.Exclusive)
		start.Rebooted = s.run == 0 // not seen to run since we are here
		s.refusal = start.Refusal()
		if s.refusal != "" && !start.Exclusive && start.OfflineDelay > start.Alone {
			s.left = start.OfflineDelay - start.Alone
		}
	}
	switch {
	case s.busy == install && s.doing.spec.Exclusive:
		held := r.Permits.Standing(lease.Copy{Container: s.id, Epoch: s.doing.Epoch})
		s.late, s.over, s.left = held.Late, held.Over, held.Left
	case s.found == nil || !s.found.Exclusive:
	case s.found.Running:
		held := r.Permits.Standing(lease.Copy{Container: s.id, Epoch: s.found.Epoch})
		s.late, s.over, s.left = held.Late, held.Over, held.Left
	default:
		s.fenced = s.fenced || r.Permits.Fenced(lease.Copy{Container: s.id, Epoch: s.found.Epoch})
	}
}

// live are the copies of a container that run, or that may be about to.
func (s *subject) live() []lease.Copy {
	var copies []lease.Copy
	if s.running() || s.found != nil && s.unsure {
		copies = append(copies, lease.Copy{Container: s.id, Epoch: s.found.Epoch})
	}
	if s.filler != nil && s.filler.Running {
		copies = append(copies, lease.Copy{Container: s.id, Epoch: s.filler.Epoch})
	}
	if s.busy != none || s.unsure {
		copies = append(copies, lease.Copy{Container: s.id, Epoch: s.doing.Epoch})
	}
	return copies
}

// fence ends a container whose lease is over, whatever else is being done
// about it. The guard, which needs no engine, has done so before; this is for
// a node whose guard is gone.
func (r *Reconciler) fence(s *subject, now time.Time) (again time.Time) {
	if now.Before(s.fenceAt) {
		return s.fenceAt
	}
	s.fenceAt = now.Add(fenceAgain)
	r.Log.Warn("container: the lease is over: kill", "container", s.id)
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	c := s.id
	r.work.Go(func() {
		defer cancel()
		err := r.Runtime.Kill(ctx, c)
		if err != nil && !errors.Is(err, runtime.ErrNotFound) {
			r.Log.Error("container: kill failed; it is tried again", "container", c, "error", err)
		}
		r.tell(func() { r.lookWithin(0) })
	})
	return s.fenceAt
}

// start starts a container. One that is exclusive is announced to the guard
// before, and its first process named to it after.
func (r *Reconciler) start(ctx context.Context, todo step) error {
	if todo.want.spec == nil || !todo.want.spec.Exclusive {
		return r.startWanted(ctx, todo)
	}
	made, err := r.Runtime.Find(ctx, todo.id)
	if err != nil {
		return err
	}
	c := lease.Copy{Container: todo.id, Epoch: todo.want.Epoch}
	if err := r.Permits.Expect(c, guard.Start{Signal: stopSignal(todo.want.spec.Stop), DockerID: made.DockerID}); err != nil {
		return err
	}
	if err := r.startWanted(ctx, todo); err != nil {
		return err
	}
	found, err := r.Runtime.Find(ctx, todo.id)
	if err != nil {
		r.Log.Warn("the guard was not told which process the container has; it looks for it when the lease is over", "container", todo.id, "error", err)
		return nil
	}
	r.bind(found)
	return nil
}

// startWanted asks the ledger for the last time: much may have been heard
// since the step was planned.
func (r *Reconciler) startWanted(ctx context.Context, todo step) error {
	runs, err := r.Ledger.Runs(todo.id, todo.want.Epoch)
	switch {
	case err != nil:
		return err
	case !runs:
		return errOvertaken
	}
	if todo.want.spec != nil && len(todo.want.spec.Files) > 0 {
		if err := r.Runtime.Configure(ctx, todo.instance()); err != nil {
			return err
		}
	}
	return r.Runtime.Start(ctx, todo.id)
}

// bind names the first process of a container to the guard.
func (r *Reconciler) bind(f runtime.Found) {
	if !f.Running || !f.Exclusive || f.Pid == 0 {
		return
	}
	err := r.Permits.Bind(lease.Copy{Container: f.ID, Epoch: f.Epoch}, guard.Init{Pid: f.Pid, DockerID: f.DockerID})
	if err != nil {
		r.Log.Warn("the guard did not take the container's process; it is named again with the next look", "container", f.ID, "error", err)
	}
}

// bindSoon does so without holding up everything else.
func (r *Reconciler) bindSoon(s *subject) {
	if s.running() && s.found.Exclusive && s.found.Pid != 0 {
		found := *s.found
		r.work.Go(func() { r.bind(found) })
	}
}

// stopSignal is how the guard asks a container to stop.
func stopSignal(how spec.Stop) int {
	if s := unix.SignalNum(how.Signal); s != 0 {
		return int(s)
	}
	return int(unix.SIGTERM)
}
