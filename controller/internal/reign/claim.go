package reign

import (
	"time"

	"github.com/lormas/lormas/controller/internal/store"
)

// Claim is the pure half of a Reign, for one whose database is not real: the
// simulator. It is a value: each method returns the next.
type Claim struct {
	id     string
	fixed  time.Duration
	term   int64
	over   bool
	tenure tenure
}

// NewClaim is how a controller begins; fixed is as in Options.Lease.
func NewClaim(id string, fixed time.Duration) Claim {
	return Claim{id: id, fixed: fixed}
}

// Round is what a round has to do, within its transaction, and the length of
// the lease that it writes when it begins or renews a reign: all is as
// store.LockControllers answers it.
func (c Claim) Round(all []store.Controller) (begins, renews bool, length time.Duration, err error) {
	is, err := decide(self{id: c.id, term: c.term}, all)
	return is.move == begin, is.move == renew, lengthOf(c.fixed, is.move, c.id, all), err
}

// Writing is called before the lease is written.
func (c Claim) Writing(sent time.Time, length time.Duration) Claim {
	c.tenure = c.tenure.writing(sent, length)
	return c
}

// Granted is called when the transaction of a round that began or renewed the
// reign has succeeded.
func (c Claim) Granted(sent time.Time, term int64, length time.Duration) Claim {
	c.term, c.tenure = term, c.tenure.granted(sent, length)
	return c
}

// Deposed ends the claim.
func (c Claim) Deposed() Claim {
	c.over = true
	return c
}

// Term is that of the reign; 0 before it begins.
func (c Claim) Term() int64 { return c.term }

// Authority is that of Reign.
func (c Claim) Authority(now time.Time) (term int64, ok bool) {
	return c.term, c.term > 0 && !c.over && c.tenure.runs(now)
}

// Pause is the time to the next round.
func (c Claim) Pause() time.Duration { return pause(c.fixed) }
