package link

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func TestRhythm(t *testing.T) {
	r := newRhythm()
	expectDue := func(when string, want time.Duration, wantGiveUp bool) {
		t.Helper()
		if at, giveUp := r.due(); at != want || giveUp != wantGiveUp {
			t.Errorf("%s: due at %s, give up %t; want %s, %t", when, at, giveUp, want, wantGiveUp)
		}
	}
	expectDue("at first", 0, false)
	first := r.beat(time.Second)
	expectDue("unanswered once", 3*time.Second, false)
	r.beat(3 * time.Second)
	expectDue("unanswered twice", 5*time.Second, false)
	r.beat(5 * time.Second)
	expectDue("unanswered thrice", 7*time.Second, true)
	if sent, ok := r.answer(wire.Lease{Seq: first, NextHBMS: 2000, ResendMS: 500}); !ok || sent != time.Second {
		t.Errorf("the late answer to the first counts from %s, %t", sent, ok)
	}
	expectDue("answered", 7*time.Second, false)
	if _, again := r.answer(wire.Lease{Seq: first}); again {
		t.Error("the same answer counted twice")
	}
	if _, ok := r.answer(wire.Lease{Seq: 99}); ok {
		t.Error("an answer to what was never sent counted")
	}
	r.beat(7 * time.Second)
	expectDue("at the new rate", 7500*time.Millisecond, false)
}

func TestALeaseCannotAskForNonsense(t *testing.T) {
	for ms, want := range map[int64]time.Duration{
		0: 10 * time.Second, -5: 10 * time.Second, 1: 100 * time.Millisecond, 60_000: time.Minute, 1 << 60: 10 * time.Minute,
	} {
		r := newRhythm()
		r.answer(wire.Lease{NextHBMS: ms, ResendMS: 1})
		if r.every != want || r.resend != minResend {
			t.Errorf("%d ms: every %s, resend %s; want %s, %s", ms, r.every, r.resend, want, minResend)
		}
	}
}

// The clock may think that it is later than it is, by the round trip, but
// never earlier.
func TestClockIsNeverEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := func(name string) time.Duration {
			return time.Duration(rapid.Int64Range(0, 60_000).Draw(t, name)) * time.Millisecond
		}
		const offset = 1_700_000_000_000 // controller's clock when ours is 0
		sent, there, back, later := ms("sent"), ms("there"), ms("back"), ms("later")
		var c clock
		if _, known := c.until(0, sent); known {
			t.Fatal("known before any lease")
		}
		c.set(offset+(sent+there).Milliseconds(), sent, sent+there+back)
		now := sent + there + back + later
		deadline := offset + ms("deadline").Milliseconds()
		left, _ := c.until(deadline, now)
		truly := time.Duration(deadline-offset)*time.Millisecond - now
		if left > truly || left < truly-there-back {
			t.Fatalf("%s left, truly %s with a round trip of %s", left, truly, there+back)
		}
	})
}

func TestPartsOfAFullListComeInAnyOrder(t *testing.T) {
	c1, c2, c3 := id.New[id.ContainerID](), id.New[id.ContainerID](), id.New[id.ContainerID]()
	part := func(rev int64, n, of int, c id.ContainerID) wire.Desired {
		return wire.Desired{
			Kind: wire.DesiredFull, Rev: rev, Part: n, Parts: of, Containers: []wire.DesiredContainer{{ID: c}},
			Specs: map[string]spec.Container{c.String(): {}},
		}
	}
	s := &syncer{}
	for i, p := range []wire.Desired{part(6, 2, 2, c3), part(7, 3, 3, c3), part(7, 1, 3, c1), part(7, 1, 3, c1), part(7, 9, 3, c1)} {
		if _, complete := s.collect(p); complete {
			t.Fatalf("complete after message %d", i)
		}
	}
	whole, complete := s.collect(part(7, 2, 3, c2))
	if !complete || len(whole.Containers) != 3 || len(whole.Specs) != 3 || whole.Rev != 7 {
		t.Errorf("complete %t, %+v", complete, whole)
	}
	if _, complete := s.collect(part(8, 0, 1, c1)); !complete {
		t.Error("a list in one part is not complete")
	}
}

func TestTelemetryIsToldOnChangeAndOnceAMinute(t *testing.T) {
	base := wire.Telemetry{CPUAllocatable: 4, CPUUsed: 1, MemoryAllocatable: 1000, MemoryUsed: 500, DiskAllocatable: 1000, DiskUsed: 100}
	for name, c := range map[string]struct {
		edit func(*wire.Telemetry)
		at   time.Duration
		want bool
	}{
		"nothing":           {func(*wire.Telemetry) {}, time.Second, false},
		"a little":          {func(n *wire.Telemetry) { n.CPUUsed = 1.3; n.MemoryUsed = 590; n.UptimeSeconds = 9 }, time.Second, false},
		"cpu":               {func(n *wire.Telemetry) { n.CPUUsed = 1.5 }, time.Second, true},
		"memory":            {func(n *wire.Telemetry) { n.MemoryUsed = 300 }, time.Second, true},
		"disk":              {func(n *wire.Telemetry) { n.DiskUsed = 250 }, time.Second, true},
		"what is given":     {func(n *wire.Telemetry) { n.MemoryAllocatable = 1001 }, time.Second, true},
		"a container":       {func(n *wire.Telemetry) { n.Containers++ }, time.Second, true},
		"nothing, a minute": {func(*wire.Telemetry) {}, time.Minute, true},
	} {
		var told toldTelemetry
		first := base
		if told.news(&first, 0) == nil {
			t.Fatal("the first is not told")
		}
		next := base
		c.edit(&next)
		if got := told.news(&next, c.at) != nil; got != c.want {
			t.Errorf("%s: told %t, want %t", name, got, c.want)
		}
	}
}
