package lease_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

func copyOf(epoch int64) lease.Copy {
	return lease.Copy{Container: id.New[id.ContainerID](), Epoch: epoch}
}

func TestTheGuardAsksThenKillsUntilItIsDead(t *testing.T) {
	c := copyOf(3)
	g, err := lease.Guard(nil).Expect(c, lease.Term{Soft: 20, Until: 25}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		now  time.Duration
		deed lease.Deed
		next time.Duration
	}{
		{19, "", 20}, {20, lease.Ask, 25}, {24, "", 25},
		{25, lease.Kill, 25 + lease.Again}, {26, lease.Kill, 26 + lease.Again},
	} {
		var acts []lease.Act
		g, acts = g.Due(step.now)
		got := lease.Deed("")
		for _, a := range acts {
			got = a.Deed
		}
		if next, _ := g.Next(step.now); got != step.deed || next != step.next {
			t.Errorf("at %d: %q and then at %d, want %q and %d", step.now, got, next, step.deed, step.next)
		}
	}
	if g = g.Renew(c, lease.Term{Soft: 60, Until: 65}, 26); g.May(c, 26) {
		t.Error("a lease brought back what is being killed")
	}
	if _, err = g.Expect(c, lease.Term{Soft: 60, Until: 65}, 26); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("it may start beside the run that is not known to be dead: %v", err)
	}
	g = g.Gone(c)
	if _, due := g.Due(30); len(due) > 0 {
		t.Errorf("the dead are killed: %v", due)
	}
	if g, err = g.Expect(c, lease.Term{Soft: 60, Until: 65}, 30); err != nil || !g.May(c, 30) {
		t.Errorf("it may not start again: %v", err)
	}
}

func TestARenewalInTimeCallsTheAskingOff(t *testing.T) {
	c := copyOf(1)
	g, _ := lease.Guard(nil).Expect(c, lease.Term{Soft: 20, Until: 25}, 0)
	g, _ = g.Due(21)
	g = g.Renew(c, lease.Term{Soft: 40, Until: 45}, 22)
	if _, acts := g.Due(39); len(acts) > 0 {
		t.Errorf("before its time: %v", acts)
	}
	if _, acts := g.Due(40); len(acts) != 1 || acts[0].Deed != lease.Ask {
		t.Errorf("it is not asked again: %v", acts)
	}
	if late := g.Renew(c, lease.Term{Soft: 60, Until: 65}, 45); late.May(c, 45) {
		t.Error("a renewal that came when the time was over counts")
	}
}

func TestNothingStartsUnderALeaseThatIsOver(t *testing.T) {
	if _, err := lease.Guard(nil).Expect(copyOf(1), lease.Term{Soft: 20, Until: 25}, 25); !errors.Is(err, lease.ErrOver) {
		t.Errorf("got %v", err)
	}
	if lease.Guard(nil).May(copyOf(1), 0) {
		t.Error("what the record does not have may run")
	}
}

// Whatever the guard is told, in whatever order: at every moment at which the
// newest term that it was ever given for a copy is over, the copy is being
// killed or dead, and what it once killed is not left before it is dead.
func TestTheGuardOutlastsEveryStory(t *testing.T) {
	rapid.Check(t, guardStory)
}

func guardStory(t *rapid.T) {
	copies := []lease.Copy{copyOf(1), copyOf(2)}
	newest := map[lease.Copy]time.Duration{}
	var g lease.Guard
	now := time.Duration(0)
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		now += time.Duration(rapid.IntRange(0, 5).Draw(t, "passes"))
		c := rapid.SampledFrom(copies).Draw(t, "copy")
		until := time.Duration(rapid.IntRange(0, 80).Draw(t, "until"))
		term := lease.Term{Soft: until * 3 / 4, Until: until}
		before := g[c]
		switch rapid.SampledFrom([]string{"expect", "renew", "gone", "tick"}).Draw(t, "verb") {
		case "expect":
			g, _ = g.Expect(c, term, now)
			newest[c] = max(newest[c], until)
		case "renew":
			g = g.Renew(c, term, now)
			newest[c] = max(newest[c], until)
		case "gone":
			g = g.Gone(c)
		}
		if before.Fenced && !before.Dead && !g[c].Fenced {
			t.Fatalf("at %d %v was let go before it was dead", now, c)
		}
		var acts []lease.Act
		g, acts = g.Due(now)
		for watched, w := range g {
			if now >= newest[watched] && !w.Dead && !kills(acts, watched) {
				t.Fatalf("at %d %v outlives the newest term it had, %d: %+v", now, watched, newest[watched], w)
			}
			if kills(acts, watched) && g.May(watched, now) {
				t.Fatalf("at %d %v is killed and may run", now, watched)
			}
		}
		if at, ok := g.Next(now); ok && at <= now {
			t.Fatalf("at %d it has to look again at %d", now, at)
		}
	}
}

// The same, driven by bytes.
func FuzzGuard(f *testing.F) { f.Fuzz(rapid.MakeFuzz(guardStory)) }

func kills(acts []lease.Act, c lease.Copy) bool {
	for _, a := range acts {
		if a.Copy == c && a.Deed == lease.Kill {
			return true
		}
	}
	return false
}
