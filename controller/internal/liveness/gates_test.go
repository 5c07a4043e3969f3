package liveness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

func TestHold(t *testing.T) {
	for name, c := range map[string]struct {
		census Census
		held   bool
	}{
		"nobody there":            {Census{}, false},
		"all talk":                {Census{Joined: 4, Watched: 4, Talking: 4}, false},
		"one of two silent":       {Census{Joined: 2, Watched: 2, Silent: 1, Talking: 1}, false},
		"the only node":           {Census{Joined: 1, Watched: 1, Silent: 1}, false},
		"both silent":             {Census{Joined: 2, Watched: 2, Silent: 2}, true},
		"the last of two":         {Census{Joined: 2, Watched: 1, Silent: 1}, true},
		"nobody left to watch":    {Census{Joined: 2}, false},
		"two of four":             {Census{Joined: 4, Watched: 4, Silent: 2, Talking: 2}, false},
		"three of six":            {Census{Joined: 6, Watched: 6, Silent: 3, Talking: 3}, true},
		"three of seven":          {Census{Joined: 7, Watched: 7, Silent: 3, Talking: 4}, false},
		"those lost do not count": {Census{Joined: 100, Watched: 6, Silent: 3, Talking: 3}, true},
	} {
		if got := c.census.suspicious() != ""; got != c.held {
			t.Errorf("%s: held is %t", name, got)
		}
	}
}

// gates is the gates and what happened to them.
type gates struct {
	*testing.T
	Gates
	last Verdict
}

func newGates(t *testing.T) *gates {
	t.Helper()
	return &gates{T: t, Gates: NewGates(start)}
}

// see lets time go by in tenths of a second with the same sight.
func (g *gates) see(in Sight, from, to float64) *gates {
	for s := from; s <= to; s += 0.1 {
		g.Gates, g.last = g.Gates.Tick(in, at(s))
	}
	return g
}

func (g *gates) want(open, rearm bool, what string) *gates {
	g.Helper()
	if g.last.Open != open || g.last.Rearm != rearm {
		g.Errorf("%s: %+v, held %v", what, g.last, g.Holds())
	}
	return g
}

func sight(c Census) Sight {
	return Sight{Census: c, Postgres: true, Authority: true, Longest: 30 * time.Second}
}

var (
	quiet = Census{Joined: 4, Watched: 4, Silent: 1, Talking: 3}
	many  = Census{Joined: 4, Watched: 4, Silent: 3, Talking: 1}
	all   = Census{Joined: 4, Watched: 4, Silent: 4}
)

func TestGatesThatClose(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Sight)
		open  bool
	}{
		"nothing":                  {func(*Sight) {}, true},
		"Postgres is away":         {func(in *Sight) { in.Postgres = false }, false},
		"no authority":             {func(in *Sight) { in.Authority = false }, false},
		"unread messages":          {func(in *Sight) { in.Backlog = time.Second }, false},
		"a little behind":          {func(in *Sight) { in.Backlog = time.Second / 2 }, true},
		"many are silent":          {func(in *Sight) { in.Census = many }, false},
		"everybody is silent":      {func(in *Sight) { in.Census = all }, false},
		"few of many others":       {func(in *Sight) { in.Census = Census{Joined: 9, Watched: 9, Silent: 4, Talking: 5} }, true},
		"Postgres and all silence": {func(in *Sight) { in.Census, in.Postgres = all, false }, false},
	} {
		in := sight(quiet)
		c.spoil(&in)
		newGates(t).see(in, 0.1, 1).want(c.open, false, name)
	}
}

func TestEveryHoldEndsWithNewWindows(t *testing.T) {
	for kind, begin := range map[HoldKind]func(*gates){
		HoldOperator:  func(g *gates) { g.Gates = g.Tell(HoldOperator, "x", at(1)) },
		HoldRegressed: func(g *gates) { g.Gates = g.Tell(HoldRegressed, "x", at(1)) },
		HoldProbe:     func(g *gates) { g.Gates = g.Tell(HoldProbe, "x", at(1)) },
		HoldSilence:   func(g *gates) { g.see(sight(all), 1, 1) },
	} {
		g := newGates(t)
		begin(g)
		in := sight(quiet)
		if kind == HoldSilence {
			in = sight(all)
		}
		g.see(in, 1.1, 5).want(false, false, "held by "+string(kind))
		if h, _ := g.Held(); h.Kind != kind || h.Reason == "" || !h.Since.Equal(at(1)) {
			t.Errorf("%s: the hold is %+v", kind, h)
		}
		g.Gates = g.Tell(kind, "", at(5))
		g.see(sight(quiet), 5.1, 5.1).want(false, true, "the end of "+string(kind))
		g.see(sight(quiet), 5.2, 5.2).want(true, false, "after "+string(kind))
	}
}

