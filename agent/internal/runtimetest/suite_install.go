package runtimetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// installed is an actor whose volume is filled by a script.
func (r rig) installed(script string) runtime.Instance {
	in := r.instance(Idle())
	in.Spec.Volumes = []spec.Volume{{Host: "other", Container: "/other"}, {Host: spec.HomeVolume, Container: "/data"}}
	in.Spec.Install = &spec.Install{Image: r.Shell, Entrypoint: "sh", Script: script}
	r.Cleanup(func() {
		if err := r.Engine.Remove(context.Background(), in.ID); err != nil {
			r.Error(err)
		}
	})
	return stamp(in)
}

// begin makes an installer and starts it.
func (r rig) begin(in runtime.Instance) runtime.Found {
	r.Helper()
	made, err := r.Engine.PrepareInstall(r.Context(), in, nil)
	r.ok(err)
	started, err := r.Engine.StartInstall(r.Context(), in.ID)
	r.ok(err)
	if started.DockerID != made.DockerID || !started.Installer || started.StartedAt.IsZero() {
		r.Errorf("made %+v, started %+v", made, started)
	}
	return started
}

func (r rig) expectInstalled(in runtime.Instance, number int64, done bool) {
	r.Helper()
	n, d, err := r.Engine.Installed(r.Context(), in)
	r.ok(err)
	if n != number || d != done {
		r.Errorf("it had installation %d (%v), want %d (%v)", n, d, number, done)
	}
}

// installers counts those that the engine has of a container.
func (r rig) installers(in runtime.Instance) (n int) {
	r.Helper()
	list, err := r.Engine.List(r.Context())
	r.ok(err)
	for _, f := range list {
		if f.ID == in.ID && f.Installer {
			n++
		}
	}
	return n
}

func installs(r rig) {
	in := r.installed(InstallExit(0))
	r.expectInstalled(in, 0, false)
	r.begin(in)
	r.ok(r.Engine.AwaitInstall(r.Context(), in))
	r.expectInstalled(in, 0, true)
	if r.installers(in) != 0 {
		r.Error("the installer is still there")
	}
	in.Install = 3
	r.expectInstalled(in, 0, true)
	r.begin(in)
	r.ok(r.Engine.AwaitInstall(r.Context(), in))
	r.expectInstalled(in, 3, true)
	if f := r.run(in); f.Install != 3 || f.Installer {
		r.Errorf("the container itself: %+v", f)
	}
	if r.installers(in) != 0 {
		r.Error("the installer is still there")
	}
}

func installFails(r rig) {
	in := r.installed(InstallExit(9))
	first := r.begin(in)
	err := r.Engine.AwaitInstall(r.Context(), in)
	if !errors.Is(err, runtime.ErrInstall) || !strings.Contains(err.Error(), "exit code 9") || !strings.HasSuffix(err.Error(), "installing") {
		r.Errorf("got %v, want an error of kind %q with the exit code and the last line", err, runtime.ErrInstall)
	}
	r.expectInstalled(in, 0, false)
	var lines []string
	r.ok(r.Engine.Lines(r.Context(), in.ID, time.Time{}, func(l runtime.Line) { lines = append(lines, string(l.Text)) }))
	if len(lines) != 1 || lines[0] != "installing" {
		r.Errorf("its lines are %q", lines)
	}
	if log := r.logs(in.ID, runtime.LogOptions{Tail: -1}); !strings.HasPrefix(log, "installing") {
		r.Errorf("its log is %q", log)
	}
	if again := r.begin(in); again.DockerID == first.DockerID {
		r.Error("the next try finds the one that failed")
	}
	r.ok(r.Engine.AbortInstall(r.Context(), in.ID))
	if r.installers(in) != 0 {
		r.Error("the installer is still there")
	}
}

func installIgnored(r rig) {
	in := r.installed(InstallExit(9))
	in.Spec.Install.IgnoreExit = true
	in = stamp(in)
	r.begin(in)
	r.ok(r.Engine.AwaitInstall(r.Context(), in))
	r.expectInstalled(in, 0, true)
}

func installTime(r rig) {
	in := r.installed(InstallWait)
	in.Spec.Install.Timeout = 1
	in = stamp(in)
	r.begin(in)
	if err := r.Engine.AwaitInstall(r.Context(), in); !errors.Is(err, runtime.ErrInstallTime) || !strings.Contains(err.Error(), "1s") {
		r.Errorf("got %v, want an error of kind %q that says how long it had", err, runtime.ErrInstallTime)
	}
	r.expectInstalled(in, 0, false)
}

func installFound(r rig) {
	in := r.installed(InstallWait)
	first := r.begin(in)
	ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Engine.AwaitInstall(ctx, in); !errors.Is(err, context.DeadlineExceeded) {
		r.Errorf("whoever waits can stop to: %v", err)
	}
	again := r.begin(in)
	if again.DockerID != first.DockerID || !again.Running {
		r.Errorf("%+v was found again as %+v", first, again)
	}
	if r.installers(in) != 1 || len(r.all(r.Engine)) != 0 {
		r.Errorf("%d installers and %d containers are listed", r.installers(in), len(r.all(r.Engine)))
	}
	in.Generation++
	if other := r.begin(in); other.DockerID == first.DockerID {
		r.Error("one of an older generation was taken")
	}
}

func installEnded(r rig) {
	in := r.installed(InstallWait)
	r.begin(in)
	r.ok(r.Engine.Kill(r.Context(), in.ID))
	if err := r.Engine.AwaitInstall(r.Context(), in); !errors.Is(err, runtime.ErrInstall) || !strings.Contains(err.Error(), "137") {
		r.Errorf("killed: %v", err)
	}
	r.begin(in)
	r.ok(r.Engine.AbortInstall(r.Context(), in.ID))
	r.ok(r.Engine.AbortInstall(r.Context(), in.ID))
	if r.installers(in) != 0 {
		r.Error("the installer is still there")
	}
	if err := r.Engine.AwaitInstall(r.Context(), in); !errors.Is(err, runtime.ErrInstall) {
		r.Errorf("there is nothing to wait for: %v", err)
	}
	r.begin(in)
	r.ok(r.Engine.Remove(r.Context(), in.ID))
	if r.installers(in) != 0 {
		r.Error("the installer outlives its container")
	}
}

func installRefused(r rig) {
	in := r.installed(InstallExit(0))
	in.Spec.Install.Image = r.MissingImage
	if _, err := r.Engine.PrepareInstall(r.Context(), stamp(in), nil); !errors.Is(err, runtime.ErrImage) {
		r.Errorf("got %v, want an error of kind %q", err, runtime.ErrImage)
	}
	in = r.installed(InstallExit(0))
	in.Spec.Volumes = nil
	if _, _, err := r.Engine.Installed(r.Context(), stamp(in)); !errors.Is(err, runtime.ErrMount) {
		r.Errorf("without a volume: %v, want an error of kind %q", err, runtime.ErrMount)
	}
	if r.installers(in) != 0 {
		r.Error("an installer was left behind")
	}
}
