package liveness

import (
	"math"
	"time"
)

// Flap damping (FAILOVER §3.5): whoever comes and goes collects penalty, which
// halves with time. Above the limit a node is given nothing.
const (
	penaltyLost    = 1000
	penaltySuspect = 200
	penaltyHalf    = 15 * time.Minute
	quarantineOver = 2500
	releaseUnder   = 750
	stretchMost    = 4
)

// Flaps is the penalty of a node, as it was at a moment.
type Flaps struct {
	Penalty     float64
	At          time.Time
	Quarantined bool
}

// Level is what is left of the penalty.
func (f Flaps) Level(now time.Time) float64 {
	if f.Penalty <= 0 {
		return 0
	}
	halves := max(0, now.Sub(f.At).Seconds()) / penaltyHalf.Seconds()
	return f.Penalty * math.Exp2(-halves)
}

// Add is a further flap. It may begin a quarantine.
func (f Flaps) Add(points float64, now time.Time) Flaps {
	level := f.Level(now) + points
	return Flaps{Penalty: level, At: now, Quarantined: f.Quarantined || level > quarantineOver}
}

// Released reports whether the node of a quarantine was steady for long
// enough.
func (f Flaps) Released(now time.Time) bool { return f.Quarantined && f.Level(now) < releaseUnder }

// Stretch is how many of its windows a node has: more of them are always
// safe, and keep what flaps from being moved about.
func (f Flaps) Stretch(now time.Time) time.Duration {
	switch {
	case !f.Quarantined:
		return 1
	case f.Level(now) > 2*quarantineOver:
		return stretchMost
	}
	return 2
}
