// Package guardtest has a guard in memory, for tests in which time is fake. It
// decides as the real one does, by shared/lease.Guard, and kills through a
// function, as there are no processes.
package guardtest

import (
	"errors"
	"sync"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/shared/lease"
)

// Fake is a guard. It starts no goroutine; it works by time.AfterFunc, also
// under testing/synctest. It outlives agents, as the real one does.
type Fake struct {
	clock func() time.Duration
	do    func(lease.Copy, lease.Deed)
	// Runs says whether what was bound of a copy still does; nil: it never
	// hinders a release.
	Runs func(lease.Copy) bool

	mu      sync.Mutex
	watched lease.Guard
	bound   map[lease.Copy]guard.Init
	timer   *time.Timer
	away    bool
}

// errAway is what a guard that does not answer answers.
var errAway = errors.New("the guard does not answer")

// errRuns is why a copy is not released.
var errRuns = errors.New("it still runs")

// New makes a guard. Do carries out a deed; it is called without locks.
func New(clock func() time.Duration, do func(lease.Copy, lease.Deed)) *Fake {
	return &Fake{clock: clock, do: do, bound: map[lease.Copy]guard.Init{}}
}

// Away has it answer nothing, or answer again. It counts on all the same.
func (f *Fake) Away(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// Forget is a guard that has died and left no record.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watched = nil
}

// Off ends it.
func (f *Fake) Off() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
	}
}

// change is a request that changes the record.
func (f *Fake) change(edit func(lease.Guard, time.Duration) (lease.Guard, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errAway
	}
	next, err := edit(f.watched, f.clock())
	if err != nil {
		return guard.Refusal(err.Error())
	}
	f.watched = next
	f.wind()
	return nil
}

// wind sets the timer; called with the lock.
func (f *Fake) wind() {
	if f.timer != nil {
		f.timer.Stop()
	}
	now := f.clock()
	if at, ok := f.watched.Next(now); ok {
		f.timer = time.AfterFunc(max(0, at-now), f.act)
	}
}

func (f *Fake) act() {
	f.mu.Lock()
	next, acts := f.watched.Due(f.clock())
	f.watched = next
	f.mu.Unlock()
	for _, a := range acts {
		f.do(a.Copy, a.Deed)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range acts {
		if _, bound := f.bound[a.Copy]; bound && a.Deed == lease.Kill {
			f.watched = f.watched.Gone(a.Copy)
		}
	}
	f.wind()
}

// Ping implements permit.Guard.
func (f *Fake) Ping() error {
	return f.change(func(g lease.Guard, _ time.Duration) (lease.Guard, error) { return g, nil })
}

// Expect implements permit.Guard.
func (f *Fake) Expect(c lease.Copy, t lease.Term, _ guard.Start) error {
	return f.change(func(g lease.Guard, now time.Duration) (lease.Guard, error) {
		next, err := g.Expect(c, t, now)
		if err == nil {
			delete(f.bound, c)
		}
		return next, err
	})
}

// Bind implements permit.Guard.
func (f *Fake) Bind(c lease.Copy, init guard.Init) error {
	return f.change(func(g lease.Guard, _ time.Duration) (lease.Guard, error) {
		f.bound[c] = init
		return g, nil
	})
}

// Renew implements permit.Guard.
func (f *Fake) Renew(terms []guard.CopyAndTerm) error {
	return f.change(func(g lease.Guard, now time.Duration) (lease.Guard, error) {
		for _, t := range terms {
			g = g.Renew(t.Copy, lease.Term{Epoch: t.Copy.Epoch, Soft: t.Term.Soft, Until: t.Term.Until}, now)
		}
		return g, nil
	})
}

// Release implements permit.Guard.
func (f *Fake) Release(c lease.Copy) error {
	return f.change(func(g lease.Guard, _ time.Duration) (lease.Guard, error) {
		if _, bound := f.bound[c]; bound && f.Runs != nil && f.Runs(c) {
			return g, errRuns
		}
		return g.Release(c), nil
	})
}

// State implements permit.Guard.
func (f *Fake) State() ([]guard.Watched, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errAway
	}
	var all []guard.Watched
	for c, w := range f.watched {
		all = append(all, guard.Watched{Copy: c, Term: guard.Term{Soft: w.Soft, Until: w.Until}, Asked: w.Asked, Fenced: w.Fenced, Dead: w.Dead})
	}
	return all, nil
}
