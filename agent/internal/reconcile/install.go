package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// An installation fills the home volume of a container before its first start
// on a node that does not have its data, and again when somebody asks for it.
// How often it was asked for is a number in the desired set; which of them the
// volume has had is written in the volume. So an installation that was cut
// short by anything begins again, and a container that comes with its data is
// not installed.
//
//	should run ─▶ verify ─▶ mark says so ─▶ create, start
//	                │
//	                └─▶ install ─▶ create, start
//	                      │  ▲
//	                      ▼  │ pause, a few times
//	                    failed
//
// Stopping, deleting, moving or changing the container cancels it.

// mark is what is known of the mark in a container's volume.
type mark struct {
	known  bool
	done   bool  // the volume has had an installation
	epoch  int64 // of the container when that was looked at: it may have been elsewhere since
	number int64
}

const (
	// An installation that failed has mostly missed something from the net, or
	// was sent away for asking too often: it is given more time than a start.
	firstInstallPause = 30 * time.Second
	lastInstallPause  = 10 * time.Minute
	// maxInstallTries in a row, which take about a quarter of an hour beside
	// the installations themselves.
	maxInstallTries = 6
)

// installPause is how long to wait after so many failed installations.
func installPause(inARow int) time.Duration {
	return min(lastInstallPause, firstInstallPause<<min(max(inARow-1, 0), 9))
}

// towardsInstalled is what has to be done before a container can be made and
// started, as far as its installation goes; first says that the rest waits for
// it. A container that runs is installed, unless it was made before somebody
// asked for it again.
func (s *subject) towardsInstalled() (todo verb, first bool) {
	switch {
	case s.want.spec.Install == nil:
		return none, false
	case s.running() && s.asksAnew():
		return stop, true
	case s.running():
		return none, false
	case !s.mark.known || s.mark.epoch != s.want.Epoch:
		return verify, true
	case s.mark.done && s.mark.number >= s.want.Install:
		return none, false
	case s.stuck || s.refusal != "":
		return none, true
	}
	return install, true
}

// asksAnew reports whether somebody asked for another installation since the
// container was made.
func (s *subject) asksAnew() bool {
	return s.found != nil && s.want.spec != nil && s.want.spec.Install != nil && s.found.Install < s.want.Install
}

// strayFiller reports an installer that is not wanted: its container should
// not run, is of a later epoch, or is installed.
func (s *subject) strayFiller() bool {
	if s.filler == nil || s.want == nil {
		return false
	}
	installed := s.mark.known && s.mark.done && s.mark.epoch == s.want.Epoch && s.mark.number >= s.want.Install
	return s.want.Power != spec.Running || s.filler.Epoch < s.want.Epoch || installed || s.running()
}

// verify looks which installation the volume has had.
func (r *Reconciler) verify(ctx context.Context, todo step) error {
	number, done, err := r.Runtime.Installed(ctx, todo.instance())
	if err != nil {
		return err
	}
	r.tell(func() {
		if s := r.subjects[todo.id]; s != nil {
			s.mark = mark{known: true, done: done, epoch: todo.want.Epoch, number: number}
		}
	})
	return nil
}

// install runs an installation, or goes on waiting for one that runs. For the
// guard it is a run of the container like any other: the installer writes to
// the same volumes, so it needs the same lease, and ends with it.
func (r *Reconciler) install(ctx context.Context, todo step) error {
	in := todo.instance()
	made, err := r.Runtime.PrepareInstall(ctx, in, func(p wire.Progress) { r.progress(todo, p) })
	if err != nil {
		return err
	}
	r.pulling(todo, false)
	c := lease.Copy{Container: todo.id, Epoch: todo.want.Epoch}
	if in.Spec.Exclusive && made.State == runtime.Created {
		if err := r.Permits.Expect(c, guard.Start{Signal: stopSignal(spec.Stop{}), DockerID: made.DockerID}); err != nil {
			return err
		}
	}
	runs, err := r.Ledger.Runs(todo.id, todo.want.Epoch)
	switch {
	case err != nil:
		return err
	case !runs:
		return errOvertaken
	}
	started, err := r.Runtime.StartInstall(ctx, todo.id)
	if err != nil {
		return err
	}
	r.bind(started)
	return r.Runtime.AwaitInstall(ctx, in)
}

// failInstall says what comes after an installation that failed.
func (s *subject) failInstall(err error, now time.Time) {
	tryAgain := errors.Is(err, runtime.ErrInstall)
	s.stuck = errors.Is(err, runtime.ErrInstallTime) || tryAgain && s.failures >= maxInstallTries
	switch {
	case s.stuck:
		s.failure = fmt.Sprintf("it is not installed again by itself: mend the cause, and start it; %s", s.failure)
	case tryAgain:
		s.notBefore = now.Add(installPause(s.failures))
		s.failure = fmt.Sprintf("try %d of %d, the next is at %s: %s", s.failures, maxInstallTries, s.notBefore.UTC().Format("15:04:05 MST"), s.failure)
	}
}
