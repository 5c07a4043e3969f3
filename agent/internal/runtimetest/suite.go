package runtimetest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// Run checks an engine. Every test gets a harness of its own; they may share
// one real engine, as each uses fresh ids.
func Run(t *testing.T, harness func(*testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(rig)
	}{
		{"a container is created, started, stopped and removed", lifecycle},
		{"create of an identical container leaves it alone", createTwice},
		{"create replaces one of another generation", createReplaces},
		{"verbs on an absent container say so", absent},
		{"verbs on an ended container do nothing", ended},
		{"stop by console text", stopByConsole},
		{"stop by signal", stopBySignal},
		{"lines are typed in order", typed},
		{"stop kills after the grace", stopKills},
		{"stop with an unknown signal still stops", stopUnknownSignal},
		{"kill ends at once", killed},
		{"the exit code is seen", exitCode},
		{"running out of memory is seen", outOfMemory},
		{"a health check is heard and seen", health},
		{"limits are set", limits},
		{"update changes limits without a restart", update},
		{"update is forgotten with the container", updateThenRecreate},
		{"an image that cannot be pulled", missingImage},
		{"a host port in use", portInUse},
		{"a mount that is not allowed", mountRefused},
		{"an allowed mount", mountAllowed},
		{"changes are reported", watch},
		{"logs have a tail", logsTail},
		{"logs are followed to the end", logsFollow},
		{"lines have times", linesSince},
		{"the caller's error ends logs", logsAbandoned},
		{"meters can be read", stats},
		{"an installation fills the volume once", installs},
		{"an installation that fails says how", installFails},
		{"an exit code may be ignored", installIgnored},
		{"an installation has its time", installTime},
		{"an installation that runs is found again", installFound},
		{"an installation can be ended", installEnded},
		{"an installation needs its image and a volume", installRefused},
		{"neighbours do not see each other", neighbours},
		{"a cancelled context ends a verb", cancelled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(rig{harness(t), t})
		})
	}
}

func lifecycle(r rig) {
	in := r.instance(Idle())
	r.create(in)
	made := r.see(in.ID)
	want := runtime.Found{
		ID: in.ID, DockerID: made.DockerID, Epoch: in.Epoch, Generation: in.Generation, SpecHash: in.SpecHash,
		State: runtime.Created,
	}
	if diff := cmp.Diff(want, made); diff != "" {
		r.Errorf("after create (-want +got):\n%s", diff)
	}
	r.ok(r.Engine.Start(r.Context(), in.ID))
	r.until("its greeting", func() bool { return r.logs(in.ID, runtime.LogOptions{Tail: -1}) != "" })
	if up := r.see(in.ID); up.State != runtime.Running || !up.Running || up.StartedAt.IsZero() {
		r.Errorf("after start: %+v", up)
	}
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{}))
	down := r.see(in.ID)
	if down.State != runtime.Exited || down.Running || down.ExitCode != exitTerm || down.FinishedAt.Before(down.StartedAt) {
		r.Errorf("after stop: %+v", down)
	}
	r.ok(r.Engine.Remove(r.Context(), in.ID))
	if _, there := r.all(r.Engine)[in.ID]; there {
		r.Error("it is still listed after remove")
	}
}

func createTwice(r rig) {
	in := r.instance(Idle())
	before := r.run(in)
	r.ok(r.Engine.Create(r.Context(), in, nil))
	if diff := cmp.Diff(before, r.see(in.ID)); diff != "" {
		r.Errorf("a second create changed it (-before +after):\n%s", diff)
	}
}

func createReplaces(r rig) {
	for _, change := range []func(*runtime.Instance){
		func(in *runtime.Instance) { in.Epoch++ },
		func(in *runtime.Instance) { in.Generation++ },
		func(in *runtime.Instance) { in.Spec.Name = "renamed" },
	} {
		in := r.instance(Idle())
		old := r.run(in)
		change(&in)
		in = stamp(in)
		r.ok(r.Engine.Create(r.Context(), in, nil))
		got := r.see(in.ID)
		if got.DockerID == old.DockerID || got.State != runtime.Created || got.Epoch != in.Epoch ||
			got.Generation != in.Generation || got.SpecHash != in.SpecHash {
			r.Errorf("got %+v in place of %+v", got, old)
		}
	}
}