// The end of a hold must be seen also while Postgres is away.
func TestAHoldIsJudgedWithoutPostgres(t *testing.T) {
	in := sight(all)
	in.Postgres = false
	g := newGates(t).see(in, 0.1, 5)
	in.Census = quiet
	g.see(in, 5.1, 5.1).want(false, true, "the nodes are back and Postgres is not")
}

func TestAMassSilenceWithoutProgressIsGivenUp(t *testing.T) {
	g := newGates(t).see(sight(many), 1, 120).want(false, false, "before its time")
	g.see(sight(many), 120.1, 121.2)
	if _, held := g.Held(); held {
		t.Fatal("held for ever")
	}
	// The windows begin anew: for a while nobody counts as silent.
	g.see(sight(Census{Joined: 4, Watched: 4, Talking: 1}), 121.3, 136).want(true, false, "after the hold")
	g.see(sight(many), 136.1, 300).want(true, false, "the same silence")
	g.see(sight(all), 300.1, 300.1).want(false, false, "a worse silence")

	back := sight(many)
	back.Returned = true
	g = newGates(t).see(sight(many), 1, 100).see(back, 100.1, 100.1).see(sight(many), 100.2, 219).want(false, false, "a node came back meanwhile")
	g.see(sight(many), 219.1, 221).want(true, false, "its clock ran out, too")

	newGates(t).see(sight(all), 1, 3600).want(false, false, "nobody talks")
}

func TestAnOperatorReleasesASilence(t *testing.T) {
	g := newGates(t).see(sight(all), 1, 10).want(false, false, "held")
	g.Gates = g.Gates.Release(sight(all), at(10))
	g.see(sight(all), 10.1, 10.1).want(false, true, "released").see(sight(all), 10.2, 100).want(true, false, "and not held again")
	g.Gates = g.Tell(HoldProbe, "deaf", at(100)).Release(sight(quiet), at(100))
	if h, held := g.Held(); !held || h.Kind != HoldProbe {
		t.Error("a person talked the controller out of being deaf")
	}
}

func TestAuthorityThatComesBackKnowsNothing(t *testing.T) {
	in := sight(quiet)
	in.Authority = false
	g := newGates(t).see(in, 0.1, 5)
	g.see(sight(quiet), 5.1, 5.1).want(false, true, "another controller may have led")
	if !g.last.Lost {
		t.Error("nodes that were lost may have been leased again")
	}
}

func TestSiteOutage(t *testing.T) {
	site := id.New[id.ClusterID]()
	in := func(o Outage, site3 Census) Sight {
		s := sight(Census{Joined: 20, Watched: 20, Silent: site3.Silent, Talking: 20 - site3.Silent})
		s.Sites, s.Outages = map[id.ClusterID]Census{site: site3}, map[id.ClusterID]Outage{site: o}
		return s
	}
	out, well := Census{Joined: 5, Watched: 5, Silent: 4, Talking: 1}, Census{Joined: 5, Watched: 5, Silent: 3, Talking: 2}
	hold, after := Outage{Name: "b", Policy: fleet.OutageHold}, Outage{Name: "b", Policy: fleet.OutageFailoverAfter, After: time.Minute}

	g := newGates(t).see(in(Outage{Policy: fleet.OutageFailover}, out), 1, 5)
	if g.SiteHeld(site) {
		t.Error("held against its policy")
	}
	g = newGates(t).see(in(hold, out), 1, 3600).want(true, false, "other clusters go on")
	if !g.SiteHeld(site) {
		t.Error("not held for good")
	}
	g.see(in(hold, well), 3600.1, 3600.1)
	if g.SiteHeld(site) || len(g.last.Reopen) != 1 {
		t.Errorf("after the outage: %+v", g.last)
	}
	g = newGates(t).see(in(after, out), 1, 60)
	if !g.SiteHeld(site) {
		t.Error("given up before its time")
	}
	g.see(in(after, out), 60.1, 61.2)
	if g.SiteHeld(site) {
		t.Error("held after its time")
	}
	g.see(in(after, Census{Joined: 5, Watched: 5, Talking: 1}), 61.3, 80).see(in(after, out), 80.1, 300)
	if g.SiteHeld(site) {
		t.Error("the same outage is held again")
	}
}

