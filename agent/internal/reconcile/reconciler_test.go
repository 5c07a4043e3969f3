package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestTheLifeOfAContainer(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		create := r.command(wire.ActionCreate, c.ID)
		st := r.expectPhase("created", c.ID, spec.Up)
		if st.DockerID == "" || st.StartedAt == nil || st.Epoch != 1 || st.Generation != 1 {
			t.Errorf("the status of a running container lacks something: %+v", st)
		}
		r.expectReceipts("created", create, wire.Delivered, wire.Applied)

		r.desire(powered(c, spec.Stopped))
		stop := r.command(wire.ActionStop, c.ID)
		st = r.expectPhase("stopped", c.ID, spec.Down)
		if st.ExitCode == nil || *st.ExitCode != 0 {
			t.Errorf("stopped with exit code %v", st.ExitCode)
		}
		r.expectReceipts("stopped", stop, wire.Delivered, wire.Applied)

		r.desire(c)
		r.expectPhase("started again", c.ID, spec.Up)

		r.desire(powered(c, spec.Absent))
		del := r.command(wire.ActionDelete, c.ID)
		r.expectPhase("deleted", c.ID, spec.Removed)
		r.expectReceipts("deleted", del, wire.Delivered, wire.Applied)
		r.expectCalls("in all", c.ID, "create", "start", "stop", "start", "stop", "remove")
		if sum, err := r.ledger.Desired(); err != nil || len(sum.Containers) != 0 {
			t.Errorf("the ledger still wants %v, %v", sum.Containers, err)
		}
	})
}

func TestACommandThatComesBeforeItsRevisionWaits(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.rev++
		create := r.command(wire.ActionCreate, c.ID)
		r.rev--
		r.expectReceipts("before the revision", create, wire.Delivered)
		r.desire(c)
		r.expectReceipts("after it", create, wire.Delivered, wire.Applied)
	})
}

func TestADeleteOfWhatIsGoneIsDone(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.desire()
		del := r.command(wire.ActionDelete, id.New[id.ContainerID]())
		start := r.command(wire.ActionStart, id.New[id.ContainerID]())
		r.expectReceipts("delete", del, wire.Delivered, wire.Applied)
		r.expectReceipts("start", start, wire.Delivered, wire.FailedR)
		gone := powered(entry(idle), spec.Absent)
		r.desire(gone)
		r.expectPhase("wanted absent, never seen", gone.ID, spec.Removed)
	})
}

func TestSameSpecIsNeverTouched(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		c.Generation = 9 // changed there and back
		r.desire(c)
		r.reboot()
		r.after(5 * time.Minute)
		r.expectCalls("after all that", c.ID, "create", "start")
		if st := r.status(c.ID); st.Generation != 9 {
			t.Errorf("generation %d is reported, want 9", st.Generation)
		}
	})
}

func TestChangesOfASpec(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		c = remade(c, larger)
		r.desire(c)
		r.expectCalls("other limits", c.ID, "create", "start", "update")
		if got := r.status(c.ID); got.Generation != 2 || got.Phase != spec.Up {
			t.Errorf("after the update: %+v", got)
		}
		c = remade(c, newer)
		r.desire(c)
		r.expectCalls("another image", c.ID, "create", "start", "update", "stop", "create", "start")
		r.expectPhase("another image", c.ID, spec.Up)
		c.Epoch = 3
		r.desire(c)
		r.expectCalls("another epoch", c.ID, "create", "start", "update", "stop", "create", "start", "stop", "remove", "create", "start")
		if in := r.engine.Instances()[c.ID]; in.Epoch != 3 {
			t.Errorf("it is of epoch %d", in.Epoch)
		}
	})
}