func absent(r rig) {
	in := r.instance(Idle())
	for verb, err := range map[Verb]error{
		VerbStart:  r.Engine.Start(r.Context(), in.ID),
		VerbStop:   r.Engine.Stop(r.Context(), in.ID, spec.Stop{}),
		VerbKill:   r.Engine.Kill(r.Context(), in.ID),
		VerbType:   r.Engine.Type(r.Context(), in.ID, "hello"),
		VerbUpdate: r.Engine.Update(r.Context(), in.ID, in),
		VerbLines:  r.Engine.Lines(r.Context(), in.ID, time.Time{}, func(runtime.Line) {}),
		VerbLogs:   r.Engine.Logs(r.Context(), in.ID, runtime.LogOptions{}, func([]byte) error { return nil }),
	} {
		if !errors.Is(err, runtime.ErrNotFound) {
			r.Errorf("%s: %v, want an error of kind %q", verb, err, runtime.ErrNotFound)
		}
	}
	if _, err := r.Engine.Stats(r.Context(), in.ID); !errors.Is(err, runtime.ErrNotFound) {
		r.Errorf("stats: %v", err)
	}
	if err := r.Engine.Remove(r.Context(), in.ID); err != nil {
		r.Errorf("remove: %v, want success: it is gone", err)
	}
}

func ended(r rig) {
	in := r.instance(Exit(5))
	r.run(in)
	before := r.untilEnded(in.ID)
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{}))
	r.ok(r.Engine.Kill(r.Context(), in.ID))
	if diff := cmp.Diff(before, r.see(in.ID)); diff != "" {
		r.Errorf("it changed (-before +after):\n%s", diff)
	}
}

func stopByConsole(r rig) {
	in := r.instance(Console())
	r.run(in)
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Console: "stop"}))
	if f := r.see(in.ID); f.Running || f.ExitCode != 0 {
		r.Errorf("after stop: %+v", f)
	}
}

func typed(r rig) {
	in := r.instance(Console())
	r.run(in)
	want := ""
	lines := []string{"one", "two words", "", "ümlaut"}
	for n := range 60 { // each comes to the engine by a connection of its own
		lines = append(lines, strconv.Itoa(n))
	}
	for _, line := range lines {
		r.ok(r.Engine.Type(r.Context(), in.ID, line))
		want += "heard " + line + "\n"
	}
	r.until("the answers in order", func() bool {
		return strings.HasSuffix(strings.ReplaceAll(r.logs(in.ID, runtime.LogOptions{Tail: -1}), "\r", ""), want)
	})
	r.ok(r.Engine.Type(r.Context(), in.ID, "stop"))
	r.untilEnded(in.ID)
	if err := r.Engine.Type(r.Context(), in.ID, "late"); !errors.Is(err, runtime.ErrNotRunning) {
		r.Errorf("typed to one that has ended: %v", err)
	}
}

func stopBySignal(r rig) {
	in := r.instance(Idle())
	r.run(in)
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Signal: "SIGUSR1"}))
	if f := r.see(in.ID); f.Running || f.ExitCode != exitUser {
		r.Errorf("after stop: %+v", f)
	}
}

func stopKills(r rig) {
	for _, how := range []spec.Stop{
		{Grace: 1},
		{Grace: 1, Signal: "SIGTERM"},
		{Grace: 1, Console: "please"},
	} {
		in := r.instance(Deaf())
		r.run(in)
		r.ok(r.Engine.Stop(r.Context(), in.ID, how))
		if f := r.see(in.ID); f.Running || f.ExitCode != exitKilled {
			r.Errorf("after stop with %+v: %+v", how, f)
		}
	}
}

func stopUnknownSignal(r rig) {
	in := r.instance(Idle())
	r.run(in)
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Signal: "SIGNONSENSE"}))
	if f := r.see(in.ID); f.Running {
		r.Errorf("after stop: %+v", f)
	}
}

