package liveness

import (
	"sync"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

// Registry is the memory of the fleet: one Node each, and the gates. It is
// safe for concurrent use and never blocks on anything but itself.
type Registry struct {
	options Options
	wake    loop.Wake // something waits in changes, twins or holds
	flagged loop.Wake // a beat says something that placement depends on
	began   time.Time

	mu       sync.Mutex
	nodes    map[id.NodeID]*Node
	places   map[id.NodeID]id.ClusterID // of nodes that are in a cluster
	outages  map[id.ClusterID]Outage
	gates    Gates
	returned bool      // a silent node was heard since the last tick
	heard    time.Time // the newest heartbeat of any node
	orders   int       // how often a person held or released

	changes map[id.NodeID]Change
	twins   []Twins
	beats   map[id.NodeID]Beat
	holds   []HoldNews
	shown   []Hold // as they were last told
	moves   map[Move]int
}

// Options is what a registry needs.
type Options struct {
	Profile Profile // of nodes that are given no other
	Now     func() time.Time
	// Lease sends a lease. It is called under the registry's lock, so that no
	// lease overtakes the decision that ends it; it must not block.
	Lease func(id.NodeID, wire.Lease)
	// Authority is this controller's term, and whether it is the one that
	// leases and decides at that moment; nil: always. It must not block.
	Authority func(now time.Time) (term int64, ok bool)
	// Backlog reports whether messages of a node wait to be taken in, and
	// Oldest the age of the oldest of all nodes; nil: never any. Neither may
	// block, or call the registry.
	Backlog func(id.NodeID) bool
	Oldest  func(now time.Time) time.Duration
}

func (o *Options) complete() {
	if o.Authority == nil {
		o.Authority = func(time.Time) (int64, bool) { return 0, true }
	}
	if o.Backlog == nil {
		o.Backlog = func(id.NodeID) bool { return false }
	}
	if o.Oldest == nil {
		o.Oldest = func(time.Time) time.Duration { return 0 }
	}
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
	Profile   Profile       // the zero Profile: that of Options
	Window    time.Duration // the longest under which an earlier controller may have leased; 0: not said
	Flaps     Flaps
	DockerOK  bool
	GuardOK   bool
}

// NewRegistry makes a registry that has just begun to listen.
func NewRegistry(o Options) *Registry {
	o.complete()
	now := o.Now()
	return &Registry{
		options: o,
		wake:    loop.NewWake(),
		flagged: loop.NewWake(),
		began:   now,
		nodes:   map[id.NodeID]*Node{},
		places:  map[id.NodeID]id.ClusterID{},
		gates:   NewGates(now),
		changes: map[id.NodeID]Change{},
		beats:   map[id.NodeID]Beat{},
		moves:   map[Move]int{},
	}
}

// Woken is raised when there are news to Take.
func (r *Registry) Woken() loop.Wake { return r.wake }

// Flagged is raised when a node's engine or guard began to answer, or ceased
// to: its beat should be taken soon.
func (r *Registry) Flagged() loop.Wake { return r.flagged }

// Load takes in what was known before this process began. Nodes already
// heard stay as they are.
func (r *Registry) Load(known []Known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	r.began = now // a controller that stood by was deaf until now
	for _, k := range known {
		if k.Profile == (Profile{}) {
			k.Profile = r.options.Profile
		}
		n, heard := r.nodes[k.Node]
		if !heard {
			n = &Node{State: k.State, Since: k.Since, Reason: k.Reason, LastSeen: now, Pace: NewPace(k.Profile)}
			r.nodes[k.Node] = n
		}
		if n.State == fleet.NodeReturning {
			n.Since = now // it has all its time again
		}
		n.Rev, n.Acked, n.MachineID, n.Hostname = k.Rev, k.Acked, k.MachineID, k.Hostname
		n.Flaps, n.DockerOK, n.GuardOK = k.Flaps, k.DockerOK, k.GuardOK
		n.Pace = n.Pace.Inherit(k.Window, now)
		r.step(k.Node, n, Rearm{Margin: graceMargin, Lost: true}, now)
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
		n = &Node{State: fleet.NodeJoining, Since: now, LastSeen: now, Pace: NewPace(r.options.Profile)}
		r.nodes[node] = n
	}
	if h, is := e.(Heartbeat); is {
		h.Blameless = r.gates.held
		e = h
	}
	return r.step(node, n, e, now)
}

// step is called with the lock held.
func (r *Registry) step(node id.NodeID, n *Node, e Event, now time.Time) bool {
	before := *n
	next, effects := Step(before, e, now)
	*n = next
	counted := true
	for _, effect := range effects {
		switch effect := effect.(type) {
		case Lease:
			r.options.Lease(node, r.lease(n, effect, now))
		case Changed:
			r.changed(node, n, effect)
		case TwinFound:
			r.twins = append(r.twins, Twins{Node: node, Reason: effect.Reason})
			r.wake.Up()
		case Dropped, Refused:
			counted = false
		}
	}
	if h, ok := e.(Heartbeat); ok && counted {
		r.heard = now
		r.returned = r.returned || before.Lost() || before.Silence(now) > before.Pace.Watch(now).Suspect
		r.beat(Beat{
			Node: node, At: now, AppliedRev: h.AppliedRev, DockerOK: h.DockerOK, GuardOK: h.GuardOK, Offer: h.Offer, Busy: h.Busy,
		})
		if before.DockerOK != h.DockerOK || before.GuardOK != h.GuardOK {
			r.flagged.Up()
		}
	}
	return counted
}

// beat keeps the newest heartbeat, and the newest offer of any.
func (r *Registry) beat(b Beat) {
	if b.Offer == nil {
		b.Offer = r.beats[b.Node].Offer
	}
	if b.Busy == nil {
		b.Busy = r.beats[b.Node].Busy
	}
	r.beats[b.Node] = b
}

// lease makes the message of a lease. Only the controller that has the
// authority grants one; all others acknowledge.
func (r *Registry) lease(n *Node, l Lease, now time.Time) wire.Lease {
	term, authority := r.options.Authority(now)
	out := wire.Lease{
		Header: wire.Head(wire.TypeLease), Session: l.Session, Seq: l.Seq, Term: term,
		ControlTime: now.UnixMilli(), AckedOutbox: n.Acked,
	}
	if l.Seq == 0 {
		return out
	}
	p := n.Pace.Profile
	out.Rev = n.Rev
	out.NextHBMS = p.Heartbeat.Milliseconds()
	out.ResendMS = p.Resend.Milliseconds()
	if l.Granted && authority {
		out.LeaseMS = p.Lease.Milliseconds()
		out.SoftMS = p.Soft.Milliseconds()
	}
	return out
}

// Forget drops a node that was deleted.
func (r *Registry) Forget(node id.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.nodes, node)
	delete(r.places, node)
	delete(r.changes, node)
	delete(r.beats, node)
}
