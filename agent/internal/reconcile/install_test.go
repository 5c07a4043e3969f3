package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var (
	installed = withScript(idle, runtimetest.InstallExit(0))
	broken    = withScript(idle, runtimetest.InstallExit(4))
	long      = withScript(idle, runtimetest.InstallWait)
	leased    = withScript(exclusive, runtimetest.InstallWait)
)

func init() {
	for hash, s := range bySum(installed, broken, long, leased) {
		specs[hash] = s
	}
}

func withScript(s spec.Container, script string) spec.Container {
	return with(s, func(s *spec.Container) {
		s.Volumes = []spec.Volume{{Host: spec.HomeVolume, Container: "/data"}}
		s.Install = &spec.Install{Image: "installer:1", Entrypoint: "sh", Script: script}
	})
}

// whole are the calls of an installation.
func whole(before []runtimetest.Verb, after ...runtimetest.Verb) []runtimetest.Verb {
	return append(append(before, "installed", "prepare install", "start install", "await install"), after...)
}

func TestAVolumeIsInstalledBeforeTheFirstStart(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(installed)
		r.desire(c)
		create := r.command(wire.ActionCreate, c.ID)
		r.expectPhase("installed and started", c.ID, spec.Up)
		r.expectReceipts("installed and started", create, wire.Delivered, wire.Applied)
		calls := whole(nil, "create", "start")
		r.expectCalls("once", c.ID, calls...)
		r.desire(powered(c, spec.Stopped))
		r.desire(c)
		calls = append(calls, "stop", "start")
		r.expectCalls("stopped and started", c.ID, calls...)
		r.reboot()
		r.expectCalls("the agent begins anew", c.ID, calls...)
		r.engine.Crash(c.ID, 1)
		r.after(2 * time.Second)
		r.expectPhase("crashed", c.ID, spec.Up)
		r.expectCalls("it is looked again whether it is", c.ID, append(calls, "installed", "start")...)
	})
}

// A container that comes back, or comes to another node, is installed when
// its data did not come along.
func TestAVolumeWithoutItsDataIsInstalledAnew(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(installed)
		r.desire(c)
		r.desire(powered(c, spec.Absent))
		r.expectPhase("gone", c.ID, spec.Removed)
		c.Epoch++
		r.desire(c)
		calls := whole(nil, "create", "start", "stop", "remove", "installed", "create", "start")
		r.expectCalls("back, and its data was kept", c.ID, calls...)
		r.desire(powered(c, spec.Absent))
		r.engine.Wipe(c.ID)
		c.Epoch++
		r.desire(c)
		r.expectCalls("back, and its data was not", c.ID, whole(append(calls, "stop", "remove"), "create", "start")...)
		r.expectPhase("back", c.ID, spec.Up)
	})
}

func TestAnInstallationThatFailsIsTriedSomeTimes(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(broken)
		r.desire(c)
		create := r.command(wire.ActionCreate, c.ID)
		st := r.expectPhase("failed", c.ID, spec.Failed)
		for _, want := range []string{"try 1 of 6, the next is at ", "exit code 4", "last lines were:\ninstalling"} {
			if !strings.Contains(st.Reason, want) {
				t.Errorf("the reason %q lacks %q", st.Reason, want)
			}
		}
		r.expectReceipts("failed", create, wire.Delivered, wire.FailedR)
		r.after(29 * time.Second)
		tries := func() (n int) {
			for _, call := range r.calls(c.ID) {
				if call == "await install" {
					n++
				}
			}
			return n
		}
		if n := tries(); n != 1 {
			t.Errorf("tried %d times within half a minute", n)
		}
		r.after(24 * time.Hour)
		st = r.expectPhase("a day later", c.ID, spec.Failed)
		if n := tries(); n != 6 || !strings.Contains(st.Reason, "not installed again by itself") {
			t.Errorf("tried %d times within a day, and the reason is %q", n, st.Reason)
		}
		r.desire(remade(c, installed))
		r.expectPhase("mended", c.ID, spec.Up)
	})
}

func TestAnInstallationHasItsTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(long)
		r.desire(c)
		r.expectPhase("at first", c.ID, spec.Installing)
		r.after(59 * time.Minute)
		r.reboot()
		r.expectPhase("the agent begins anew", c.ID, spec.Installing)
		r.after(2 * time.Minute)
		st := r.expectPhase("an hour after it began", c.ID, spec.Failed)
		if !strings.Contains(st.Reason, "longer than 1h0m0s") || !strings.Contains(st.Reason, "not installed again by itself") {
			t.Errorf("the reason is %q", st.Reason)
		}
		r.after(24 * time.Hour)
		r.expectCalls("not again", c.ID, whole(whole(nil))...)
		r.command(wire.ActionStart, c.ID)
		r.desire(c)
		r.command(wire.ActionStart, c.ID)
		r.expectPhase("somebody starts it", c.ID, spec.Installing)
		r.engine.EndInstall(c.ID, 0)
		synctest.Wait()
		r.expectPhase("it ends well", c.ID, spec.Up)
	})
}

func TestAnInstallationEndsWithoutItsAgent(t *testing.T) {
	for name, test := range map[string]struct {
		code  int
		after spec.Phase
	}{
		"well":      {0, spec.Up},
		"by a boot": {137, spec.Installing},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(r *rig) {
				c := entry(long)
				r.desire(c)
				r.shutdown()
				r.engine.EndInstall(c.ID, test.code)
				r.boot()
				r.expectPhase("afterwards", c.ID, test.after)
				r.engine.EndInstall(c.ID, 0)
				synctest.Wait()
				r.expectPhase("in the end", c.ID, spec.Up)
			})
		})
	}
}