func killed(r rig) {
	in := r.instance(Idle())
	r.run(in)
	r.ok(r.Engine.Kill(r.Context(), in.ID))
	if f := r.see(in.ID); f.Running || f.ExitCode != exitKilled {
		r.Errorf("after kill: %+v", f)
	}
}

func exitCode(r rig) {
	in := r.instance(Exit(42))
	r.run(in)
	if f := r.untilEnded(in.ID); f.ExitCode != 42 || f.OOM {
		r.Errorf("after its end: %+v", f)
	}
}

func outOfMemory(r rig) {
	var seen transcript
	r.watch(&seen)
	in := r.instance(Eat())
	in.Spec.Resources.Memory = 8 * spec.MiB
	r.run(stamp(in))
	r.ok(r.Engine.Stop(r.Context(), in.ID, spec.Stop{Console: "go on"}))
	// The news of the shortage may come after that of the end.
	r.until("the news", func() bool { return slices.Contains(seen.kinds(in.ID), runtime.OutOfMem) })
	if f := r.see(in.ID); f.Running || f.ExitCode != exitKilled || !f.OOM {
		r.Errorf("after its end: %+v", f)
	}
}

func health(r rig) {
	for well, want := range map[bool]string{true: "healthy", false: "unhealthy"} {
		var seen transcript
		r.watch(&seen)
		in := r.instance(Idle())
		in.Spec.Health = Check(well)
		in = stamp(in)
		r.run(in)
		r.until("a judgement", func() bool { return slices.Contains(seen.kinds(in.ID), runtime.Judged) })
		if f := r.see(in.ID); f.Health != want || seen.judgement(in.ID) != want {
			r.Errorf("it is %+v, and heard was %q", f, seen.judgement(in.ID))
		}
		r.ok(r.Engine.Kill(r.Context(), in.ID))
		if f := r.see(in.ID); f.Health != "" {
			r.Errorf("after its end it is %s", f.Health)
		}
	}
}

func limits(r rig) {
	in := r.instance(Idle())
	r.run(in)
	want := Limits{CPU: 500, Memory: 32 * spec.MiB, Pids: spec.DefaultPids}
	if diff := cmp.Diff(want, r.Limits(r.T, in.ID)); diff != "" {
		r.Errorf("limits (-want +got):\n%s", diff)
	}
}

func update(r rig) {
	in := r.instance(Idle())
	before := r.run(in)
	// Both ways: more must not stumble over the old swap limit, nor less.
	for _, memory := range []spec.Bytes{128 * spec.MiB, 16 * spec.MiB} {
		in.Generation++
		in.Spec.Resources = spec.Resources{CPU: 1250, Memory: memory}
		in.Spec.Pids = 77
		in = stamp(in)
		r.ok(r.Engine.Update(r.Context(), in.ID, in))
		if diff := cmp.Diff(Limits{CPU: 1250, Memory: memory, Pids: 77}, r.Limits(r.T, in.ID)); diff != "" {
			r.Errorf("limits (-want +got):\n%s", diff)
		}
		want := before
		want.Generation, want.SpecHash = in.Generation, in.SpecHash
		if diff := cmp.Diff(want, r.see(in.ID)); diff != "" {
			r.Errorf("after update (-want +got):\n%s", diff)
		}
	}
	updated := r.see(in.ID)
	r.ok(r.Engine.Create(r.Context(), in, nil))
	if diff := cmp.Diff(updated, r.see(in.ID)); diff != "" {
		r.Errorf("create of what it was updated to changed it (-before +after):\n%s", diff)
	}
}

func updateThenRecreate(r rig) {
	first := r.instance(Idle())
	r.run(first)
	second := first
	second.Generation++
	second.Spec.Pids = 77
	r.ok(r.Engine.Update(r.Context(), first.ID, stamp(second)))
	r.ok(r.Engine.Create(r.Context(), first, nil))
	if f := r.see(first.ID); f.Generation != first.Generation || f.SpecHash != first.SpecHash {
		r.Errorf("made anew from generation %d, it is listed as %+v", first.Generation, f)
	}
}

