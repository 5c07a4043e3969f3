package reconcile_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/agent/internal/guard/guardtest"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
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
		r := &haRig{rig: &rig{T: t, engine: runtimetest.NewFake(), dir: dir, node: id.New[id.NodeID]()}, delay: time.Minute}
		r.told = r.engine
		r.guard = guardtest.New(sinceBoot, func(c lease.Copy, d lease.Deed) {
			if d == lease.Kill {
				r.engine.Crash(c.Container, 137)
				r.engine.EndInstall(c.Container, 137)
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

func TestI1AnExclusiveContainerRunsUnderALeaseOnly(t *testing.T) {
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

func TestI13WithoutItsGuardNothingExclusiveStarts(t *testing.T) {
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

func TestI4AnAgentThatComesBackTakesItsGuardOver(t *testing.T) {
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
		r.expectCalls("over the restart", c.ID, "create", "find", "start", "find")
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

// The machine boots: the leases of before are worth nothing, also those that
// by another clock would still run.
func TestI13AfterABootNothingExclusiveStartsBeforeAFreshLease(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		r.grant()
		r.shutdown()
		r.engine.Reboot()
		r.guard.Forget() // its record is of another boot
		r.met = true
		r.power()
		r.after(time.Hour)
		r.expectPhase("an hour after the boot", c.ID, spec.Pending)
		if r.running(c.ID) {
			t.Error("it runs")
		}
		r.grant()
		r.expectPhase("with a fresh lease", c.ID, spec.Up)
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
				r.engine.Reboot()
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

// A copy that moved away between the plan and the start is not started (R2).
func TestI5TheLedgerIsAskedRightBeforeAStart(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(exclusive)
		r.desire(c)
		moved := powered(c, spec.Absent)
		_, err := r.ledger.Accept(wire.Desired{Kind: wire.DesiredDelta, FromRev: r.rev, Rev: r.rev + 1, Containers: []wire.DesiredContainer{moved}})
		r.ok(err) // and nobody woke the reconciler
		r.grant()
		if calls := r.calls(c.ID); slices.Contains(calls, runtimetest.VerbStart) {
			t.Errorf("it was started all the same: %v", calls)
		}
		if state, _ := r.guard.State(); len(state) != 0 {
			t.Errorf("the guard still expects it: %v", state)
		}
	})
}
