package liveness

import (
	"fmt"
	"time"
)

// graceMargin is what agents have to find their way back, above their window,
// to a controller that was blind.
const graceMargin = 15 * time.Second

// frozenGap between two ticks means that this process stood still: what it
// did not hear meanwhile says nothing about the nodes.
const frozenGap = 3 * time.Second

// massSilence is the share (one in massSilence) and massNodes the number of
// nodes whose common silence is more likely the controller's own fault.
const (
	massSilence = 2
	massNodes   = 3
)

// Gates keep a controller that may be blind from declaring nodes lost. They
// are a value: Tick returns their next state.
type Gates struct {
	Window     time.Duration // the longest window of any node
	GraceUntil time.Time
	LastTick   time.Time
	Held       string // why everything is held; "" when it is not
}

// NewGates is how a controller begins: knowing nothing.
func NewGates(window time.Duration, now time.Time) Gates {
	return Gates{Window: window, LastTick: now}.rearmed(now)
}

// Census is how the fleet sounds at the moment. Only nodes that once joined
// count; those given up count as joined alone.
type Census struct {
	Joined  int // including those given up
	Watched int // not given up
	Silent  int // of those watched
	Talking int
}

// Verdict is what the gates say on one tick.
type Verdict struct {
	Open  bool // nodes may be declared lost
	Rearm bool // every window starts anew
}

// Tick looks at the fleet. The hold is judged on every tick, also while
// Postgres is away and during grace: its end must never be missed.
func (g Gates) Tick(c Census, postgres bool, now time.Time) (Gates, Verdict) {
	gap := now.Sub(g.LastTick)
	g.LastTick = now
	wasHeld := g.Held != ""
	g.Held = c.hold()
	if gap > frozenGap || (wasHeld && g.Held == "") {
		return g.rearmed(now), Verdict{Rearm: true}
	}
	return g, Verdict{Open: postgres && g.Held == "" && !now.Before(g.GraceUntil)}
}

func (g Gates) rearmed(now time.Time) Gates {
	g.GraceUntil = now.Add(g.Window + graceMargin)
	return g
}

// hold is the reason to suspect ourselves, or "". A fleet of one is never
// held: nothing of it could be moved anywhere, and people want to be told.
func (c Census) hold() string {
	switch {
	case c.Joined > 1 && c.Silent > 0 && c.Talking == 0:
		return "no node at all is heard: the fault may be on the controller's side"
	case c.Silent >= massNodes && c.Silent*massSilence >= c.Watched:
		return fmt.Sprintf("%d of %d nodes fell silent together: the fault may be on the controller's side", c.Silent, c.Watched)
	}
	return ""
}

// add counts one node.
func (c *Census) add(n Node, p Profile, now time.Time) {
	if !n.Joined() {
		return
	}
	c.Joined++
	if n.Lost() {
		return
	}
	c.Watched++
	if n.Silence(now) > p.Suspect {
		c.Silent++
	} else if !n.LastHeartbeat.IsZero() {
		c.Talking++
	}
}
