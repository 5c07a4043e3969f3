package liveness

import "github.com/lormas/lormas/shared/lease"

// Profile is the set of numbers that a node lives by.
type Profile = lease.Profile

// Standard is the profile of a node that has no other.
func Standard() Profile { return lease.Standard() }
