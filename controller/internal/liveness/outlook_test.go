package liveness

import (
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// What is foretold is what happens: no earlier, and at the next look.
func TestNextIsWhenItHappens(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := Standard()
	for name, n := range map[string]Node{
		"healthy":            {State: fleet.NodeHealthy},
		"suspect":            {State: fleet.NodeSuspect},
		"suspect with grace": {State: fleet.NodeSuspect, GraceUntil: now.Add(3 * p.Window)},
		"returning":          {State: fleet.NodeReturning},
		"returning, heard":   {State: fleet.NodeReturning, Since: now.Add(10*time.Second - p.CatchUp)},
		"returning, seized":  {State: fleet.NodeReturning, Since: now.Add(10*time.Second - p.CatchUp), Seized: true},
	} {
		if n.Since.IsZero() {
			n.Since = now
		}
		n.LastSeen, n.Pace = now, NewPace(p)
		next, at := n.Next(now)
		if before, _ := Step(n, Tick{Open: true}, at.Add(-time.Millisecond)); before.State != n.State {
			t.Errorf("%s: it is %s at %s already", name, before.State, at.Sub(now))
		}
		if after, _ := Step(n, Tick{Open: true}, at.Add(time.Millisecond)); after.State != next {
			t.Errorf("%s: it is %s after %s, not %s", name, after.State, at.Sub(now), next)
		}
	}
	for _, state := range []fleet.NodeState{fleet.NodeJoining, fleet.NodeUnhealthy} {
		if next, at := (Node{State: state, LastSeen: now, Pace: NewPace(p)}).Next(now); next != "" || !at.IsZero() {
			t.Errorf("%s becomes %s at %s", state, next, at)
		}
	}
}
