package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/agent/internal/guard/guardtest"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var (
	exclusive = with(idle, func(s *spec.Container) { s.HA, s.Exclusive = true, true })
	available = with(idle, func(s *spec.Container) { s.HA = true })
)

func init() {
	specs[exclusive.Hash()], specs[available.Hash()] = exclusive, available
}

// haRig is a rig whose node has a guard, and whose test grants leases.
type haRig struct {
	*rig
	guard *guardtest.Fake
	desk  *permit.Desk
	delay time.Duration
	met   bool
}

// sinceBoot stands for CLOCK_BOOTTIME.
func sinceBoot() time.Duration { return time.Duration(time.Now().UnixNano()) }

func withGuard(t *testing.T, test func(*haRig)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &haRig{rig: &rig{T: t, engine: runtimetest.NewFake(), dir: dir, node: newNode()}, delay: time.Minute}
		r.told = r.engine
		r.guard = guardtest.New(sinceBoot, func(c lease.Copy, d lease.Deed) {
			if d == lease.Kill {
				r.engine.End(c.Container)
			}
		})
		defer r.guard.Off()
		r.power()
		defer func() { r.shutdown() }()
		test(r)
	})
}

// power starts an agent with a desk.
func (r *haRig) power() {
	r.Helper()
	r.desk = permit.New(permit.Options{Guard: r.guard, Clock: sinceBoot, OfflineDelay: r.delay, InTouch: r.met})
	r.permits = r.desk
	r.boot()
	stop, ctx := r.stop, context.Background()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- r.desk.Run(ctx) }()
	r.stop = func() {
		stop()
		cancel()
		r.ok(<-done)
	}
	r.after(time.Second)
}

// grant acknowledges a heartbeat that was sent now: 20 s, then 5 s more.
func (r *haRig) grant() {
	r.desk.Acked(lease.Ack{SentAt: sinceBoot(), Rev: r.rev, Soft: 20 * time.Second, Lease: 25 * time.Second})
	synctest.Wait()
	r.after(100 * time.Millisecond)
}

func (r *haRig) expectReason(when string, c wire.DesiredContainer, want string) {
	r.Helper()
	if st := r.status(c.ID); !strings.Contains(st.Reason, want) {
		r.Errorf("%s: phase %s, reason %q, want something with %q", when, st.Phase, st.Reason, want)
	}
}

func TestAnExclusiveContainerRunsUnderALeaseOnly(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		r.after(time.Minute)
		r.expectPhase("without a lease", c.ID, spec.Pending)
		r.expectReason("without a lease", c, "has no lease")
		r.grant()
		r.expectPhase("with one", c.ID, spec.Up)
		r.after(19 * time.Second)
		r.grant()
		r.after(24 * time.Second)
		if !r.running(c.ID) {
			t.Error("it ended before its lease")
		}
		r.after(2 * time.Second)
		if r.running(c.ID) {
			t.Error("it outlives its lease")
		}
		r.expectPhase("when its lease was over", c.ID, spec.Pending)
		r.expectReason("when its lease was over", c, "fenced: ")
		r.after(time.Hour)
		r.expectPhase("an hour later", c.ID, spec.Pending)
		r.grant()
		st := r.expectPhase("with a new lease", c.ID, spec.Up)
		if st.Restarts != 0 {
			t.Errorf("the fence counts as %d crashes", st.Restarts)
		}
	})
}

// A lease of another revision is none: the set may have lost the container.
func TestALeaseOfAnotherRevisionStartsNothing(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		r.rev++
		r.grant()
		r.rev--
		r.expectPhase("with a lease of the next revision", c.ID, spec.Pending)
		r.grant()
		r.expectPhase("with one of this", c.ID, spec.Up)
	})
}

func TestWithoutItsGuardNothingExclusiveStarts(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.guard.Away(true)
		r.after(2 * time.Second)
		r.desire(c)
		r.grant()
		r.expectPhase("without a guard", c.ID, spec.Pending)
		r.expectReason("without a guard", c, "guard does not answer")
		r.guard.Away(false)
		r.after(time.Second)
		r.expectPhase("with one", c.ID, spec.Up)
	})
}

