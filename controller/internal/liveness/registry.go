package liveness

import (
	"sync"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Registry is the memory of the fleet: one Node each, and the gates. It is
// safe for concurrent use and never blocks on anything but itself.
type Registry struct {
	options Options
	wake    loop.Wake // something waits in changes, twins or lost

	mu       sync.Mutex
	nodes    map[id.NodeID]Node
	gates    Gates
	changes  map[id.NodeID]Change
	twins    []Twins
	beats    map[id.NodeID]Beat
	holdNews []string
}

// Options is what a registry needs.
type Options struct {
	Profile Profile
	Now     func() time.Time
	// Lease sends a lease. It is called under the registry's lock, so that no
	// lease overtakes the decision that ends it; it must not block.
	Lease func(id.NodeID, wire.Lease)
}

// Known is what Postgres remembers of a node at the start.
type Known struct {
	Node      id.NodeID
	State     fleet.NodeState
	Since     time.Time
	Reason    string
	Rev       int64
	Acked     uint64
	MachineID string
	Hostname  string
}

// Change is a node's new state, to be recorded and told.
type Change struct {
	Node   id.NodeID
	From   fleet.NodeState // what people were last told
	State  fleet.NodeState
	Since  time.Time
	Reason string
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
	Offer      *spec.Resources // nil: as before
}

// NewRegistry makes a registry that has just begun to listen.
func NewRegistry(o Options) *Registry {
	return &Registry{
		options: o,
		wake:    loop.NewWake(),
		nodes:   map[id.NodeID]Node{},
		gates:   NewGates(o.Profile.Window, o.Now()),
		changes: map[id.NodeID]Change{},
		beats:   map[id.NodeID]Beat{},
	}
}

// Woken is raised when there are news to Take.
func (r *Registry) Woken() loop.Wake { return r.wake }

// Load takes in what was known before this process began. Nodes already
// heard stay as they are.
func (r *Registry) Load(known []Known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	for _, k := range known {
		n, heard := r.nodes[k.Node]
		if !heard {
			n = Node{State: k.State, Since: k.Since, Reason: k.Reason, LastSeen: now}
		}
		if n.State == fleet.NodeReturning {
			n.Since = now // it has all its time again
		}
		n.Rev, n.Acked, n.MachineID, n.Hostname = k.Rev, k.Acked, k.MachineID, k.Hostname
		r.nodes[k.Node] = n
	}
}

// Hear takes an event in and reports whether it counted: false for a message
// of a session that is over.
func (r *Registry) Hear(node id.NodeID, e Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[node]
	now := r.options.Now()
	if !ok {
		if _, is := e.(Connected); !is {
			return false // deleted, or never here
		}
		n = Node{State: fleet.NodeJoining, Since: now, LastSeen: now}
	}
	return r.step(node, n, e, now)
}

// step is called with the lock held.
func (r *Registry) step(node id.NodeID, n Node, e Event, now time.Time) bool {
	next, effects := Step(n, e, now, r.options.Profile)
	r.nodes[node] = next
	counted := true
	for _, effect := range effects {
		switch effect := effect.(type) {
		case Lease:
			r.options.Lease(node, r.lease(next, effect, now))
		case Changed:
			r.changed(node, next, effect)
		case TwinFound:
			r.twins = append(r.twins, Twins{Node: node, Reason: effect.Reason})
			r.wake.Up()
		case Dropped:
			counted = false
		}
	}
	if h, ok := e.(Heartbeat); ok && counted {
		r.beat(Beat{Node: node, At: now, AppliedRev: h.AppliedRev, Offer: h.Offer})
	}
	return counted
}

// beat keeps the newest heartbeat, and the newest offer of any.
func (r *Registry) beat(b Beat) {
	if b.Offer == nil {
		b.Offer = r.beats[b.Node].Offer
	}
	r.beats[b.Node] = b
}

func (r *Registry) lease(n Node, l Lease, now time.Time) wire.Lease {
	out := wire.Lease{
		Header: wire.Head(wire.TypeLease), Session: l.Session, Seq: l.Seq,
		ControlTime: now.UnixMilli(), AckedOutbox: n.Acked,
	}
	if l.Seq == 0 {
		return out
	}
	out.Rev = n.Rev
	out.NextHBMS = r.options.Profile.Heartbeat.Milliseconds()
	out.ResendMS = r.options.Profile.Resend.Milliseconds()
	if l.Granted {
		out.LeaseMS = r.options.Profile.Lease.Milliseconds()
	}
	return out
}

// changed keeps the newest state of a node until it is recorded; From stays
// what people were last told.
func (r *Registry) changed(node id.NodeID, n Node, c Changed) {
	from := c.From
	if waiting, ok := r.changes[node]; ok {
		from = waiting.From
	}
	r.changes[node] = Change{Node: node, From: from, State: n.State, Since: n.Since, Reason: n.Reason}
	r.wake.Up()
}

// Tick lets time go by for every node, once all gates were asked.
func (r *Registry) Tick(postgres bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	var census Census
	for _, n := range r.nodes {
		census.add(n, r.options.Profile, now)
	}
	held := r.gates.Held
	gates, verdict := r.gates.Tick(census, postgres, now)
	r.gates = gates
	if (held == "") != (gates.Held == "") {
		r.holdNews = append(r.holdNews, gates.Held)
	}
	var event Event = Tick{Open: verdict.Open}
	if verdict.Rearm {
		event = Rearm{}
	}
	for node, n := range r.nodes {
		r.step(node, n, event, now)
	}
}

// News is what is to be recorded and told.
type News struct {
	Changes []Change
	Twins   []Twins
	Holds   []string // each the reason of a hold that began, or "" for one that ended
}

// Take hands out the news, once.
func (r *Registry) Take() News {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := News{Twins: r.twins, Holds: r.holdNews}
	for _, c := range r.changes {
		news.Changes = append(news.Changes, c)
	}
	r.twins, r.holdNews = nil, nil
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

// Forget drops a node that was deleted.
func (r *Registry) Forget(node id.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.nodes, node)
	delete(r.changes, node)
	delete(r.beats, node)
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

// Look is a copy of what is remembered of a node.
func (r *Registry) Look(node id.NodeID) (Node, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.nodes[node]
	return n, ok
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

// Held is why no node is declared lost at the moment, or "".
func (r *Registry) Held() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gates.Held
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
