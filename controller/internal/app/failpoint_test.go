package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// failpoint is a moment of the migrator's transactions at which something goes
// wrong, once. Its zero value only counts.
type failpoint struct {
	mu    sync.Mutex
	seen  map[string]int
	at    moment
	does  func() error // what goes wrong; an error is what the migrator meets
	fired bool
}

// moment is a step, when it is reached for the nth time.
type moment struct {
	step string
	nth  int
}

func (m moment) String() string { return fmt.Sprintf("%s, number %d", m.step, m.nth) }

func (m moment) committed() bool { return strings.HasSuffix(m.step, ": committed") }

var errMoment = errors.New("it ends here")

func (f *failpoint) before(step string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[step]++
	if f.fired || f.at != (moment{step, f.seen[step]}) {
		return nil
	}
	f.fired = true
	return f.does()
}

// arm sets it, and forgets what was counted.
func (f *failpoint) arm(at moment, does func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen, f.at, f.does, f.fired = map[string]int{}, at, does, false
}

func (f *failpoint) hasFired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired
}

// moments are those that differ for whoever goes on, of all that were reached
// since it was armed: before the commit, when all of the transaction is
// undone, and after it, when nobody has been told yet.
func (f *failpoint) moments() (out []moment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for step, times := range f.seen {
		if !strings.HasSuffix(step, ": commit") && !(moment{step: step}).committed() {
			continue
		}
		for nth := range min(times, most) {
			out = append(out, moment{step, nth + 1})
		}
	}
	slices.SortFunc(out, func(a, b moment) int { return cmp.Or(cmp.Compare(a.step, b.step), a.nth-b.nth) })
	return out
}

// most is how often a step of one course is taken for a moment of its own.
const most = 5
