package reconcile_test

import (
	"context"
	"slices"
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

func TestRestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		command := r.ask(wire.ActionRestart, c)
		r.expectCalls("restarted", c.ID, "create", "start", "stop", "start")
		r.expectReceipts("restarted", command, wire.Delivered, wire.Applied)
		if st := r.expectPhase("restarted", c.ID, spec.Up); st.Restarts != 0 {
			t.Errorf("a wanted restart counts as a crash")
		}
	})
}

func TestRestartOfOneThatCrashedDoesNotWait(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		for range 8 {
			r.engine.Crash(c.ID, 1)
			r.after(0)
			if r.status(c.ID).Restarts < 7 {
				r.after(2 * time.Minute)
			}
		}
		r.expectPhase("in a long pause", c.ID, spec.Crashed)
		command := r.ask(wire.ActionRestart, c)
		r.expectPhase("at once", c.ID, spec.Up)
		r.expectReceipts("at once", command, wire.Delivered, wire.Applied)
	})
}

func TestRestartThatFailsSaysSo(t *testing.T) {
	inBubble(t, func(r *rig) {
		s := with(idle, func(s *spec.Container) { s.Ports = []spec.Port{{Host: 8080, Container: 80, Protocol: "tcp"}} })
		r.ok(r.ledger.AddSpecs(bySum(s)))
		c := entry(s)
		r.desire(c)
		r.engine.TakePort(8080, true)
		command := r.ask(wire.ActionRestart, c)
		r.expectReceipts("port taken meanwhile", command, wire.Delivered, wire.FailedR)
		r.engine.TakePort(8080, false)
		r.after(time.Second)
		r.expectPhase("and is tried again", c.ID, spec.Up)
	})
}

func TestRefusals(t *testing.T) {
	inBubble(t, func(r *rig) {
		runs, rests := entry(idle), powered(entry(idle), spec.Stopped)
		r.desire(runs, rests)
		moved := runs
		moved.Epoch = 2
		for what, command := range map[string]id.CommandID{
			"a stopped container":  r.ask(wire.ActionRestart, rests),
			"an unknown container": r.ask(wire.ActionRestart, entry(idle)),
			"another epoch":        r.ask(wire.ActionRestart, moved),
			"an unknown action":    r.ask("dance", runs),
		} {
			r.expectReceipts(what, command, wire.Delivered, wire.FailedR)
		}
		r.expectCalls("after all refusals", runs.ID, "create", "start")
	})
}

func TestKillBreaksOffASlowStop(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(deaf)
		r.desire(c)
		r.desire(powered(c, spec.Stopped))
		stop := r.command(wire.ActionStop, c.ID)
		r.expectPhase("deaf", c.ID, spec.Stopping)
		kill := r.ask(wire.ActionKill, c)
		if r.running(c.ID) {
			t.Error("it survived the kill")
		}
		r.expectReceipts("kill", kill, wire.Delivered, wire.Applied)
		r.after(20 * time.Second)
		r.expectReceipts("stop", stop, wire.Delivered, wire.Applied)
		r.expectPhase("killed", c.ID, spec.Down)
		r.after(time.Minute)
		r.expectCalls("no restart", c.ID, "create", "start", "stop", "kill")
	})
}

func TestATransientCommandWaitsForItsRevisionAndItsTime(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(c)
		take := func(rev int64) id.CommandID {
			command := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionKill, ContainerID: c.ID}
			_, err := r.ledger.Take(command)
			r.ok(err)
			r.Ask(reconcile.Ask{Command: command.ID, Action: wire.ActionKill, Container: c.ID, Rev: rev, Before: time.Now().Add(time.Minute)})
			synctest.Wait()
			return command.ID
		}
		next, far := take(r.rev+1), take(r.rev+99)
		r.expectReceipts("before its revision", next, wire.Delivered)
		r.desire(powered(c, spec.Stopped))
		r.expectReceipts("at its revision", next, wire.Delivered, wire.Applied)
		r.after(time.Minute)
		r.expectReceipts("after its time", far, wire.Delivered, wire.Expired)
	})
}

func TestAnAskIsNotCarriedOutAfterAnAgentRestart(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(deaf)
		r.desire(c)
		command := r.ask(wire.ActionRestart, c) // its stop takes 20 s
		r.after(time.Second)
		r.reboot()
		r.expectReceipts("the agent died in the middle", command, wire.Delivered, wire.FailedR)
		r.after(time.Minute)
		stops := 0
		for _, verb := range r.calls(c.ID) {
			if verb == runtimetest.VerbStop {
				stops++
			}
		}
		if stops != 1 {
			t.Errorf("it was stopped %d times, want once", stops)
		}
		if !r.running(c.ID) {
			t.Error("and then it was left ended")
		}
	})
}

func TestLinesAreTypedInOrder(t *testing.T) {
	inBubble(t, func(r *rig) {
		s := with(idle, func(s *spec.Container) { s.Command = runtimetest.Console() })
		r.ok(r.ledger.AddSpecs(bySum(s)))
		c := entry(s)
		r.desire(c)
		free := make(chan struct{})
		var typed []string
		r.engine.Before(func(_ context.Context, call runtimetest.Call) error {
			if call.Verb == runtimetest.VerbType {
				<-free // the first is slow
			}
			return nil
		})
		var commands []id.CommandID
		for _, line := range []string{"one", "two", "three"} {
			command := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionStdin, ContainerID: c.ID, Epoch: c.Epoch, Input: line}
			_, err := r.ledger.Take(command)
			r.ok(err)
			r.Ask(reconcile.Ask{Command: command.ID, Action: command.Action, Container: c.ID, Epoch: c.Epoch, Input: line, Before: time.Now().Add(time.Minute)})
			commands = append(commands, command.ID)
		}
		synctest.Wait()
		r.expectReceipts("while the first is under way", commands[1], wire.Delivered)
		close(free)
		synctest.Wait()
		for _, command := range commands {
			r.expectReceipts("all typed", command, wire.Delivered, wire.Applied)
		}
		r.ok(r.engine.Logs(r.Context(), c.ID, runtime.LogOptions{Tail: -1}, func(line []byte) error {
			typed = append(typed, strings.TrimSpace(string(line)))
			return nil
		}))
		if want := []string{runtimetest.Greeting, "heard one", "heard two", "heard three"}; !slices.Equal(typed, want) {
			t.Errorf("the console has %q, want %q", typed, want)
		}
	})
}

func TestAStoppedContainerCannotBeSpokenTo(t *testing.T) {
	inBubble(t, func(r *rig) {
		c := entry(idle)
		r.desire(powered(c, spec.Stopped))
		r.expectReceipts("stopped", r.ask(wire.ActionStdin, c), wire.Delivered, wire.FailedR)
	})
}
