package sim

import (
	"maps"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// memory is the real registry, and around it what the mutations do to it:
// they lie to it about the time, and about who else is heard.
type memory struct {
	*liveness.Registry
	w        *World
	c        *controller
	skew     time.Duration // what it is told the time is, less what it is
	lastTick time.Time
	shown    map[id.NodeID]fleet.NodeState // as the checker was last shown
	keyed    map[id.NodeID]bool            // KeysAreLife: which had a key in Redis
	oracle   *liveness.Registry            // NoHoldRearm: tells of holds, and nobody else acts on it
}

func newMemory(w *World, c *controller) *memory {
	m := &memory{w: w, c: c, lastTick: c.wall(), shown: map[id.NodeID]fleet.NodeState{}, keyed: map[id.NodeID]bool{}}
	m.Registry = liveness.NewRegistry(liveness.Options{Profile: w.rules.profile, Now: m.time, Lease: c.sendLease, Authority: c.authority})
	if w.rules.NoHoldRearm {
		m.oracle = liveness.NewRegistry(liveness.Options{
			Profile: w.rules.profile, Now: m.time, Lease: func(id.NodeID, wire.Lease) {},
		})
	}
	return m
}

func (m *memory) time() time.Time { return m.c.wall().Add(m.skew) }

// load takes in what Postgres has.
func (m *memory) load(known []liveness.Known) {
	if m.w.rules.NoGrace { // as if it had begun so long ago that the grace is over
		m.skew = -m.w.rules.profile.Window - 15*time.Second
	}
	m.Load(known)
	m.skew = 0
	if m.oracle != nil {
		m.oracle.Load(known)
	}
	if m.w.rules.NoHold || m.w.rules.NoHoldRearm {
		for i := range chatter {
			m.Load([]liveness.Known{{Node: chatterer(i), State: fleet.NodeHealthy}})
			m.Registry.Hear(chatterer(i), liveness.Connected{Conn: 1})
		}
	}
}

// chatter is how many nodes that are not there are always heard where the
// mutation takes the hold away: then nobody else's silence is suspicious.
const chatter = 16

func chatterer(i int) id.NodeID { return id.NodeID{0: 2, 15: byte(i)} }

// Hear takes in what is heard.
func (m *memory) Hear(n id.NodeID, e liveness.Event) bool {
	if m.oracle != nil {
		m.oracle.Hear(n, e)
	}
	before := m.state(n)
	counted := m.Registry.Hear(n, e)
	m.note(n, before)
	return counted
}

// tick lets time go by in the registry.
func (m *memory) tick(postgres bool) {
	now := m.c.wall()
	if m.w.rules.NoFreezeRearm { // the ticks that it has missed come now
		for at := m.lastTick.Add(tickEvery); at.Before(now); at = at.Add(tickEvery) {
			m.skew = at.Sub(now)
			m.pass(postgres)
		}
		m.skew = 0
	}
	m.lastTick = now
	m.pass(postgres)
}

func (m *memory) pass(postgres bool) {
	before := make([]fleet.NodeState, len(m.w.nodes))
	for i, n := range m.w.nodes {
		before[i] = m.state(n.id)
	}
	if m.w.rules.NoHold || m.w.rules.NoHoldRearm {
		for i := range chatter {
			m.Registry.Hear(chatterer(i), liveness.Heartbeat{Conn: 1})
		}
	}
	if m.oracle != nil {
		m.oracle.Tick(postgres)
		postgres = postgres && m.oracle.Held() == ""
	}
	if m.w.rules.KeysAreLife {
		m.missKeys()
	}
	held := m.Held()
	m.Tick(postgres)
	if now := m.Held(); now != held {
		m.w.logf("%s: held: %q", m.c.name, now)
	}
	for i, n := range m.w.nodes {
		m.note(n.id, before[i])
	}
}

// note shows what became of a node to the checker.
func (m *memory) note(n id.NodeID, before fleet.NodeState) {
	now, _ := m.Look(n)
	m.shown[n] = now.State
	if now.State == before {
		return
	}
	node := m.w.node(n)
	if node == nil {
		return
	}
	m.w.logf("%s: %s is %s (%s)", m.c.name, node.name, now.State, now.Reason)
	if before == fleet.NodeReturning {
		m.w.ambush(m.c, 0.03)
		m.w.forget(m.c, node, now.State)
	}
	if now.State == fleet.NodeUnhealthy && before != fleet.NodeReturning && !now.Confirmed || now.Confirmed && (m.w.rules.WillIsDeath || m.w.rules.KeysAreLife) {
		m.w.check.verdict(m.c, node)
	}
}

// take hands out what is to be recorded.
func (m *memory) take() []liveness.Change {
	if m.oracle != nil {
		m.oracle.Take()
	}
	var changes []liveness.Change
	for _, c := range m.Take().Changes {
		if m.w.node(c.Node) != nil {
			changes = append(changes, c)
		}
	}
	return changes
}

// state is what the memory has of a node.
func (m *memory) state(n id.NodeID) fleet.NodeState {
	look, _ := m.Look(n)
	return look.State
}

// missKeys is the mutation in which a key that is gone is a verdict.
func (m *memory) missKeys() {
	for _, n := range m.w.nodes {
		there := m.w.now < m.w.keys[n.id]
		if m.keyed[n.id] && !there {
			m.condemn(n.id)
		}
		m.keyed[n.id] = there
	}
}

// condemn is for the mutations in which a hint is a verdict.
func (m *memory) condemn(n id.NodeID) {
	before := m.state(n)
	m.skew = m.w.rules.profile.Window // so that it does not seem to talk
	_ = m.ConfirmDead(n)
	m.skew = 0
	m.note(n, before)
}

// seize keeps lost nodes from being granted anything until they are yielded.
func (m *memory) seize(nodes []id.NodeID) []id.NodeID {
	if len(nodes) == 0 || m.w.rules.NoSeize {
		return nodes
	}
	return m.Seize(nodes)
}

// yield lets them go, with the revision that they have to reach.
func (m *memory) yield(revs map[id.NodeID]int64) {
	if m.w.rules.NoYieldRev {
		revs = maps.Clone(revs)
		for n := range revs {
			revs[n] = 0
		}
	}
	if !m.w.rules.NoSeize {
		m.Yield(revs)
	}
}