func TestLimiter(t *testing.T) {
	var l Limiter
	l = l.Refill(100, start)
	if got := l.Take(100); got != lostBurst {
		t.Errorf("a burst of %d in a small fleet", got)
	}
	l = l.Refill(100, at(1))
	if got := l.Take(100); got != lostPerSecond {
		t.Errorf("%d in a second", got)
	}
	l = Limiter{}.Refill(10000, start)
	if got := l.Take(1000); got != 200 {
		t.Errorf("a burst of %d in a large fleet", got)
	}
}

func TestFrozen(t *testing.T) {
	for _, c := range []struct {
		gap, window time.Duration
		frozen      bool
		margin      time.Duration
	}{
		{2 * time.Second, 30 * time.Second, false, 0},
		{3 * time.Second, 30 * time.Second, false, 0},
		{3001 * time.Millisecond, 30 * time.Second, true, graceMargin},
		{time.Second, 5 * time.Second, false, 0},
		{1300 * time.Millisecond, 5 * time.Second, true, 2600 * time.Millisecond},
		{400 * time.Millisecond, 1500 * time.Millisecond, true, 800 * time.Millisecond},
		{100 * time.Millisecond, 1500 * time.Millisecond, false, 0},
	} {
		margin, frozen := Frozen(c.gap, c.window)
		if frozen != c.frozen || frozen && margin != c.margin {
			t.Errorf("a gap of %s with a window of %s: %t, %s", c.gap, c.window, frozen, margin)
		}
	}
}

// clock is a time that a test moves on.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) pass(r *Registry, seconds int) {
	for range seconds * 10 {
		c.now = c.now.Add(100 * time.Millisecond)
		r.Tick(true)
	}
}

func newRegistry(c *clock, leases *[]wire.Lease) *Registry {
	return NewRegistry(Options{Profile: Standard(), Now: c.Now, Lease: func(_ id.NodeID, l wire.Lease) { *leases = append(*leases, l) }})
}

func TestRegistry(t *testing.T) {
	c := &clock{now: start}
	var leases []wire.Lease
	r := newRegistry(c, &leases)
	node, other := id.New[id.NodeID](), id.New[id.NodeID]()
	r.Load([]Known{{Node: node, State: fleet.NodeHealthy, Rev: 7, Acked: 3}, {Node: other, State: fleet.NodeHealthy}})
	for i, n := range []id.NodeID{node, other} {
		r.Hear(n, Connected{Conn: uint64(i)})
	}
	r.Hear(node, Connected{Conn: 1})
	if !r.Hear(node, Heartbeat{Conn: 1, Session: first, Seq: 9, AppliedRev: 7, GuardOK: true}) {
		t.Fatal("a heartbeat did not count")
	}
	want := []wire.Lease{{
		Header: wire.Head(wire.TypeLease), Session: first, Seq: 9, Rev: 7, LeaseMS: 25000, SoftMS: 20000, NextHBMS: 10000, ResendMS: 2000,
		ControlTime: start.UnixMilli(), AckedOutbox: 3,
	}}
	if d := cmp.Diff(want, leases); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Beat{{Node: node, At: start, AppliedRev: 7, GuardOK: true}}, r.TakeBeats()); d != "" {
		t.Error(d)
	}
	if got := r.TakeBeats(); len(got) != 0 {
		t.Errorf("a heartbeat was handed out twice: %v", got)
	}
	if r.Hear(id.New[id.NodeID](), Heartbeat{Conn: 1}) {
		t.Error("a node that nobody knows counted")
	}
}

func TestChangesComeTogether(t *testing.T) {
	c := &clock{now: start}
	r := newRegistry(c, new([]wire.Lease))
	node := id.New[id.NodeID]()
	r.Load([]Known{{Node: node, State: fleet.NodeHealthy}})
	r.Hear(node, Connected{Conn: 1})
	r.Hear(node, Disconnected{Conn: 1, Reason: "connection lost"})
	taken := r.Take().Changes
	want := []Change{{Node: node, From: fleet.NodeHealthy, State: fleet.NodeSuspect, Since: start, Reason: "connection lost"}}
	if d := cmp.Diff(want, taken); d != "" {
		t.Fatal(d)
	}
	r.Hear(node, Connected{Conn: 2})
	r.Hear(node, Heartbeat{Conn: 2, Session: second})
	r.Return(taken) // could not be written
	want = []Change{{Node: node, From: fleet.NodeHealthy, State: fleet.NodeHealthy, Since: start, Flaps: Flaps{Penalty: penaltySuspect, At: start}}}
	if d := cmp.Diff(want, r.Take().Changes); d != "" {
		t.Error(d)
	}
}

