package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestStatesOfOnePlaceCoalesce(t *testing.T) {
	b := newBook(t)
	c := wanted(web("a:1"), 1, spec.Running)
	moved := c
	moved.Epoch = 3
	b.record(state(c, spec.Creating), state(c, spec.Up))
	b.record(state(c, spec.Removed), state(moved, spec.Creating))
	b.record(state(moved, spec.Up))
	expect(t, "outbox", brief(b.outbox()), []string{"3 removed@1", "5 running@3"})
}

func TestAckedEventsAreForgottenAndNumbersGoOn(t *testing.T) {
	b := newBook(t)
	one, two := wanted(web("a:1"), 1, spec.Running), wanted(web("a:1"), 1, spec.Running)
	b.record(state(one, spec.Up), state(two, spec.Up))
	b.ok(b.Acked(1))
	expect(t, "after the ack of 1", brief(b.outbox()), []string{"2 running@1"})
	b.ok(b.Acked(1))
	b = b.afterCrash()
	b.record(state(one, spec.Crashed))
	expect(t, "outbox", brief(b.outbox()), []string{"2 running@1", "3 crashed@1"})
	b.ok(b.Acked(3))
	b = b.afterCrash()
	b.record(state(one, spec.Up))
	expect(t, "after everything was acked", brief(b.outbox()), []string{"4 running@1"})
}

func TestARestoredSnapshotNumbersPastWhatTheControllerHas(t *testing.T) {
	b := newBook(t)
	c := wanted(web("a:1"), 1, spec.Running)
	b.take(wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionStart, ContainerID: c.ID})
	b.record(state(c, spec.Up))
	b.ok(b.Acked(100))
	expect(t, "outbox", brief(b.outbox()), []string{"101 delivered", "102 running@1"})
	b.record(state(c, spec.Crashed))
	expect(t, "outbox", brief(b.outbox()), []string{"101 delivered", "103 crashed@1"})
}

func TestOutboxIsReadInBoundedBatches(t *testing.T) {
	b := newBook(t)
	for range 10 {
		b.record(state(wanted(web("a:1"), 1, spec.Running), spec.Up))
	}
	for _, c := range []struct {
		after        uint64
		items, bytes int
		want         int
	}{{0, 3, 1 << 20, 3}, {8, 100, 1 << 20, 2}, {0, 100, 1, 1}, {10, 100, 1 << 20, 0}} {
		events, err := b.Outbox(c.after, c.items, c.bytes)
		b.ok(err)
		expect(t, "events", len(events), c.want)
	}
}

func TestACommandIsTakenOnce(t *testing.T) {
	b := newBook(t)
	c := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionRestart}
	expect(t, "new at first", b.take(c), true)
	expect(t, "new again", b.take(c), false)
	expect(t, "one receipt", brief(b.outbox()), []string{"1 delivered"})
	b.ok(b.Finish(c.ID, wire.Applied, wire.Result{Message: "done"}))
	b.ok(b.Finish(c.ID, wire.FailedR, wire.Result{Message: "too late"}))
	expect(t, "the first outcome stays", brief(b.outbox()), []string{"1 delivered", "2 applied"})
	b.ok(b.Acked(2))

	b = b.afterCrash()
	expect(t, "new after a crash", b.take(c), false)
	events := b.outbox()
	expect(t, "answered from the ledger", brief(events), []string{"3 applied"})
	expect(t, "with its result", events[0].Result.Message, "done")
	expect(t, "and its status", events[0].Status, "success")
}

