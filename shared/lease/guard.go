package lease

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// Copy is one copy of a container: what runs of it under an epoch.
type Copy struct {
	Container id.ContainerID
	Epoch     int64
}

// The environment by which the processes of a copy are known when nobody else
// answers. Every container has the first three; the last says how an HA one
// is kept.
const (
	EnvContainer = "LORMAS_CONTAINER"
	EnvNode      = "LORMAS_NODE"
	EnvEpoch     = "LORMAS_EPOCH"
	EnvHA        = "LORMAS_HA"
)

// The values of EnvHA.
const (
	Available = "available"
	Exclusive = "exclusive"
)

// Watch is what the guard knows of a copy.
//
//	expected ──Soft──▶ asked ──Until──▶ fenced ──its processes are gone──▶ dead
//	   ▲                 │
//	   └──── renewed ◀───┘          what is fenced no lease brings back: it dies,
//	                                and is expected anew
type Watch struct {
	Soft, Until time.Duration // of CLOCK_BOOTTIME, as in Term
	Asked       bool          // to stop, since it was last renewed
	Fenced      bool          // its time is over: it is killed for as long as something of it lives
	Dead        bool          // it was fenced, and nothing of it lives
}

// Guard is the guard's record: every copy that may run, and those that it has
// killed. It is a value: each method returns the next.
type Guard map[Copy]Watch

// The reasons why the guard takes a copy not into its care.
var (
	ErrOver   = errors.New("the lease is over: nothing may start under it")
	ErrFenced = errors.New("an earlier run of this copy was killed and is not known to be dead yet")
)

// Expect takes a copy into care that is about to be started. One that is
// there already is renewed.
func (g Guard) Expect(c Copy, t Term, now time.Duration) (Guard, error) {
	w, known := g[c]
	switch {
	case now >= t.Until:
		return g, ErrOver
	case known && w.Fenced && !w.Dead:
		return g, ErrFenced
	case known && !w.Fenced:
		return g.Renew(c, t, now), nil
	}
	return g.with(c, Watch{Soft: t.Soft, Until: t.Until}), nil
}

// Renew gives a copy more time; never less, and none to one that is fenced or
// whose time had run out before the guard noticed.
func (g Guard) Renew(c Copy, t Term, now time.Duration) Guard {
	w, known := g[c]
	if !known || w.Fenced || now >= w.Until || t.Until <= w.Until {
		return g
	}
	w.Until, w.Soft = t.Until, max(w.Soft, t.Soft)
	w.Asked = w.Asked && now >= w.Soft
	return g.with(c, w)
}

// Gone notes that nothing of a copy lives. It matters only for one that is
// fenced: another may be about to start.
func (g Guard) Gone(c Copy) Guard {
	w, known := g[c]
	if !known || !w.Fenced {
		return g
	}
	w.Dead = true
	return g.with(c, w)
}

// Release ends the care for a copy. Called when the agent knows that it does
// not run, and that no start of it is under way.
func (g Guard) Release(c Copy) Guard {
	next := maps.Clone(g)
	delete(next, c)
	return next
}

// May reports whether a copy may run: what the record does not have may not.
func (g Guard) May(c Copy, now time.Duration) bool {
	w, known := g[c]
	return known && !w.Fenced && now < w.Until
}

// Deed is what the guard has to do to a copy.
type Deed string

// The deeds.
const (
	Ask  Deed = "ask"  // to stop: once, and whether it hears or not
	Kill Deed = "kill" // and again, until nothing of it lives
)

// Act is a deed and its copy.
type Act struct {
	Copy Copy
	Deed Deed
}

// Due is what has to be done at a moment, and the record as it is then.
func (g Guard) Due(now time.Duration) (Guard, []Act) {
	next := maps.Clone(g)
	var acts []Act
	for c, w := range g {
		switch {
		case w.Dead:
			continue
		case w.Fenced || now >= w.Until:
			w.Fenced = true
			acts = append(acts, Act{c, Kill})
		case !w.Asked && now >= w.Soft:
			w.Asked = true
			acts = append(acts, Act{c, Ask})
		}
		next[c] = w
	}
	slices.SortFunc(acts, func(a, b Act) int {
		return cmp.Or(-cmp.Compare(a.Deed, b.Deed), cmp.Compare(a.Copy.Container.String(), b.Copy.Container.String()), cmp.Compare(a.Copy.Epoch, b.Copy.Epoch))
	})
	return next, acts
}

// Again is how often a copy that is killed and not known to be dead is
// looked for: an engine that hung may complete its start late.
const Again = 100 * time.Millisecond

// Next is when the guard has to look again; false: not before it is told
// something.
func (g Guard) Next(now time.Duration) (at time.Duration, ok bool) {
	for _, w := range g {
		var due time.Duration
		switch {
		case w.Dead:
			continue
		case w.Fenced:
			due = now + Again
		case !w.Asked && w.Soft < w.Until:
			due = w.Soft
		default:
			due = w.Until
		}
		if !ok || due < at {
			at, ok = due, true
		}
	}
	return at, ok
}

func (g Guard) with(c Copy, w Watch) Guard {
	next := maps.Clone(g)
	if next == nil {
		next = Guard{}
	}
	next[c] = w
	return next
}
