package lease

import (
	"maps"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// Term is how long one copy of an exclusive container may run. Times are of
// CLOCK_BOOTTIME, which goes on while the machine sleeps and which nobody sets.
type Term struct {
	Epoch int64
	Soft  time.Duration // asked to stop from here on
	Until time.Duration // dead from here on
}

// Ack is an acknowledged heartbeat.
type Ack struct {
	SentAt time.Duration // when the heartbeat was sent that it answers
	Rev    int64         // the newest revision of the node's desired set
	Lease  time.Duration // 0: none is granted
	Soft   time.Duration
}

// Claims are the exclusive containers that a desired set of a revision wants
// running, with their epochs.
type Claims struct {
	Rev  int64 // accepted, that is, written down
	Runs map[id.ContainerID]int64
}

// Holder is the leases of one node. It is a value: Renew returns the next.
type Holder map[id.ContainerID]Term

// Renew is what an acknowledgement makes of the leases. One of another
// revision than the accepted set renews nothing.
func (h Holder) Renew(a Ack, c Claims) Holder {
	if a.Lease <= 0 || a.Rev != c.Rev {
		return h
	}
	next := maps.Clone(h)
	if next == nil {
		next = Holder{}
	}
	for container, epoch := range c.Runs {
		t := next[container]
		if t.Epoch > epoch {
			continue
		}
		if t.Epoch < epoch {
			t = Term{Epoch: epoch}
		}
		t.Soft, t.Until = max(t.Soft, a.SentAt+a.Soft), max(t.Until, a.SentAt+a.Lease)
		next[container] = t
	}
	return next
}

// Holds reports whether a copy may run at a moment.
func (h Holder) Holds(container id.ContainerID, epoch int64, now time.Duration) bool {
	t, ok := h[container]
	return ok && t.Epoch == epoch && now < t.Until
}

// MayStart reports whether a copy may be started at a moment: while it would
// not be asked to stop at once. What is left of the lease then is for a start
// that takes its time.
func (h Holder) MayStart(container id.ContainerID, epoch int64, now time.Duration) bool {
	return h.Holds(container, epoch, now) && now < h[container].Soft
}

// Tidy forgets leases that are over and of which nothing runs.
func (h Holder) Tidy(now time.Duration, runs func(id.ContainerID) bool) Holder {
	next := Holder{}
	for container, t := range h {
		if now < t.Until || runs(container) {
			next[container] = t
		}
	}
	return next
}