func missingImage(r rig) {
	in := r.instance(Idle())
	in.Spec.Image = r.MissingImage
	err := r.Engine.Create(r.Context(), stamp(in), nil)
	if !errors.Is(err, runtime.ErrImage) || !strings.Contains(err.Error(), r.MissingImage) {
		r.Errorf("got %v, want an error of kind %q that names the image", err, runtime.ErrImage)
	}
	if _, there := r.all(r.Engine)[in.ID]; there {
		r.Error("a container was left behind")
	}
}

func portInUse(r rig) {
	const port = 23456
	r.TakePort(r.T, port)
	in := r.instance(Idle())
	in.Spec.Ports = []spec.Port{{Host: port, Container: 80, Protocol: "tcp"}}
	r.create(stamp(in))
	err := r.Engine.Start(r.Context(), in.ID)
	if !errors.Is(err, runtime.ErrPort) || !strings.Contains(err.Error(), "23456") {
		r.Errorf("got %v, want an error of kind %q that names the port", err, runtime.ErrPort)
	}
	if r.see(in.ID).Running {
		r.Error("it runs all the same")
	}

	holder, second := r.instance(Idle()), r.instance(Idle())
	holder.Spec.Ports = []spec.Port{{Host: port + 1, Container: 80, Protocol: "tcp"}}
	second.Spec.Ports = holder.Spec.Ports
	r.run(stamp(holder))
	r.create(stamp(second))
	if err := r.Engine.Start(r.Context(), second.ID); !errors.Is(err, runtime.ErrPort) {
		r.Errorf("got %v, want an error of kind %q", err, runtime.ErrPort)
	}
	r.ok(r.Engine.Stop(r.Context(), holder.ID, spec.Stop{}))
	r.ok(r.Engine.Start(r.Context(), second.ID))
}

func mountRefused(r rig) {
	in := r.instance(Idle())
	in.Spec.Volumes = []spec.Volume{{Host: "/lormas-nowhere", Container: "/data"}}
	err := r.Engine.Create(r.Context(), stamp(in), nil)
	if !errors.Is(err, runtime.ErrMount) || !strings.Contains(err.Error(), "--allow-mount /lormas-nowhere") {
		r.Errorf("got %v, want an error of kind %q that names the flag", err, runtime.ErrMount)
	}
	if _, there := r.all(r.Engine)[in.ID]; there {
		r.Error("a container was left behind")
	}
}

func mountAllowed(r rig) {
	in := r.instance(Idle())
	in.Spec.Volumes = []spec.Volume{
		{Host: r.MountRoot + "/a/b", Container: "/data"},
		{Host: "saves", Container: "/saves", ReadOnly: true},
	}
	if f := r.run(stamp(in)); !f.Running {
		r.Errorf("it does not run: %+v", f)
	}
}

func neighbours(r rig) {
	in := r.instance(Idle())
	mine := r.run(in)
	if _, seen := r.all(r.Neighbour)[in.ID]; seen {
		r.Error("the neighbour lists it")
	}
	if err := r.Neighbour.Kill(r.Context(), in.ID); !errors.Is(err, runtime.ErrNotFound) {
		r.Errorf("the neighbour's kill: %v", err)
	}
	// The same container for both: it is moving from one to the other.
	r.Cleanup(func() { _ = r.Neighbour.Remove(context.Background(), in.ID) })
	r.ok(r.Neighbour.Create(r.Context(), in, nil))
	r.ok(r.Neighbour.Remove(r.Context(), in.ID))
	if diff := cmp.Diff(mine, r.see(in.ID)); diff != "" {
		r.Errorf("the neighbour touched it (-before +after):\n%s", diff)
	}
}

func cancelled(r rig) {
	in := r.instance(Deaf())
	r.run(in)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	if err := r.Engine.Stop(ctx, in.ID, spec.Stop{}); !errors.Is(err, context.Canceled) {
		r.Errorf("stop: %v, want it cancelled", err)
	}
	if !r.see(in.ID).Running {
		r.Error("it was stopped all the same")
	}
}
