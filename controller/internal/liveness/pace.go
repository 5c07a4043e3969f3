package liveness

import (
	"time"

	"github.com/lormas/lormas/shared/lease"
)

// Profile is the set of numbers that a node lives by.
type Profile = lease.Profile

// Standard is the profile of a node that has no other.
func Standard() Profile { return lease.Standard() }

// Pace is the profile of a node, and the one before it while leases that were
// given under that one may still run: they promise the older, longer window.
type Pace struct {
	Profile   Profile // what the agent is told
	Exclusive bool    // whether it keeps the inequality
	Before    Profile
	Until     time.Time // Before is watched up to here; zero: there was none
}

// NewPace is the pace of a node that had no other profile.
func NewPace(p Profile) Pace { return Pace{Profile: p, Exclusive: p.Exclusive() == nil} }

// Watch is the profile whose silences count at a moment.
func (c Pace) Watch(now time.Time) Profile {
	if now.Before(c.Until) {
		return c.Before
	}
	return c.Profile
}

// Change gives the node another profile. A longer window counts at once; a
// shorter one when the longest lease that was given is over.
func (c Pace) Change(p Profile, now time.Time) Pace {
	if p == c.Profile {
		return c
	}
	next, watched := NewPace(p), c.Watch(now)
	if p.Window < watched.Window {
		next.Before, next.Until = watched, now.Add(watched.Window)
	}
	return next
}

// Inherit is the pace of a node of which an earlier controller wrote down
// under which window it gave leases.
func (c Pace) Inherit(window time.Duration, now time.Time) Pace {
	if window <= c.Watch(now).Window {
		return c
	}
	c.Before, c.Until = c.Profile, now.Add(window)
	c.Before.Window, c.Before.Suspect = window, max(c.Profile.Suspect, window/2)
	return c
}
