package liveness

import "time"

const (
	lostPerSecond = 5
	lostBurst     = 10
	lostShare     = 50 // one in lostShare of the fleet is a burst, too
)

// Limiter bounds how fast nodes are given up: a fault that all gates miss
// does not take the fleet down at once.
type Limiter struct {
	Tokens float64
	At     time.Time
}

// Refill adds what time brought, for a fleet of a size.
func (l Limiter) Refill(fleet int, now time.Time) Limiter {
	burst := float64(max(lostBurst, fleet/lostShare))
	if l.At.IsZero() {
		return Limiter{Tokens: burst, At: now}
	}
	tokens := l.Tokens + max(0, now.Sub(l.At).Seconds())*lostPerSecond
	return Limiter{Tokens: min(burst, tokens), At: now}
}

// Take hands out as many of n as there are tokens.
func (l *Limiter) Take(n int) int {
	n = min(n, int(l.Tokens))
	l.Tokens -= float64(n)
	return n
}