func TestACrashIsAnsweredWithGrowingPauses(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		for _, wait := range []time.Duration{1, 2, 4, 8} {
			r.engine.Crash(c.ID, 137)
			synctest.Wait()
			st := r.expectPhase("crashed", c.ID, spec.Crashed)
			if !strings.Contains(st.Reason, "exit code 137") {
				t.Errorf("the reason is %q", st.Reason)
			}
			r.after(wait*time.Second - time.Millisecond)
			r.expectPhase("before the pause is over", c.ID, spec.Crashed)
			r.after(time.Millisecond)
			r.expectPhase("after the pause", c.ID, spec.Up)
		}
		if st := r.status(c.ID); st.Restarts != 4 {
			t.Errorf("%d restarts are reported, want 4", st.Restarts)
		}
		r.after(10 * time.Minute)
		r.engine.Crash(c.ID, 1)
		r.after(time.Second)
		r.expectPhase("a second after a long run", c.ID, spec.Up)
	})
}

func TestWantOfMemoryIsTold(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		r.engine.Exhaust(c.ID)
		synctest.Wait()
		st := r.expectPhase("out of memory", c.ID, spec.Crashed)
		if !st.OOM || !strings.Contains(st.Reason, "ran out of memory") {
			t.Errorf("status %+v", st)
		}
	})
}

// maxCrashes is how many crashes in a row are answered with a start, and one.
const maxCrashes = 20

func TestAContainerThatEndsAtOnceCrashesOn(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(failing)
		r.desire(c)
		start := r.command(wire.ActionStart, c.ID)
		r.expectReceipts("at once", start, wire.Delivered, wire.FailedR)
		r.after(time.Hour)
		st := r.expectPhase("after an hour", c.ID, spec.Crashed)
		if st.Restarts < 15 || st.Restarts > 25 {
			t.Errorf("%d restarts in an hour, want about 20", st.Restarts)
		}
		r.after(24 * time.Hour)
		given := r.expectPhase("after a day", c.ID, spec.Crashed)
		if given.Restarts != maxCrashes-1 || !strings.Contains(given.Reason, "not started again by itself") {
			t.Errorf("after a day it was restarted %d times, and its reason is %q", given.Restarts, given.Reason)
		}
		r.desire(c)
		r.command(wire.ActionStart, c.ID)
		if st := r.expectPhase("started by somebody", c.ID, spec.Crashed); !strings.Contains(st.Reason, "is started again at") {
			t.Errorf("its reason is %q", st.Reason)
		}
		r.after(10 * time.Second)
		if st := r.status(c.ID); st.Restarts < given.Restarts+3 {
			t.Errorf("ten seconds after somebody started it, it was restarted %d times", st.Restarts-given.Restarts)
		}
		r.desire(powered(c, spec.Stopped))
		r.expectPhase("stopped", c.ID, spec.Down)
	})
}

func TestAFailureEndsItsCommandAndIsTriedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.engine.FailPull(idle.Image, true)
		r.desire(c)
		create := r.command(wire.ActionCreate, c.ID)
		st := r.expectPhase("no image", c.ID, spec.Failed)
		if !strings.Contains(st.Reason, "cannot be pulled") {
			t.Errorf("the reason is %q", st.Reason)
		}
		r.expectReceipts("no image", create, wire.Delivered, wire.FailedR)
		r.after(time.Minute)
		if n := len(r.calls(c.ID)); n != 6 {
			t.Errorf("%d attempts in a minute, want 6 (after 0, 1, 3, 7, 15, 31 s)", n)
		}
		r.engine.FailPull(idle.Image, false)
		r.desire()
		start := r.command(wire.ActionStart, c.ID)
		r.expectPhase("a command does not wait for the pause", c.ID, spec.Up)
		r.expectReceipts("the next command", start, wire.Delivered, wire.Applied)
	})
}

func TestAPortInUseFailsTheStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		s := with(idle, func(s *spec.Container) { s.Ports = []spec.Port{{Host: 8080, Container: 80, Protocol: "tcp"}} })
		r.ok(r.ledger.AddSpecs(bySum(s)))
		r.engine.TakePort(8080, true)
		c := entry(s)
		r.desire(c)
		st := r.expectPhase("port taken", c.ID, spec.Failed)
		if !strings.Contains(st.Reason, "8080") {
			t.Errorf("the reason is %q", st.Reason)
		}
		r.engine.TakePort(8080, false)
		r.after(time.Second)
		r.expectPhase("port free", c.ID, spec.Up)
	})
}

func TestAnAgentThatRestartsTouchesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		runs, rests := entry(idle), powered(entry(idle), spec.Stopped)
		r.desire(runs, rests)
		r.reboot()
		r.after(time.Hour)
		r.expectCalls("running", runs.ID, "create", "start")
		r.expectCalls("stopped", rests.ID)
	})
}

func TestANodeRebootsWithoutItsController(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		r.shutdown()
		r.engine.Reboot()
		r.boot()
		st := r.expectPhase("right after the boot", c.ID, spec.Up)
		if st.Restarts != 0 {
			t.Errorf("the reboot counts as %d crashes", st.Restarts)
		}
	})
}

func TestAnEngineThatGoesAwayIsNoCrash(t *testing.T) {
	inBubble(t, func(r *rig) {
		c, other := entry(idle), entry(idle)
		r.desire(c)
		r.engine.Crash(c.ID, 137) // dockerd stops its containers, then itself
		synctest.Wait()
		r.engine.SetDown(true)
		r.after(time.Minute)
		if r.View().EngineOK {
			t.Error("the engine is away, and is said to be fine")
		}
		r.desire(other)
		r.expectPhase("work waits", other.ID, spec.Pending)
		r.engine.SetDown(false)
		r.after(2 * time.Second)
		if !r.View().EngineOK {
			t.Error("the engine is back, and is said to be away")
		}
		st := r.expectPhase("back", c.ID, spec.Up)
		if st.Restarts != 0 {
			t.Errorf("%d crashes are counted", st.Restarts)
		}
		r.expectPhase("what had waited", other.ID, spec.Up)
		r.engine.Crash(c.ID, 1)
		r.after(time.Second)
		r.expectPhase("the first real crash", c.ID, spec.Up)
	})
}

func TestAContainerStoppedByHandIsStartedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		r.ok(r.engine.Stop(t.Context(), c.ID, spec.Stop{}))
		synctest.Wait()
		st := r.expectPhase("stopped by hand", c.ID, spec.Crashed)
		if !strings.Contains(st.Reason, "exit code 0") {
			t.Errorf("the reason is %q", st.Reason)
		}
		r.after(time.Second)
		r.expectPhase("a second later", c.ID, spec.Up)
		r.ok(r.engine.Remove(t.Context(), c.ID))
		r.after(2 * time.Second)
		r.expectPhase("removed by hand", c.ID, spec.Up)
	})
}

// Who types what a container is stopped with has asked for its end: that is
// no crash, and no pause follows it.
func TestTheStopTextInTheConsoleIsNoCrash(t *testing.T) {
	inBubble(t, func(r *rig) {
		s := with(actor("actor:1", runtimetest.Console()), func(s *spec.Container) { s.Stop.Console = "stop" })
		r.ok(r.ledger.AddSpecs(bySum(s)))
		c := entry(s)
		r.desire(c)
		for range 3 {
			r.stdin(c, "stop")
			if st := r.expectPhase("asked to stop, and still wanted", c.ID, spec.Up); st.Restarts != 0 || st.Reason != "" {
				t.Errorf("the status is %+v", st)
			}
		}
		r.expectCalls("each time", c.ID, "create", "start", "type", "start", "type", "start", "type", "start")
		r.engine.Crash(c.ID, 0)
		synctest.Wait()
		r.expectPhase("ended by itself", c.ID, spec.Crashed)
	})
}

