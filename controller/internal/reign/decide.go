package reign

import (
	"errors"
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/lease"
)

const (
	// awaited is the lease while somebody waits for its end, alone the one
	// while nobody does.
	awaited = 15 * time.Second
	alone   = 5 * time.Minute
	// standbyFor is how long a controller that was seen counts as standing by.
	standbyFor = 30 * time.Second
	// longestRound is the pause between two rounds; leases that are shorter
	// than five of them are renewed more often.
	longestRound  = 3 * time.Second
	roundsInLease = 5
	// forgottenAfter is for controllers that are gone for good.
	forgottenAfter = 7 * 24 * time.Hour
)

// MinLease is the shortest lease that can be asked for.
const MinLease = time.Second

// ErrDeposed is why a reign has ended that another one follows.
var ErrDeposed = store.ErrDeposed

// ErrTwin is the finding that another process uses this controller's identity.
var ErrTwin = errors.New("another controller uses the identity of this one")

// ErrKey is the finding that the controllers of one database sign with
// different keys.
var ErrKey = errors.New("the signing key is not that of the other controllers")

// self is what a process knows of itself.
type self struct {
	id         string
	term       int64 // of its reign; 0: it has not reigned yet
	key        string
	replaceKey bool
}

// move is what a round has to do.
type move int

const (
	standBy move = iota
	begin
	renew
)

// verdict is the outcome of a look at all controllers.
type verdict struct {
	move   move
	active store.Controller // standBy: who reigns
}

// decide is the whole rule. It is pure. all is as LockControllers answers it:
// the newest reign first.
func decide(me self, all []store.Controller) (verdict, error) {
	if err := checkKey(me, all); err != nil {
		return verdict{}, err
	}
	var newest store.Controller
	if len(all) > 0 {
		newest = all[0]
	}
	if me.term > 0 {
		return verdict{move: renew}, continues(me, newest)
	}
	for _, c := range all {
		if c.LeaseLeft > 0 && c.ID != me.id {
			return verdict{move: standBy, active: c}, nil
		}
	}
	return verdict{move: begin}, nil
}

// continues says whether a reign is still the newest.
func continues(me self, newest store.Controller) error {
	switch {
	case newest.ID == me.id && newest.Term == me.term:
		return nil
	case newest.ID == me.id && newest.Term > me.term:
		return fmt.Errorf("%w (%s, term %d after our %d): its state directory was copied; remove controller.id from one of the two and start that again",
			ErrTwin, me.id, newest.Term, me.term)
	case newest.Term < me.term:
		return fmt.Errorf("%w, or the database was restored: its newest term is %d, and ours is %d", ErrDeposed, newest.Term, me.term)
	}
	return fmt.Errorf("%w: %s at %s, term %d after our %d", ErrDeposed, newest.ID, newest.URL, newest.Term, me.term)
}

// checkKey compares signing keys. A controller that is alone with a new key is
// believed: its credentials have ended, and that is its owner's wish.
func checkKey(me self, all []store.Controller) error {
	for _, c := range all {
		if c.ID == me.id || c.SigningKey == "" || c.SigningKey == me.key || me.replaceKey && c.LeaseLeft <= 0 {
			continue
		}
		return fmt.Errorf("%w: ours is %s, that of %s (%s, last seen %s ago) is %s: copy its signing.key here (--signing-key); "+
			"or, to end all sessions and node credentials, stop every other controller and start this one once with --replace-signing-key",
			ErrKey, me.key, c.ID, c.URL, c.Unseen.Round(time.Second), c.SigningKey)
	}
	return nil
}

// lengthOf is how long a lease should be, given who else is there. A reign
// begins with the short one: controllers are often started one after another.
func lengthOf(fixed time.Duration, m move, me string, all []store.Controller) time.Duration {
	if fixed > 0 {
		return fixed
	}
	for _, c := range all {
		if c.ID != me && c.Unseen < standbyFor {
			return awaited
		}
	}
	if m == begin {
		return awaited
	}
	return alone
}

// countdown is how much of a lease may be counted on our own clock, which may
// be slow while Postgres' is fast.
func countdown(length time.Duration) time.Duration {
	drift := lease.Standard().Drift
	return time.Duration(float64(length) * (1 - drift) / (1 + drift))
}

// pause is the time between two rounds; fixed is as in Options.Lease.
func pause(fixed time.Duration) time.Duration {
	if fixed > 0 {
		return min(longestRound, fixed/roundsInLease)
	}
	return longestRound
}
