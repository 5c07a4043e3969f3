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
		if got := c.census.hold() != ""; got != c.held {
			t.Errorf("%s: held is %t", name, got)
		}
	}
}

// tick lets one second go by after another, as the loop does.
func tick(g Gates, c Census, from, to int) (Gates, Verdict) {
	var v Verdict
	for s := from; s <= to; s++ {
		g, v = g.Tick(c, true, at(float64(s)))
	}
	return g, v
}

func TestGates(t *testing.T) {
	quiet := Census{Joined: 3, Watched: 3, Silent: 1, Talking: 2}
	mass := Census{Joined: 3, Watched: 3, Silent: 3}

	g := NewGates(30*time.Second, start)
	if g, v := tick(g, quiet, 1, 44); v.Open {
		t.Errorf("open %s before the grace ends", g.GraceUntil.Sub(at(44)))
	}
	g, v := tick(g, quiet, 1, 45)
	if !v.Open {
		t.Error("closed after the grace")
	}
	if _, v := g.Tick(quiet, false, at(46)); v.Open {
		t.Error("open without Postgres")
	}
	if _, v := g.Tick(quiet, true, at(48)); !v.Open {
		t.Error("a gap of 3 s closed the gates")
	}
	frozen, v := g.Tick(quiet, true, at(48.1))
	if v.Open || !v.Rearm {
		t.Errorf("after a freeze: %+v", v)
	}
	if _, v := frozen.Tick(quiet, true, at(49)); v.Open || v.Rearm {
		t.Errorf("a second after a freeze: %+v", v)
	}
	held, v := tick(g, mass, 46, 200)
	if v.Open || held.Held == "" {
		t.Error("open while everybody is silent")
	}
	over, v := held.Tick(quiet, true, at(201))
	if v.Open || !v.Rearm || over.Held != "" {
		t.Errorf("at the end of a hold: %+v", v)
	}
	if _, v := tick(over, quiet, 202, 245); v.Open {
		t.Error("no new grace after a hold")
	}
	if _, v := tick(over, quiet, 202, 246); !v.Open {
		t.Error("closed for good after a hold")
	}
}

// clock is a time that a test moves on.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) pass(r *Registry, seconds int) {
	for range seconds {
		c.now = c.now.Add(time.Second)
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
	if !r.Hear(node, Heartbeat{Conn: 1, Session: first, Seq: 9, AppliedRev: 7}) {
		t.Fatal("a heartbeat did not count")
	}
	want := []wire.Lease{{
		Header: wire.Head(wire.TypeLease), Session: first, Seq: 9, Rev: 7, LeaseMS: 25000, NextHBMS: 10000, ResendMS: 2000,
		ControlTime: start.UnixMilli(), AckedOutbox: 3,
	}}
	if d := cmp.Diff(want, leases); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Beat{{Node: node, At: start, AppliedRev: 7}}, r.TakeBeats()); d != "" {
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
	want = []Change{{Node: node, From: fleet.NodeHealthy, State: fleet.NodeHealthy, Since: start}}
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

func BenchmarkHeartbeat(b *testing.B) {
	r := NewRegistry(Options{Profile: Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
	node := id.New[id.NodeID]()
	r.Hear(node, Connected{Conn: 1})
	b.ReportAllocs()
	for b.Loop() {
		r.Hear(node, Heartbeat{Conn: 1, Session: first, Seq: 1})
	}
}