func TestStraysAreReportedAndLeftAlone(t *testing.T) {
	inBubble(t, func(r *rig) {
		stray := entry(idle)
		r.shutdown()
		r.engine.Put(runtime.Found{ID: stray.ID, DockerID: "s", Epoch: 4, State: runtime.Running, Running: true}, runtime.Instance{ID: stray.ID})
		r.boot()
		r.desire(entry(idle))
		r.after(time.Hour)
		r.expectCalls("a stray", stray.ID)
		present := false
		for _, ref := range r.View().Present {
			present = present || ref == wire.ContainerRef{ID: stray.ID, Epoch: 4, Running: true}
		}
		if !present {
			t.Errorf("present are %v, without the stray", r.View().Present)
		}
		_, err := r.ledger.Accept(wire.Desired{Kind: wire.DesiredFull, Rev: r.rev + 1, Removed: []wire.ContainerRef{{ID: stray.ID, Epoch: 4}}})
		r.ok(err)
		r.Wake()
		synctest.Wait()
		r.expectCalls("once the controller says that it is gone", stray.ID, "stop", "remove")
	})
}

func TestARevisionIsAppliedWhenItsTakeAwaysAreGone(t *testing.T) {
	inBubble(t, func(r *rig) {
		slow, fresh := entry(deaf), entry(idle)
		r.desire(slow)
		if got := r.applied(); got != 1 {
			t.Errorf("applied %d after the first revision", got)
		}
		r.engine.FailPull(idle.Image, true)
		r.desire(powered(slow, spec.Absent), fresh)
		r.after(9 * time.Second)
		r.expectCalls("while the other stops", fresh.ID)
		r.after(1500 * time.Millisecond)
		r.expectCalls("when that takes too long", fresh.ID, "create")
		if got := r.applied(); got != 1 {
			t.Errorf("applied %d while the old container is still there", got)
		}
		r.after(10 * time.Second)
		r.expectPhase("the old one", slow.ID, spec.Removed)
		r.expectPhase("the new one", fresh.ID, spec.Failed)
		if got := r.applied(); got != 2 {
			t.Errorf("applied %d with nothing left to take away, want 2 though a start fails", got)
		}
	})
}

func TestAPullThatNobodyWantsAnyMoreIsEnded(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.engine.Before(func(ctx context.Context, call runtimetest.Call) error {
			if call.Verb != runtimetest.VerbCreate {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		r.desire(c)
		r.expectPhase("while it pulls", c.ID, spec.Creating)
		r.desire(powered(c, spec.Absent))
		r.expectPhase("deleted meanwhile", c.ID, spec.Removed)
	})
}

func TestConsoleTextMakesAContainerUp(t *testing.T) {
	inBubble(t, func(r *rig) {
		says, never := entry(talking), entry(silent)
		r.desire(says, never)
		start := r.command(wire.ActionStart, never.ID)
		r.expectPhase("said so", says.ID, spec.Up)
		r.expectPhase("said nothing", never.ID, spec.Starting)
		r.after(9 * time.Minute)
		r.expectReceipts("still nothing", start, wire.Delivered)
		r.engine.Crash(never.ID, 1)
		synctest.Wait()
		r.expectReceipts("crashed before it was up", start, wire.Delivered, wire.FailedR)

		r.reboot()
		r.expectPhase("said so, before the agent restarted", says.ID, spec.Up)
	})
}

// Of some eggs nobody has told when they are up: what can be done with other
// containers can be done with theirs.
func TestStartingIsUsable(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(with(actor("actor:1", runtimetest.Console()), func(s *spec.Container) { s.Done = []string{"change me"} }))
		r.ok(r.ledger.AddSpecs(bySum(with(actor("actor:1", runtimetest.Console()), func(s *spec.Container) { s.Done = []string{"change me"} }))))
		r.desire(c)
		start := r.command(wire.ActionStart, c.ID)
		r.expectReceipts("in the console", r.stdin(c, "hello"), wire.Delivered, wire.Applied)
		r.after(11 * time.Minute)
		r.expectPhase("long after", c.ID, spec.Starting)
		r.expectReceipts("long after", start, wire.Delivered, wire.Applied)
		restart := r.ask(wire.ActionRestart, c)
		r.after(11 * time.Minute)
		r.expectReceipts("restarted", restart, wire.Delivered, wire.Applied)
		r.expectPhase("restarted", c.ID, spec.Starting)
		r.desire(powered(c, spec.Stopped))
		r.expectPhase("stopped", c.ID, spec.Down)
		r.desire(c)
		r.expectPhase("started again", c.ID, spec.Starting)
		r.desire(powered(c, spec.Absent))
		r.expectPhase("deleted", c.ID, spec.Removed)
	})
}

