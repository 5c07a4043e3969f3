package liveness

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Outlook is what is remembered of a node, and what becomes of it next if
// nothing is heard of it.
type Outlook struct {
	Node
	Window time.Duration   // of silence, as it counts now
	Next   fleet.NodeState // "": it stays what it is
	At     time.Time       // of Next, at the earliest
	Held   string          // why Next waits longer, or ""
}

// Outlook looks ahead for a node.
func (r *Registry) Outlook(node id.NodeID) (Outlook, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[node]
	if !ok {
		return Outlook{}, false
	}
	now := r.options.Now()
	o := Outlook{Node: *n, Window: n.Window(now)}
	o.Next, o.At = n.Next(now)
	if o.Next == fleet.NodeUnhealthy {
		o.Held = r.heldFor(node)
	}
	return o, true
}

// heldFor is why a node is not declared lost at the moment, whatever its
// silence.
func (r *Registry) heldFor(node id.NodeID) string {
	if h, held := r.gates.Held(); held {
		return h.Reason
	}
	return r.gates.Sites[r.places[node]].Hold.Reason
}

// Next is what the node becomes if nothing is heard of it, and when at the
// earliest. One that is lost, or never joined, stays so.
func (n Node) Next(now time.Time) (fleet.NodeState, time.Time) {
	watch := n.Pace.Watch(now)
	switch n.State {
	case fleet.NodeHealthy:
		return fleet.NodeSuspect, n.LastSeen.Add(watch.Suspect)
	case fleet.NodeSuspect:
		return fleet.NodeUnhealthy, later(n.LastSeen.Add(n.Window(now)), n.GraceUntil)
	case fleet.NodeReturning:
		lost := n.LastSeen.Add(n.Window(now))
		if late := n.Since.Add(watch.CatchUp); !n.Seized && late.Before(lost) {
			lost = late
		}
		return fleet.NodeUnhealthy, later(lost, n.GraceUntil)
	case fleet.NodeJoining, fleet.NodeUnhealthy:
	}
	return "", time.Time{}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
