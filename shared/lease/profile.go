package lease

import (
	"errors"
	"fmt"
	"time"
)

// Profile is the set of numbers that a node lives by. The agent is told its
// part of them with every lease, so a profile changes without touching agents.
type Profile struct {
	Name      string
	Heartbeat time.Duration // between two heartbeats
	Resend    time.Duration // of a heartbeat that was not acknowledged
	Suspect   time.Duration // silence after which a node is no target any more
	Window    time.Duration // silence after which a node may be declared lost
	Soft      time.Duration // after the send time of the last acknowledged heartbeat: exclusive containers are asked to stop
	Lease     time.Duration // after the same: they are killed
	Kill      time.Duration // the longest that killing takes
	Wakeup    time.Duration // how late the guard may notice
	CatchUp   time.Duration // how long a returning node has to get in sync
	Drift     float64       // the error of a clock's rate
}

// The names of the profiles. Custom ones have a window of their own.
const (
	NameStandard = "standard"
	NameFast     = "fast"
	NameLAN      = "lan"
	NameMetered  = "metered"
	NameCustom   = "custom"
)

// Bounds of a custom window.
const (
	MinWindow = 1500 * time.Millisecond
	MaxWindow = time.Hour
)

const (
	drift   = 0.001
	catchUp = time.Minute
)

// Standard is the profile of a node that has no other.
func Standard() Profile {
	return Profile{
		Name: NameStandard, Heartbeat: 10 * time.Second, Resend: 2 * time.Second, Suspect: 15 * time.Second, Window: 30 * time.Second,
		Soft: 20 * time.Second, Lease: 25 * time.Second, Kill: 3 * time.Second, Wakeup: 500 * time.Millisecond,
		CatchUp: catchUp, Drift: drift,
	}
}

// Fast is for nodes behind a good line.
func Fast() Profile {
	return Profile{
		Name: NameFast, Heartbeat: 2 * time.Second, Resend: 500 * time.Millisecond, Suspect: 4 * time.Second, Window: 8 * time.Second,
		Soft: 3500 * time.Millisecond, Lease: 5 * time.Second, Kill: 2 * time.Second, Wakeup: 500 * time.Millisecond,
		CatchUp: catchUp, Drift: drift,
	}
}

// LAN is for nodes in one room with their controller.
func LAN() Profile {
	return Profile{
		Name: NameLAN, Heartbeat: time.Second, Resend: 250 * time.Millisecond, Suspect: 2500 * time.Millisecond, Window: 5 * time.Second,
		Soft: 2200 * time.Millisecond, Lease: 3 * time.Second, Kill: 1500 * time.Millisecond, Wakeup: 300 * time.Millisecond,
		CatchUp: catchUp, Drift: drift,
	}
}

// Metered is for nodes that pay for every byte.
func Metered() Profile {
	return Profile{
		Name: NameMetered, Heartbeat: time.Minute, Resend: 10 * time.Second, Suspect: 90 * time.Second, Window: 180 * time.Second,
		Soft: 150 * time.Second, Lease: 165 * time.Second, Kill: 3 * time.Second, Wakeup: 500 * time.Millisecond,
		CatchUp: 3 * catchUp, Drift: drift,
	}
}

// Custom derives a profile from a window: everything else is a share of it,
// and the lease is the longest that the inequality allows, with a tenth of the
// window as slack. Where nothing is left for a lease, Exclusive says so.
func Custom(window time.Duration) Profile {
	p := Profile{
		Name: NameCustom, Heartbeat: window / 5, Resend: max(window/20, 75*time.Millisecond), Suspect: window / 2, Window: window,
		Kill: min(window/4, 3*time.Second), Wakeup: min(window/16, 500*time.Millisecond), CatchUp: max(catchUp, window), Drift: drift,
	}
	p.Kill, p.Wakeup = max(p.Kill, time.Second), max(p.Wakeup, 200*time.Millisecond)
	left := time.Duration(float64(window)/(1+drift)) - p.Kill - p.Wakeup - window/10
	p.Lease = max(0, time.Duration(float64(left)*(1-drift)))
	p.Soft = p.Lease * 3 / 4
	return p
}

// Named is the profile of a name; window counts for a custom one only.
func Named(name string, window time.Duration) (Profile, error) {
	switch name {
	case "", NameStandard:
		return Standard(), nil
	case NameFast:
		return Fast(), nil
	case NameLAN:
		return LAN(), nil
	case NameMetered:
		return Metered(), nil
	case NameCustom:
		if window < MinWindow || window > MaxWindow {
			return Profile{}, fmt.Errorf("a window of %s is out of bounds: choose between %s and %s", window, MinWindow, MaxWindow)
		}
		return Custom(window), nil
	}
	return Profile{}, fmt.Errorf("%.20q is not a profile: use standard, fast, lan, metered or custom", name)
}

// minBeats is how many heartbeats a lease must be long for, so that one that
// is lost fences nothing.
const minBeats = 2

// Exclusive reports whether exclusive containers may run under this profile:
// nil, or the arithmetic that speaks against it.
func (p Profile) Exclusive() error {
	have := time.Duration(float64(p.Window) / (1 + p.Drift)).Round(time.Millisecond)
	need := (time.Duration(float64(p.Lease)/(1-p.Drift)) + p.Wakeup + p.Kill).Round(time.Millisecond)
	var faults []error
	if have < need {
		faults = append(faults, fmt.Errorf(
			"the window is too short for the lease: %s / %.3f = %s must be at least %s / %.3f + %s + %s = %s",
			p.Window, 1+p.Drift, have, p.Lease, 1-p.Drift, p.Wakeup, p.Kill, need))
	}
	if least := minBeats * p.Heartbeat; p.Lease < least {
		faults = append(faults, fmt.Errorf(
			"a window of %s leaves a lease of %s (%s less %s to notice, %s to kill and slack), and it must span %d heartbeats of %s = %s",
			p.Window, p.Lease.Round(time.Millisecond), have, p.Wakeup, p.Kill, minBeats, p.Heartbeat, least))
	}
	return errors.Join(faults...)
}