// mute is an engine whose events get lost.
type mute struct{ *runtimetest.Fake }

func (m mute) Watch(ctx context.Context, report func(runtime.Change)) error {
	report(runtime.Change{Kind: runtime.Relist})
	<-ctx.Done()
	return ctx.Err()
}

func TestAnEngineWithoutEvents(t *testing.T) {
	through := func(f *runtimetest.Fake) reconcile.Runtime { return mute{f} }
	inBubbleWith(t, through, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		r.after(time.Second)
		if st := r.expectPhase("a second after the start", c.ID, spec.Up); st.DockerID == "" {
			t.Errorf("the status is %+v", st)
		}
		r.expectCalls("nothing is done twice", c.ID, "create", "start")
		r.engine.Crash(c.ID, 9)
		r.after(32 * time.Second)
		if st := r.expectPhase("a look later", c.ID, spec.Up); st.Restarts != 1 {
			t.Errorf("%d restarts are reported, want 1", st.Restarts)
		}
	})
}

// slow is an engine whose lists are old when they arrive.
type slow struct{ *runtimetest.Fake }

func (s slow) List(ctx context.Context) ([]runtime.Found, error) {
	list, err := s.Fake.List(ctx)
	time.Sleep(10 * time.Second)
	return list, err
}

func TestAnOldListOverwritesNothing(t *testing.T) {
	through := func(f *runtimetest.Fake) reconcile.Runtime { return slow{f} }
	inBubbleWith(t, through, func(r *rig) {
		r.after(15 * time.Second) // the second list is on its way, and has no containers
		c := entry(idle)
		r.desire(c)
		r.after(time.Hour)
		r.expectCalls("after many old lists", c.ID, "create", "start")
		r.expectPhase("after many old lists", c.ID, spec.Up)
	})
}

// What has more in its volumes than it may stops, is not started by anybody,
// and starts by itself when that is over.
func TestAFullContainerDoesNotRun(t *testing.T) {
	inBubble(t, func(r *rig) {
		c, other := entry(idle), entry(idle)
		r.desire(c, other)
		r.expectPhase("at first", c.ID, spec.Up)
		full := func(which map[id.ContainerID]string) {
			r.Full(which)
			synctest.Wait()
		}
		full(map[id.ContainerID]string{c.ID: "too much"})
		if st := r.expectPhase("full", c.ID, spec.Failed); !strings.Contains(st.Reason, "too much") || r.running(c.ID) {
			t.Errorf("the reason is %q", st.Reason)
		}
		r.expectPhase("full", other.ID, spec.Up)
		r.desire(c)
		start := r.command(wire.ActionStart, c.ID)
		r.expectReceipts("while it is full", start, wire.Delivered, wire.FailedR)
		r.after(time.Hour)
		if r.running(c.ID) {
			t.Error("it was started while it is full")
		}
		full(map[id.ContainerID]string{})
		if st := r.expectPhase("with room", c.ID, spec.Up); st.Restarts != 0 {
			t.Errorf("%d restarts are counted", st.Restarts)
		}
		full(map[id.ContainerID]string{c.ID: "too much"})
		r.desire(powered(c, spec.Stopped))
		if st := r.expectPhase("stopped", c.ID, spec.Down); st.Reason != "" {
			t.Errorf("the reason is %q", st.Reason)
		}
	})
}

// What the health check of a container says is told, for as long as it runs.
func TestHealthIsTold(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(ailing)
		r.desire(c)
		if st := r.expectPhase("running", c.ID, spec.Up); st.Health != "unhealthy" {
			t.Errorf("its health is %q", st.Health)
		}
		r.desire(powered(c, spec.Stopped))
		if st := r.expectPhase("stopped", c.ID, spec.Down); st.Health != "" {
			t.Errorf("stopped, its health is %q", st.Health)
		}
	})
}
