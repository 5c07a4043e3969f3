package liveness

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// SetProfile gives a node its profile; it counts as Pace says.
func (r *Registry) SetProfile(node id.NodeID, p Profile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.profile(node, p, r.options.Now())
}

func (r *Registry) profile(node id.NodeID, p Profile, now time.Time) {
	if n, ok := r.nodes[node]; ok && n.Pace.Profile != p {
		r.step(node, n, Profiled{Profile: p}, now)
	}
}

// Grew says that a node's desired set has a new revision: from now on no
// lease renews what an older one has. False for a node that nobody knows.
func (r *Registry) Grew(node id.NodeID, rev int64) bool { return r.Hear(node, Grew{Rev: rev}) }

// Seize begins a decision about nodes that are silent, and answers those
// about which it may be taken: lost now, with all gates open. Until Yield,
// such a node is granted no lease and does not become healthy, so that it
// cannot come back between the decision and its commit. Seizing twice is
// seizing once: one caller at a time decides about a node.
func (r *Registry) Seize(nodes []id.NodeID) []id.NodeID {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	if _, ok := r.options.Authority(now); !ok {
		return nil
	}
	_, held := r.gates.Held()
	var seized []id.NodeID
	for _, node := range nodes {
		n, ok := r.nodes[node]
		if !ok {
			continue
		}
		r.step(node, n, Seize{Open: !held && !r.gates.SiteHeld(r.places[node])}, now)
		if n.Seized && n.Lost() {
			seized = append(seized, node)
		}
	}
	return seized
}

// Yield ends decisions: each node's revision is that of the commit, or, after
// one that failed, what the truth has. A node whose revision cannot be read
// stays seized.
func (r *Registry) Yield(revs map[id.NodeID]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	for node, rev := range revs {
		if n, ok := r.nodes[node]; ok {
			r.step(node, n, Yield{Rev: rev}, now)
		}
	}
}

// Seized lists the nodes that are decided about, whatever their state.
func (r *Registry) Seized() []id.NodeID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []id.NodeID
	for node, n := range r.nodes {
		if n.Seized {
			out = append(out, node)
		}
	}
	return out
}

// ConfirmDead takes a person's word that a node is dead: it is lost at once,
// and no gate but the controller's authority keeps it from being decided
// about. A node that talks is not dead.
func (r *Registry) ConfirmDead(node id.NodeID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	n, ok := r.nodes[node]
	if !ok {
		return fleet.Errorf(fleet.NotFound, "there is no node %s", node)
	}
	if _, authority := r.options.Authority(now); !authority {
		return fleet.Errorf(fleet.Unavailable, "this controller has no authority at the moment: try again in a while")
	}
	wait := n.Pace.Watch(now).Suspect - now.Sub(r.began)
	if wait > 0 && !n.Lost() && n.LastHeartbeat.IsZero() {
		return fleet.Errorf(fleet.Conflict, "the controller began a moment ago, and the node may be on its way back: try again in %s", roundly(wait))
	}
	next, effects := Step(*n, ConfirmDead{}, now)
	for _, e := range effects {
		if refused, is := e.(Refused); is {
			return fleet.Errorf(fleet.Conflict, "%s", refused.Why)
		}
	}
	*n = next
	for _, e := range effects {
		if c, is := e.(Changed); is {
			r.changed(node, n, c)
		}
	}
	return nil
}

// Forgive takes a person's word that a node is steady again, whatever it did.
func (r *Registry) Forgive(node id.NodeID) { r.Hear(node, Forgiven{}) }

// Hold keeps every node from being declared lost, on a person's word, until
// Release.
func (r *Registry) Hold(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders++
	r.tell(HoldOperator, held(reason))
}

func held(reason string) string {
	if reason != "" {
		reason = ": " + reason
	}
	return "held by an operator" + reason + "; POST /fleet/release ends it"
}

// Release ends a hold on a person's word: one that a person or a regressed
// ledger began, and that of the silence there is. All windows start anew.
func (r *Registry) Release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders++
	now := r.options.Now()
	r.gates = r.gates.Release(r.sight(false, now), now)
	r.tellHolds()
	r.rearm(Verdict{Rearm: true}, now)
}

// ProbeFailed says why the controller does not hear itself, or with "" that
// it does.
func (r *Registry) ProbeFailed(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell(HoldProbe, reason)
}

func (r *Registry) tell(kind HoldKind, reason string) {
	r.gates = r.gates.Tell(kind, reason, r.options.Now())
	r.tellHolds()
}

// Orders counts what persons said so far; see Settings.Orders.
func (r *Registry) Orders() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.orders
}

// Settings is what Postgres says of the fleet.
type Settings struct {
	Nodes   []Setting
	Outages map[id.ClusterID]Outage
	// Held, with its Reason, and Regressed are holds, Regressed "" for none. They
	// count only if no person said anything since Orders was asked: that is newer.
	Held      bool
	Reason    string
	Regressed string
	Orders    int
}

// Setting is where a node is and what it lives by.
type Setting struct {
	Node    id.NodeID
	Cluster id.ClusterID // zero: in none
	Profile Profile
}

// Settle takes in what Postgres says.
func (r *Registry) Settle(s Settings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	for _, n := range s.Nodes {
		r.profile(n.Node, n.Profile, now)
		if n.Cluster.IsZero() {
			delete(r.places, n.Node)
		} else {
			r.places[n.Node] = n.Cluster
		}
	}
	r.outages = s.Outages
	if s.Orders == r.orders {
		operator := ""
		if s.Held {
			operator = held(s.Reason)
		}
		r.tell(HoldOperator, operator)
		r.tell(HoldRegressed, s.Regressed)
	}
}

// Windows are those under which nodes may hold leases at the moment, of the
// nodes that are known.
func (r *Registry) Windows() map[id.NodeID]time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	out := make(map[id.NodeID]time.Duration, len(r.nodes))
	for node, n := range r.nodes {
		out[node] = n.Pace.Watch(now).Window
	}
	return out
}