func TestAnInstallationIsCancelled(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(long)
		r.desire(c)
		typed := r.stdin(c, "hello")
		r.expectReceipts("nobody reads", typed, wire.Delivered, wire.FailedR)
		r.desire(powered(c, spec.Stopped))
		stop := r.command(wire.ActionStop, c.ID)
		r.expectPhase("stopped", c.ID, spec.Down)
		r.expectReceipts("stopped", stop, wire.Delivered, wire.Applied)
		r.expectNoInstaller(c)
		r.desire(c)
		r.expectPhase("started", c.ID, spec.Installing)
		r.desire(remade(c, installed))
		r.expectPhase("changed", c.ID, spec.Up)

		d := entry(long)
		r.desire(d)
		r.reboot()
		r.expectPhase("the agent begins anew", d.ID, spec.Installing)
		r.shutdown()
		r.boot()
		r.desire(powered(d, spec.Absent))
		r.expectPhase("deleted", d.ID, spec.Removed)
		r.expectNoInstaller(d)
		if got, want := r.applied(), r.rev; got != want {
			t.Errorf("revision %d is applied, want %d", got, want)
		}
	})
}

func (r *rig) expectNoInstaller(c wire.DesiredContainer) {
	r.Helper()
	if _, there := r.engine.Installer(c.ID); there {
		r.Error("the installer is still there")
	}
}

// An installer of a container that has moved is taken away before the node
// says that it is.
func TestAnInstallerThatMovedAwayIsTakenAway(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(long)
		r.desire(c)
		r.reboot()
		before := r.applied()
		c.Epoch++
		r.desire(powered(c, spec.Stopped))
		r.expectNoInstaller(c)
		if got := r.applied(); got != before+1 {
			t.Errorf("revision %d is applied, want %d", got, before+1)
		}
		r.expectPhase("it is elsewhere", c.ID, spec.Down)
	})
}

func TestReinstall(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(installed)
		r.desire(c)
		c.Install++
		r.desire(c)
		reinstall := r.command(wire.ActionReinstall, c.ID)
		calls := whole(nil, "create", "start", "stop", "prepare install", "start install", "await install", "create", "start")
		r.expectCalls("asked for", c.ID, calls...)
		r.expectPhase("asked for", c.ID, spec.Up)
		r.expectReceipts("asked for", reinstall, wire.Delivered, wire.Applied)
		r.reboot()
		r.expectCalls("once", c.ID, calls...)

		d := entry(long)
		r.desire(d)
		r.engine.EndInstall(d.ID, 0)
		synctest.Wait()
		d.Install++
		r.desire(d)
		r.expectPhase("again", d.ID, spec.Installing)
		r.shutdown()
		r.engine.Reboot()
		r.boot()
		r.expectPhase("the machine boots", d.ID, spec.Installing)
		r.desire(powered(d, spec.Stopped))
		r.expectPhase("stopped", d.ID, spec.Down)
		r.desire(d)
		r.expectPhase("it is still to be done", d.ID, spec.Installing)
		r.engine.EndInstall(d.ID, 0)
		synctest.Wait()
		r.expectPhase("done", d.ID, spec.Up)
	})
}

// While nobody can say whether it runs elsewhere, an exclusive container is
// not installed either: the script writes to the same volume.
func TestI1AnExclusiveContainerIsInstalledUnderALeaseOnly(t *testing.T) {
	withGuard(t, func(r *haRig) {
		c := entry(leased)
		r.desire(c)
		r.after(time.Minute)
		r.expectPhase("without a lease", c.ID, spec.Pending)
		r.expectNoInstaller(c)
		r.grant()
		r.expectPhase("with one", c.ID, spec.Installing)
		r.after(19 * time.Second)
		r.grant()
		r.after(24 * time.Second)
		if i, _ := r.engine.Installer(c.ID); !i.Running {
			t.Error("it ended before its lease")
		}
		r.after(2 * time.Second)
		if i, _ := r.engine.Installer(c.ID); i.Running {
			t.Error("it outlives its lease")
		}
		r.expectPhase("when its lease was over", c.ID, spec.Pending)
		r.expectReason("when its lease was over", c, "fenced: ")
		r.grant()
		r.expectPhase("with a new lease", c.ID, spec.Installing)
		r.shutdown()
		r.power()
		r.after(2 * time.Second)
		r.expectPhase("the agent begins anew", c.ID, spec.Installing)
		r.grant()
		r.engine.EndInstall(c.ID, 0)
		synctest.Wait()
		r.after(time.Second)
		r.expectPhase("installed", c.ID, spec.Up)
	})
}

// A few are installed at a time; those that wait say so.
func TestAnInstallationWaitsForOthers(t *testing.T) {
	inBubble(t, func(r *rig) {
		var all []wire.DesiredContainer
		for range 5 {
			all = append(all, entry(long))
		}
		r.desire(all...)
		var waits []wire.DesiredContainer
		for _, c := range all {
			switch st := r.status(c.ID); {
			case st.Phase == spec.Pending && strings.Contains(st.Reason, "waits for one of"):
				waits = append(waits, c)
			case st.Phase != spec.Installing:
				t.Errorf("one is %s: %s", st.Phase, st.Reason)
			}
		}
		if len(waits) != 1 {
			t.Fatalf("%d wait", len(waits))
		}
		for _, c := range all {
			if c.ID != waits[0].ID {
				r.desire(powered(c, spec.Stopped))
				break
			}
		}
		r.expectPhase("when one is over", waits[0].ID, spec.Installing)
	})
}
