package liveness

import (
	"maps"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Look is a copy of what is remembered of a node.
func (r *Registry) Look(node id.NodeID) (Node, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[node]
	if !ok {
		return Node{}, false
	}
	return *n, true
}

// Session is the session that the node's agent speaks now, if it is there
// and was greeted.
func (r *Registry) Session(node id.NodeID) (wire.Session, bool) {
	n, ok := r.Look(node)
	return n.Link.Session, ok && n.Link.Greeted
}

// Greeted lists the nodes whose agents are there and were greeted.
func (r *Registry) Greeted() []id.NodeID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []id.NodeID
	for node, n := range r.nodes {
		if n.Link.Greeted {
			out = append(out, node)
		}
	}
	return out
}

// States counts the nodes in each state.
func (r *Registry) States() map[fleet.NodeState]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[fleet.NodeState]int{}
	for _, n := range r.nodes {
		out[n.State]++
	}
	return out
}

// Move is a step from one state to another.
type Move struct{ From, To fleet.NodeState }

// Moves counts the steps that nodes took since this process began.
func (r *Registry) Moves() map[Move]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.moves)
}

// Fleet is what people are shown of the fleet as a whole.
type Fleet struct {
	Held   bool // no node at all is declared lost
	Kind   HoldKind
	Reason string // in words for people, with the way out
	Since  time.Time
	Holds  []Hold // all of them, also of single clusters

	Joined      int // nodes that an agent ever was on
	Talking     int
	Silent      int // not yet given up
	Lost        int
	Quarantined int
	Seized      int
	GraceUntil  time.Time // no node is declared lost before; zero: no grace runs
	Authority   bool      // this controller leases and decides
	Term        int64
	Open        bool // all gates let nodes be declared lost
}

// Fleet looks at the fleet as a whole.
func (r *Registry) Fleet() Fleet {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	var c Census
	f := Fleet{Holds: r.gates.Holds(), Open: r.gates.Open}
	for _, n := range r.nodes {
		c.add(n, now)
		f.count(n, now)
	}
	f.Joined, f.Talking, f.Silent, f.Lost = c.Joined, c.Talking, c.Silent, c.Joined-c.Watched
	f.Term, f.Authority = r.options.Authority(now)
	if h, held := r.gates.Held(); held {
		f.Held, f.Kind, f.Reason, f.Since = true, h.Kind, h.Reason, h.Since
	}
	return f
}

func (f *Fleet) count(n *Node, now time.Time) {
	if n.Flaps.Quarantined {
		f.Quarantined++
	}
	if n.Seized {
		f.Seized++
	}
	if now.Before(n.GraceUntil) && n.GraceUntil.After(f.GraceUntil) {
		f.GraceUntil = n.GraceUntil
	}
}

// Held is why no node is declared lost at the moment, or "".
func (r *Registry) Held() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	h, _ := r.gates.Held()
	return h.Reason
}
