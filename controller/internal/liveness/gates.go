package liveness

import (
	"maps"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// graceMargin is what agents have to find their way back, above their window,
// to a controller that was blind. It does not shrink with a window: the
// agents of all profiles pause for 10 s at most between two rounds over their
// controllers, and wait 5 s for one that stands still. The proof of FAILOVER §6.3 only needs the window itself.
const graceMargin = 15 * time.Second

// frozenGap between two ticks means that this process stood still: what it
// did not hear meanwhile says nothing about the nodes. For a node with a short
// window, a quarter of that is a standstill already.
const (
	frozenGap   = 3 * time.Second
	frozenShare = 4
)

// staleMail is the age of a waiting message above which this process is
// behind: a backlog is not silence.
const staleMail = time.Second

// Gates keep a controller that may be blind from declaring nodes lost. They
// are a value: Tick returns their next state.
type Gates struct {
	LastTick  time.Time
	Authority bool
	Told      map[HoldKind]Hold // by a person, the probe, the ledger; never changed in place
	Silence   Silence
	Sites     map[id.ClusterID]Silence
	Limiter   Limiter
	Open      bool // as the last tick found
	held      bool // the fleet, as the last tick found
}

// NewGates is how a controller begins: knowing nothing.
func NewGates(now time.Time) Gates { return Gates{LastTick: now, Authority: true} }

// Verdict is what the gates say on one tick.
type Verdict struct {
	Open   bool           // nodes may be declared lost, but those of clusters that are held
	Rearm  bool           // every window starts anew
	Lost   bool           // also for nodes that are lost: another controller may have led meanwhile
	Reopen []id.ClusterID // these clusters are no longer held: their windows start anew
}

// Frozen reports whether a node with that window must not be judged after so
// long a gap between two ticks, and the margin that it gets. Short gaps do not
// send agents away, so that little is enough after them.
func Frozen(gap, window time.Duration) (margin time.Duration, frozen bool) {
	if gap > frozenGap {
		return graceMargin, true
	}
	return 2 * gap, gap > window/frozenShare
}

// HoldNews is a hold that began or ended.
type HoldNews struct {
	Hold
	Ended bool
}

// Tell sets or ends a hold that is told, not judged. One that goes on keeps
// its beginning.
func (g Gates) Tell(kind HoldKind, reason string, now time.Time) Gates {
	told := maps.Clone(g.Told)
	if told == nil {
		told = map[HoldKind]Hold{}
	}
	h, on := told[kind]
	switch {
	case reason == "":
		delete(told, kind)
	case on:
		h.Reason = reason
		told[kind] = h
	default:
		told[kind] = Hold{Kind: kind, Reason: reason, Since: now}
	}
	g.Told = told
	return g
}

// Holds lists what holds, the gravest first, clusters last.
func (g Gates) Holds() []Hold {
	var list []Hold
	for _, kind := range HoldKinds {
		if h, on := g.Told[kind]; on {
			list = append(list, h)
		}
	}
	if g.Silence.Hold.On() {
		list = append(list, g.Silence.Hold)
	}
	for _, s := range g.Sites {
		if s.Hold.On() {
			list = append(list, s.Hold)
		}
	}
	return list
}

// Held is the gravest hold of the whole fleet.
func (g Gates) Held() (Hold, bool) {
	for _, h := range g.Holds() {
		if h.Kind != HoldSite {
			return h, true
		}
	}
	return Hold{}, false
}

// SiteHeld reports whether a cluster is held.
func (g Gates) SiteHeld(cluster id.ClusterID) bool { return g.Sites[cluster].Hold.On() }

// Tick looks at the fleet. The holds are judged on every tick, also while
// Postgres is away and during grace: their end must never be missed.
func (g Gates) Tick(in Sight, now time.Time) (Gates, Verdict) {
	var v Verdict
	regained := in.Authority && !g.Authority
	g.LastTick, g.Authority = now, in.Authority
	if in.Returned {
		g.Silence.Progress = now
	}
	g.Silence = g.Silence.judge(fleetGrounds(in, now), now)
	g, v.Reopen = g.judgeSites(in, now)
	g.Limiter = g.Limiter.Refill(in.Census.Joined, now)
	was := g.held
	_, g.held = g.Held()
	v.Rearm = regained || was && !g.held
	v.Lost = regained
	v.Open = !v.Rearm && !g.held && in.Postgres && in.Authority && in.Backlog < staleMail
	g.Open = v.Open
	return g, v
}

// judgeSites also answers the clusters whose hold ended.
func (g Gates) judgeSites(in Sight, now time.Time) (Gates, []id.ClusterID) {
	var ended []id.ClusterID
	sites := map[id.ClusterID]Silence{}
	for cluster := range in.Sites {
		before := g.Sites[cluster]
		after := before.judge(siteGrounds(cluster, in, now), now)
		if before.Hold.On() && !after.Hold.On() {
			ended = append(ended, cluster)
		}
		if after.Hold.On() || after.Passed > 0 {
			sites[cluster] = after
		}
	}
	g.Sites = sites
	return g, ended
}

// Release ends what a person may end: a hold that was told by one, that of a
// ledger that regressed, and every silence as it is now. A controller that
// does not hear itself cannot be talked out of that.
func (g Gates) Release(in Sight, now time.Time) Gates {
	g = g.Tell(HoldOperator, "", now).Tell(HoldRegressed, "", now)
	until := now.Add(in.Longest + graceMargin)
	if g.Silence.Hold.On() {
		g.Silence = g.Silence.pass(in.Census.Silent, until)
	}
	sites := maps.Clone(g.Sites)
	for cluster, s := range sites {
		if s.Hold.On() {
			sites[cluster] = s.pass(in.Sites[cluster].Silent, until)
		}
	}
	g.Sites = sites
	return g
}
