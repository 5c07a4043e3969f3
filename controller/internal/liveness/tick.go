package liveness

import (
	"slices"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// Tick lets time go by for every node, once all gates were asked. It is called
// ten times a second.
func (r *Registry) Tick(postgres bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Now()
	r.thaw(now)
	in := r.sight(postgres, now)
	r.returned = false
	gates, verdict := r.gates.Tick(in, now)
	r.gates = gates
	r.tellHolds()
	r.rearm(verdict, now)
	for _, node := range r.pass(verdict.Open, in.Census.Joined == 1, now) {
		r.step(node, r.nodes[node], Tick{Open: true}, now)
	}
}

// thaw starts the windows anew that a standstill of this process has torn.
func (r *Registry) thaw(now time.Time) {
	gap := now.Sub(r.gates.LastTick)
	if gap <= shortestGap {
		return
	}
	for node, n := range r.nodes {
		if margin, frozen := Frozen(gap, n.Pace.Watch(now).Window); frozen {
			r.step(node, n, Rearm{Margin: margin}, now)
		}
	}
}

// shortestGap is below every gap that counts, so that most ticks need not ask.
const shortestGap = 250 * time.Millisecond

// sight is what the gates are shown.
func (r *Registry) sight(postgres bool, now time.Time) Sight {
	in := Sight{
		Sites: make(map[id.ClusterID]Census, len(r.outages)), Outages: r.outages,
		Returned: r.returned, Postgres: postgres, Backlog: r.options.Oldest(now),
	}
	_, in.Authority = r.options.Authority(now)
	for node, n := range r.nodes {
		in.Census.add(n, now)
		in.Longest = max(in.Longest, n.Window(now))
		if cluster, ok := r.places[node]; ok {
			site := in.Sites[cluster]
			site.add(n, now)
			in.Sites[cluster] = site
		}
	}
	return in
}

func (r *Registry) rearm(v Verdict, now time.Time) {
	if !v.Rearm && len(v.Reopen) == 0 {
		return
	}
	for node, n := range r.nodes {
		if v.Rearm || slices.Contains(v.Reopen, r.places[node]) {
			r.step(node, n, Rearm{Margin: graceMargin, Lost: v.Lost}, now)
		}
	}
}

// pass lets time go by and answers which nodes may be declared lost now: the
// longest silent first, as many as the limiter lets.
func (r *Registry) pass(open, alone bool, now time.Time) []id.NodeID {
	var overdue []id.NodeID
	for node, n := range r.nodes {
		if n.idle(now) {
			continue
		}
		r.step(node, n, Tick{}, now)
		if open && n.Overdue(now) != "" && (alone || r.witnessed(n, now)) && r.read(node) {
			overdue = append(overdue, node)
		}
	}
	slices.SortFunc(overdue, func(a, b id.NodeID) int {
		if c := r.nodes[a].LastSeen.Compare(r.nodes[b].LastSeen); c != 0 {
			return c
		}
		return slices.Compare(a[:], b[:])
	})
	return overdue[:r.gates.Limiter.Take(len(overdue))]
}

// witnessed reports whether the line of this controller carries anything at
// the moment: somebody was heard within a beat of this node. Where nodes of
// short and of long windows live together, the short ones of a controller that
// is cut off would be given up before there are enough silent ones for a hold;
// so would those of a small fleet, if what another node sent before the cut
// came late. It delays a verdict until somebody speaks, and starts no window
// anew.
func (r *Registry) witnessed(n *Node, now time.Time) bool {
	watch := n.Pace.Watch(now)
	return now.Sub(r.heard) <= watch.Heartbeat+watch.Resend
}

// read reports whether all that a node said was taken in, and its cluster is
// not held.
func (r *Registry) read(node id.NodeID) bool {
	return !r.gates.SiteHeld(r.places[node]) && !r.options.Backlog(node)
}

// tellHolds compares the holds with those last told.
func (r *Registry) tellHolds() {
	holds := r.gates.Holds()
	for _, h := range holds {
		if !slices.ContainsFunc(r.shown, h.same) {
			r.holds = append(r.holds, HoldNews{Hold: h})
		}
	}
	for _, h := range r.shown {
		if !slices.ContainsFunc(holds, h.same) {
			r.holds = append(r.holds, HoldNews{Hold: h, Ended: true})
		}
	}
	if len(r.holds) > 0 {
		r.wake.Up()
	}
	r.shown = holds
}

func (h Hold) same(other Hold) bool {
	return h.Kind == other.Kind && h.Cluster == other.Cluster && h.Since.Equal(other.Since)
}
