package reign

import "time"

// tenure is the lease as its holder counts it. It is a value: times are of the
// controller's own clock.
type tenure struct {
	length time.Duration // asked for with the next renewal
	until  time.Time     // zero: none
}

// asking is called before a renewal is sent. From here on the row may hold the
// new lease whether we hear of it or not, so a shorter one counts at once.
func (t tenure) asking(sent time.Time) tenure {
	if end := sent.Add(countdown(t.length)); end.Before(t.until) {
		t.until = end
	}
	return t
}

// granted is called when the renewal that was sent at a moment has succeeded;
// next is the length of the one after it.
func (t tenure) granted(sent time.Time, next time.Duration) tenure {
	t.until, t.length = sent.Add(countdown(t.length)), next
	return t
}

// runs reports whether the lease runs. The wall clock must agree: the
// monotonic one stands still while a machine sleeps.
func (t tenure) runs(now time.Time) bool {
	return now.Before(t.until) && now.Round(0).Before(t.until.Round(0))
}
