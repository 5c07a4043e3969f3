package sim

import (
	"bytes"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
)

// memory is the real registry, and around it what the mutations do to it.
type memory struct {
	*liveness.Registry
	w        *World
	c        *controller
	now      func() time.Time
	lastTick time.Time
}

func newMemory(w *World, c *controller) *memory {
	m := &memory{w: w, c: c}
	m.now = c.wall
	m.Registry = liveness.NewRegistry(liveness.Options{
		Profile: w.rules.profile, Now: func() time.Time { return m.now() }, Lease: c.sendLease,
	})
	m.lastTick = c.wall()
	return m
}

// tick lets time go by in the registry.
func (m *memory) tick(postgres bool) {
	m.lastTick = m.c.wall()
	before := m.states()
	m.Registry.Tick(postgres)
	m.judge(before)
}

// states is the state of each node, in their order.
func (m *memory) states() []fleet.NodeState {
	out := make([]fleet.NodeState, len(m.w.nodes))
	for i, n := range m.w.nodes {
		look, _ := m.Look(n.id)
		out[i] = look.State
	}
	return out
}

// judge shows verdicts to the checker.
func (m *memory) judge(before []fleet.NodeState) {
	for i, n := range m.w.nodes {
		now, _ := m.Look(n.id)
		if now.State != before[i] {
			m.w.logf("controller: %s is %s (%s)", n.name, now.State, now.Reason)
			if now.State == fleet.NodeUnhealthy && before[i] == fleet.NodeSuspect {
				m.w.check.verdict(n)
			}
		}
	}
}

// take hands out what is to be recorded, in a fixed order.
func (m *memory) take() []liveness.Change {
	changes := m.Take().Changes
	slices.SortFunc(changes, func(a, b liveness.Change) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	return changes
}

// state is what the memory has of a node.
func (m *memory) state(n id.NodeID) fleet.NodeState {
	look, _ := m.Look(n)
	return look.State
}

// kill is the mutation in which a will is a verdict.
func (m *memory) kill(id.NodeID) {}

// seize keeps lost nodes from being granted anything until they are yielded.
func (m *memory) seize(nodes []id.NodeID) []id.NodeID { return nodes }

// yield lets them go, with the revision that they have to reach.
func (m *memory) yield(nodes []id.NodeID, revs map[id.NodeID]int64) {
	for _, n := range nodes {
		m.Hear(n, liveness.Grew{Rev: revs[n]})
	}
}