func TestASettledContainerEndsItsCommands(t *testing.T) {
	b := newBook(t)
	c := wanted(web("a:1"), 1, spec.Running)
	command := func(action wire.Action, of id.ContainerID, rev int64) wire.Command {
		cmd := wire.Command{ID: id.New[id.CommandID](), Action: action, ContainerID: of, Rev: rev}
		b.take(cmd)
		return cmd
	}
	ended := command(wire.ActionCreate, c.ID, 5)
	later := command(wire.ActionStop, c.ID, 6)
	transient := command(wire.ActionRestart, c.ID, 5)
	another := command(wire.ActionCreate, id.New[id.ContainerID](), 5)

	settled := state(c, spec.Failed)
	settled.Settled = &ledger.Settlement{UpToRev: 5, Receipt: wire.FailedR, Result: wire.Result{Message: "no image"}}
	b.record(settled)
	open, err := b.Open()
	b.ok(err)
	var left []id.CommandID
	for _, o := range open {
		left = append(left, o.ID)
	}
	expect(t, "open", left, []id.CommandID{later.ID, transient.ID, another.ID})
	events := b.outbox()
	last := events[len(events)-1]
	if last.CommandID != ended.ID || last.Status != "error" || last.Result.Message != "no image" {
		t.Errorf("the last event is %+v, want the failure of %s", last, ended.ID)
	}
}

func TestCommandsAreForgottenInTime(t *testing.T) {
	b := newBook(t)
	open := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionStart}
	b.take(open)
	over := func() wire.Command {
		c := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionRestart}
		b.take(c)
		b.ok(b.Finish(c.ID, wire.Applied, wire.Result{}))
		return c
	}
	old := over()
	*b.now = b.now.Add(23 * time.Hour)
	young := over()
	b.ok(b.Tidy(nil))
	expect(t, "old one new within a day", b.take(old), false)
	*b.now = b.now.Add(2 * time.Hour)
	b.ok(b.Tidy(nil))
	expect(t, "old one new after a day", b.take(old), true)
	expect(t, "young one new", b.take(young), false)
	expect(t, "open one new", b.take(open), false)
}

func TestAFullOutboxTakesNoCommandsAndLosesNoResult(t *testing.T) {
	b := newBook(t)
	long := strings.Repeat("x", 1<<20)
	var taken []id.CommandID
	for range 20 {
		c := wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionRestart}
		if _, err := b.Take(c); err != nil {
			if !errors.Is(err, ledger.ErrFull) {
				t.Fatal(err)
			}
			break
		}
		taken = append(taken, c.ID)
		b.ok(b.Finish(c.ID, wire.FailedR, wire.Result{Message: long}))
	}
	expect(t, "results of 1 MiB that fit", len(taken), 10)
	b.record(state(wanted(web("a:1"), 1, spec.Running), spec.Up))
	events, err := b.Outbox(0, 1000, 1<<30)
	b.ok(err)
	expect(t, "receipts, results and a state", len(events), 2*len(taken)+1)
	b.ok(b.Acked(events[len(events)-1].Seq))
	expect(t, "room again", b.take(wire.Command{ID: id.New[id.CommandID](), Action: wire.ActionRestart}), true)
}

// However events and acknowledgements mix, the outbox is in order, holds the
// newest state of each container that was not acknowledged, and every
// command's outcome.
func TestOutboxHoldsWhatMatters(t *testing.T) {
	b := newBook(t)
	rapid.Check(t, func(rt *rapid.T) {
		containers := []wire.DesiredContainer{wanted(web("a:1"), 1, spec.Running), wanted(web("a:1"), 1, spec.Running)}
		sum, err := b.Summary()
		b.ok(err)
		b.ok(b.Acked(sum.OutboxHead))
		newest, acked := map[id.ContainerID]spec.Phase{}, sum.OutboxHead
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			c := rapid.SampledFrom(containers).Draw(rt, "container")
			if rapid.Bool().Draw(rt, "ack") {
				sum, err := b.Summary()
				b.ok(err)
				acked = rapid.Uint64Range(acked, sum.OutboxHead).Draw(rt, "upto")
				b.ok(b.Acked(acked))
				continue
			}
			phase := rapid.SampledFrom([]spec.Phase{spec.Up, spec.Down, spec.Crashed}).Draw(rt, "phase")
			b.record(state(c, phase))
			newest[c.ID] = phase
		}
		last := acked
		for _, e := range b.outbox() {
			if e.Seq <= last {
				rt.Fatalf("event %d comes after %d", e.Seq, last)
			}
			last = e.Seq
			if e.Container.Phase != newest[e.Container.ID] {
				rt.Fatalf("an old state %s of %s waits, the newest is %s", e.Container.Phase, e.Container.ID, newest[e.Container.ID])
			}
		}
	})
}
