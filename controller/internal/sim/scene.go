package sim

import (
	"math/rand/v2"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

// A scene is a history whose weather is written by hand. Some rules are missed
// only when several things happen in one order, within a second or two, which
// chance hardly ever brings about. A seed still says how long everything
// takes.
type scene struct {
	name        string
	controllers int
	length      time.Duration
	open        bool // it does not end well by itself: a person has to decide
	play        func(w *World)
}

// Act plays a scene, or with "" the history of a seed. It ends with the first
// violation.
func Act(name string, seed uint64, rules Rules, trace func(string)) Outcome {
	for _, s := range scenes {
		if s.name == name {
			w := newStage(s, seed, rules, trace)
			s.play(w)
			return w.play(s.length)
		}
	}
	return Run(seed, rules, trace)
}

// newStage makes a fleet without weather: four nodes, each with an exclusive
// container that fills a quarter of it.
func newStage(s scene, seed uint64, rules Rules, trace func(string)) *World {
	w := &World{seed: seed, rules: rules, rng: rand.New(rand.NewPCG(seed, 1)), trace: trace, keys: map[id.NodeID]time.Duration{}, quiet: true, open: s.open}
	w.rules.profile = lease.Standard()
	w.check = &checker{w: w}
	w.db = &database{w: w, up: true, clock: clock{rate: 1}, rows: &rows{w: w}}
	for i := range s.controllers {
		w.addController(i, 1)
	}
	for i := range 4 {
		w.addNode(i, 1)
	}
	for i := range w.nodes {
		w.create(fleet.Exclusive, 2<<30, i)
	}
	w.begin()
	return w
}

// create is a person who makes a container on a node.
func (w *World) create(policy fleet.HAPolicy, memory spec.Bytes, on int) *container {
	row := &containerRow{Container: fleet.Container{
		ID: w.newID(), Name: "c" + string(rune('1'+len(w.check.cast))), Epoch: 1, Generation: 1, Power: spec.Running, Type: fleet.HA,
		HAPolicy: policy, MigrationStatus: fleet.MigrationIdle,
		Spec: spec.Container{Resources: spec.Resources{CPU: 100, Memory: memory}},
	}}
	w.put(row, w.db.rows.nodes[on])
	return row.who
}

// leave says how much room is left on each node.
func (w *World) leave(room ...spec.Bytes) {
	for i, n := range w.db.rows.nodes {
		n.offer.Memory = n.reserved.Memory + room[min(i, len(room)-1)]
	}
}

// when has something happen as soon as a condition holds.
func (w *World) when(holds func() bool, do func()) {
	if holds() {
		do()
		return
	}
	w.after(5*time.Millisecond, func() { w.when(holds, do) })
}

// sever cuts a node off, mend ends that.
func (n *node) sever() { n.path.upCut, n.path.downCut = true, true }
func (n *node) mend()  { n.path.upCut, n.path.downCut = false, false }

// has reports whether a controller has a node as such.
func (c *controller) has(n *node, s fleet.NodeState) func() bool {
	return func() bool { return c.nodes.state(n.id) == s }
}

// recorded reports whether Postgres has.
func (w *World) recorded(n *node, s fleet.NodeState) func() bool {
	return func() bool { return w.db.rows.node(n.id).state == s }
}

// moved reports whether a container is elsewhere than it was.
func (w *World) moved(c *container) func() bool {
	return func() bool { return w.db.rows.container(c.id).Epoch > 1 }
}

// sleep is a machine that is paused as a whole, its clock too.
func (c *controller) sleep() (wake func()) {
	began := c.w.now
	c.proc.freeze()
	return func() {
		c.clock.zero += c.w.now - began
		c.proc.thaw()
	}
}