// The second line of defence: the guard is gone, and with it its record.
func TestTheAgentKillsWhatTheGuardDoesNot(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		r.grant()
		r.guard.Away(true)
		r.guard.Forget()
		r.after(24 * time.Second)
		if !r.running(c.ID) {
			t.Error("it ended before its lease")
		}
		r.after(3 * time.Second)
		if r.running(c.ID) {
			t.Error("it outlives its lease")
		}
		r.expectReason("when its lease was over", c, "fenced: ")
	})
}

func TestAnAgentThatComesBackTakesItsGuardOver(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c, short := entry(exclusive), entry(exclusive)
		r.desire(c, short)
		r.grant()
		r.shutdown()
		r.after(10 * time.Second)
		r.power()
		if !r.running(c.ID) {
			t.Fatal("it was killed although its lease runs")
		}
		r.grant()
		r.after(20 * time.Second) // longer than the first lease
		r.expectCalls("over the restart", c.ID, "create", "start")
		r.shutdown()
		r.after(time.Minute)
		if r.running(c.ID) {
			t.Error("without an agent it outlives its lease")
		}
		r.power()
		r.expectReason("after it was killed", c, "fenced: ")
		r.grant()
		r.expectPhase("with a new lease", c.ID, spec.Up)
	})
}

func TestAContainerThatStoppedIsNotGuarded(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		r.grant()
		if state, _ := r.guard.State(); len(state) != 1 {
			t.Errorf("the guard watches %v", state)
		}
		r.desire(powered(c, spec.Stopped))
		r.after(2 * time.Second)
		if state, _ := r.guard.State(); len(state) != 0 {
			t.Errorf("the guard still watches %v", state)
		}
		r.expectPhase("stopped", c.ID, spec.Down)
	})
}

// After a boot the controller may have moved an available container; a
// standard one it never moves.
func TestAfterABootAnAvailableContainerWaitsForTheController(t *testing.T) {
	for name, delay := range map[string]time.Duration{"a minute": time.Minute, "never": -1} {
		t.Run(name, func(t *testing.T) {
			withGuard(t, func(r *haRig) {
				c, standard := entry(available), entry(idle)
				r.met = true
				r.shutdown()
				r.power()
				r.desire(c, standard)
				r.expectPhase("in touch", c.ID, spec.Up)
				r.shutdown()
				r.engine.PowerCut()
				r.met, r.delay = false, delay
				r.power()
				r.expectPhase("after the boot", standard.ID, spec.Up)
				r.expectPhase("after the boot", c.ID, spec.Pending)
				r.after(2 * time.Minute)
				if delay < 0 {
					r.expectPhase("two minutes later", c.ID, spec.Pending)
					r.grant()
				}
				r.expectPhase("in the end", c.ID, spec.Up)
			})
		})
	}
}

// slowStart lets a test do something between the plan and the start.
type slowStart struct {
	reconcile.Runtime
	before func()
}

func (s slowStart) Create(ctx context.Context, in runtime.Instance, report func(wire.Progress)) error {
	defer s.before()
	return s.Runtime.Create(ctx, in, report)
}

// A copy that moved away between the plan and the start is not started (R2).
func TestTheLedgerIsAskedRightBeforeAStart(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		r.engine.Before(func(_ context.Context, call runtimetest.Call) error {
			if call.Verb == runtimetest.VerbList && call.ID == c.ID {
				return nil
			}
			return nil
		})
		moved := powered(c, spec.Absent)
		_, err := r.ledger.Accept(wire.Desired{Kind: wire.DesiredDelta, FromRev: r.rev, Rev: r.rev + 1, Containers: []wire.DesiredContainer{moved}})
		r.ok(err) // and nobody woke the reconciler
		r.grant()
		r.expectCalls("moved away", c.ID, "create")
	})
}
