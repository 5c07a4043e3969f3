package reign

import "time"

// tenure is the lease as its holder counts it. It is a value: times are of the
// controller's own clock.
type tenure struct {
	until time.Time // zero: none
}

// writing is called before a lease of that length is written, in the round
// that began at a moment. From here on the row may hold it whether we hear of
// that or not, so a shorter one counts at once.
func (t tenure) writing(sent time.Time, length time.Duration) tenure {
	if end := sent.Add(countdown(length)); end.Before(t.until) {
		t.until = end
	}
	return t
}

// granted is called when the transaction of that round has succeeded.
func (t tenure) granted(sent time.Time, length time.Duration) tenure {
	t.until = sent.Add(countdown(length))
	return t
}

// runs reports whether the lease runs. The wall clock must agree: the
// monotonic one stands still while a machine sleeps.
func (t tenure) runs(now time.Time) bool {
	return now.Before(t.until) && now.Round(0).Before(t.until.Round(0))
}
