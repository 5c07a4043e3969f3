package liveness

import (
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Change is a node's new state, to be recorded and told.
type Change struct {
	Node   id.NodeID
	From   fleet.NodeState // what people were last told
	State  fleet.NodeState
	Since  time.Time
	Reason string
	Flaps  Flaps
}

// Twins is the finding that two agents share a credential.
type Twins struct {
	Node   id.NodeID
	Reason string
}

// Beat is the newest heartbeat of a node that is not yet in Postgres.
type Beat struct {
	Node       id.NodeID
	At         time.Time
	AppliedRev int64
	DockerOK   bool
	GuardOK    bool
	Offer      *spec.Resources // nil: as before
	Busy       []spec.Port     // that others on the machine listen on; nil: as before
}

// News is what is to be recorded and told.
type News struct {
	Changes []Change
	Twins   []Twins
	Holds   []HoldNews
}

// changed keeps the newest state of a node until it is recorded; From stays
// what people were last told.
func (r *Registry) changed(node id.NodeID, n *Node, c Changed) {
	if c.From != c.To {
		r.moves[Move{From: c.From, To: c.To}]++
	}
	from := c.From
	if waiting, ok := r.changes[node]; ok {
		from = waiting.From
	}
	r.changes[node] = Change{Node: node, From: from, State: n.State, Since: n.Since, Reason: n.Reason, Flaps: n.Flaps}
	r.wake.Up()
}

// Take hands out the news, once, in the order of the nodes.
func (r *Registry) Take() News {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := News{Twins: r.twins, Holds: r.holds}
	for _, c := range r.changes {
		news.Changes = append(news.Changes, c)
	}
	slices.SortFunc(news.Changes, func(a, b Change) int { return slices.Compare(a.Node[:], b.Node[:]) })
	r.twins, r.holds = nil, nil
	clear(r.changes)
	return news
}

// Return puts changes back that could not be recorded. What happened since
// is newer and stays.
func (r *Registry) Return(changes []Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		if newer, ok := r.changes[c.Node]; ok {
			newer.From = c.From
			c = newer
		}
		r.changes[c.Node] = c
	}
}

// TakeBeats hands out the heartbeats that came since it was last called.
func (r *Registry) TakeBeats() []Beat {
	r.mu.Lock()
	defer r.mu.Unlock()
	beats := make([]Beat, 0, len(r.beats))
	for _, b := range r.beats {
		beats = append(beats, b)
	}
	clear(r.beats)
	return beats
}

// Recheck has the state of a node recorded again: one that was deleted is
// found out by that.
func (r *Registry) Recheck(node id.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n, ok := r.nodes[node]; ok {
		r.changed(node, n, Changed{From: n.State, To: n.State})
	}
}