// A controller that starts decides nothing before its agents had the time to
// come back, and then declares only the one lost that did not.
func TestAControllerThatStarts(t *testing.T) {
	c := &clock{now: start}
	r := newRegistry(c, new([]wire.Lease))
	gone, back := id.New[id.NodeID](), id.New[id.NodeID]()
	r.Load([]Known{{Node: gone, State: fleet.NodeHealthy}, {Node: back, State: fleet.NodeHealthy}})
	r.Hear(back, Connected{Conn: 1})
	state := func(n id.NodeID) fleet.NodeState {
		out, _ := r.Look(n)
		return out.State
	}
	for range 9 {
		r.Hear(back, Heartbeat{Conn: 1, Session: first})
		c.pass(r, 5)
		if c.now.Before(at(45)) && state(gone) == fleet.NodeUnhealthy {
			t.Fatalf("declared lost %s after the start", c.now.Sub(start))
		}
	}
	if state(gone) != fleet.NodeUnhealthy || state(back) != fleet.NodeHealthy {
		t.Errorf("after 45 s they are %s and %s", state(gone), state(back))
	}
}

func TestAFrozenController(t *testing.T) {
	c := &clock{now: start}
	r := newRegistry(c, new([]wire.Lease))
	nodes := []id.NodeID{id.New[id.NodeID](), id.New[id.NodeID]()}
	for i, n := range nodes {
		r.Load([]Known{{Node: n, State: fleet.NodeHealthy}})
		r.Hear(n, Connected{Conn: uint64(i + 1)})
	}
	for range 60 {
		for i, n := range nodes {
			r.Hear(n, Heartbeat{Conn: uint64(i + 1), Session: first})
		}
		c.pass(r, 1)
	}
	c.now = c.now.Add(time.Hour) // the timer fires before the heartbeats are read
	r.Tick(true)
	for _, n := range nodes {
		if got, _ := r.Look(n); got.State != fleet.NodeHealthy {
			t.Errorf("after a freeze a node is %s: %s", got.State, got.Reason)
		}
	}
}

// The line of a controller is cut while one node of four is lost already: two
// more fall silent, which is no mass, and of the third something comes late.
// What came before anybody was overdue is no word for the line any more.
func TestAVerdictNeedsALineThatCarries(t *testing.T) {
	c := &clock{now: start}
	r := newRegistry(c, new([]wire.Lease))
	var nodes []id.NodeID
	for i := range 4 {
		n := id.New[id.NodeID]()
		nodes = append(nodes, n)
		r.Load([]Known{{Node: n, State: fleet.NodeHealthy}})
		r.Hear(n, Connected{Conn: uint64(i + 1)})
	}
	hear := func(some ...int) {
		for _, i := range some {
			r.Hear(nodes[i], Heartbeat{Conn: uint64(i + 1), Session: first})
		}
	}
	lost := func() (list []int) {
		for i, n := range nodes {
			if got, _ := r.Look(n); got.State == fleet.NodeUnhealthy {
				list = append(list, i)
			}
		}
		return list
	}
	for range 10 {
		hear(0, 1, 2)
		c.pass(r, 10)
	}
	if d := cmp.Diff([]int{3}, lost()); d != "" {
		t.Fatal(d)
	}
	hear(1, 2)
	c.pass(r, 8)
	hear(0)
	c.pass(r, 8) // cut off
	hear(0)      // late
	c.pass(r, 60)
	if d := cmp.Diff([]int{3}, lost()); d != "" || r.Held() == "" {
		t.Errorf("the controller alone was cut off: held by %q, lost %s", r.Held(), d)
	}
	hear(0)
	c.pass(r, 10)
	if r.Held() != "" || len(lost()) != 1 {
		t.Errorf("somebody is heard again: held by %q, lost %v", r.Held(), lost())
	}
	for range 4 {
		hear(0)
		c.pass(r, 10)
	}
	if d := cmp.Diff([]int{1, 2, 3}, lost()); d != "" {
		t.Errorf("the line carries again, and two were not heard since: %s", d)
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	r := NewRegistry(Options{Profile: Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
	node := id.New[id.NodeID]()
	r.Hear(node, Connected{Conn: 1})
	b.ReportAllocs()
	for b.Loop() {
		r.Hear(node, Heartbeat{Conn: 1, Session: first, Seq: 1})
	}
}
