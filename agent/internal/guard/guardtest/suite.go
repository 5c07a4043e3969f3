package guardtest

import (
	"errors"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// Harness is a node with a guard, and what a test of any guard does to it.
type Harness struct {
	Guard interface {
		Ping() error
		Expect(lease.Copy, lease.Term, guard.Start) error
		Bind(lease.Copy, guard.Init) error
		Renew([]guard.CopyAndTerm) error
		Release(lease.Copy) error
		State() ([]guard.Watched, error)
	}
	Now   func() time.Duration
	Run   func(lease.Copy) guard.Init // starts a container that hears no SIGTERM
	Alive func(lease.Copy) bool       // of what Run started last for the copy
	// Until waits for a level, in whatever time the guard lives.
	Until func(what string, holds func() bool)
}

// unit is what the leases of the suite are made of.
const unit = 200 * time.Millisecond

// Suite is what every guard keeps to. Each test has a harness of its own.
func Suite(t *testing.T, with func(*testing.T, func(*testing.T, Harness))) {
	for name, test := range map[string]func(*testing.T, Harness){
		"I1 a copy dies at the end of its lease":       diesInTime,
		"a renewed copy lives, and others die":         renewed,
		"nothing starts under a lease that is over":    overBefore,
		"what was killed is known, and may come again": comesAgain,
		"I5 a lease of another epoch renews nothing":   anotherEpoch,
		"what runs is not released":                    notReleased,
		"what is released is forgotten":                released,
	} {
		t.Run(name, func(t *testing.T) { with(t, test) })
	}
}

func (h Harness) term(c lease.Copy, units int) lease.Term {
	until := h.Now() + time.Duration(units)*unit
	return lease.Term{Epoch: c.Epoch, Soft: until - unit/2, Until: until}
}

func (h Harness) renew(t *testing.T, c lease.Copy, units int) {
	t.Helper()
	term := h.term(c, units)
	ok(t, h.Guard.Renew([]guard.CopyAndTerm{{Copy: c, Term: guard.Term{Soft: term.Soft, Until: term.Until}}}))
}

func (h Harness) start(t *testing.T, c lease.Copy, units int) lease.Term {
	t.Helper()
	term := h.term(c, units)
	ok(t, h.Guard.Expect(c, term, guard.Start{Signal: 15}))
	ok(t, h.Guard.Bind(c, h.Run(c)))
	return term
}

func (h Harness) watched(t *testing.T, c lease.Copy) (guard.Watched, bool) {
	t.Helper()
	all, err := h.Guard.State()
	ok(t, err)
	for _, w := range all {
		if w.Copy == c {
			return w, true
		}
	}
	return guard.Watched{}, false
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fresh() lease.Copy { return lease.Copy{Container: id.New[id.ContainerID](), Epoch: 3} }

// ages is a lease that no test outlives.
const ages = 100_000

func diesInTime(t *testing.T, h Harness) {
	c := fresh()
	term := h.start(t, c, 3)
	h.Until("its death", func() bool { return !h.Alive(c) })
	if h.Now() < term.Until {
		t.Error("it died before its lease was over")
	}
}

func renewed(t *testing.T, h Harness) {
	c, other := fresh(), fresh()
	h.start(t, c, 20)
	h.renew(t, c, ages)
	h.renew(t, c, 1) // never less
	h.start(t, other, 3)
	h.Until("the other's death", func() bool { return !h.Alive(other) })
	if w, _ := h.watched(t, c); !h.Alive(c) || w.Fenced {
		t.Errorf("it does not live: %+v", w)
	}
}

func overBefore(t *testing.T, h Harness) {
	c := fresh()
	var refusal guard.Refusal
	if err := h.Guard.Expect(c, h.term(c, 0), guard.Start{Signal: 15}); !errors.As(err, &refusal) {
		t.Errorf("got %v", err)
	}
	if _, known := h.watched(t, c); known {
		t.Error("it is watched")
	}
}

func comesAgain(t *testing.T, h Harness) {
	c := fresh()
	h.start(t, c, 2)
	h.Until("the guard's knowledge of its death", func() bool { w, _ := h.watched(t, c); return w.Dead })
	h.renew(t, c, ages)
	if w, _ := h.watched(t, c); !w.Fenced {
		t.Errorf("a lease brought it back: %+v", w)
	}
	h.start(t, c, ages)
	if w, _ := h.watched(t, c); w.Fenced || !h.Alive(c) {
		t.Errorf("it does not run again: %+v", w)
	}
}

func anotherEpoch(t *testing.T, h Harness) {
	c := fresh()
	h.start(t, c, 3)
	h.renew(t, lease.Copy{Container: c.Container, Epoch: c.Epoch + 1}, ages)
	h.Until("its death", func() bool { return !h.Alive(c) })
}

func notReleased(t *testing.T, h Harness) {
	c := fresh()
	h.start(t, c, ages)
	var refusal guard.Refusal
	if err := h.Guard.Release(c); !errors.As(err, &refusal) {
		t.Errorf("got %v", err)
	}
	if _, known := h.watched(t, c); !known {
		t.Error("it runs and is not watched")
	}
}

func released(t *testing.T, h Harness) {
	c := fresh()
	ok(t, h.Guard.Expect(c, h.term(c, ages), guard.Start{Signal: 15}))
	ok(t, h.Guard.Release(c))
	ok(t, h.Guard.Release(c))
	if _, known := h.watched(t, c); known {
		t.Error("it is still watched")
	}
	ok(t, h.Guard.Ping())
}
