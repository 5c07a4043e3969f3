package sim

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/reign"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// controller is one process on one machine: broker, memory, dispatcher and
// loops.
type controller struct {
	w              *World
	name           string
	clock          clock
	proc           process
	upCut, downCut bool // towards the controller, away from it

	claim    reign.Claim
	arrived  map[id.NodeID]time.Duration // when a heartbeat last reached its machine
	open     bool                        // it takes connections
	nodes    *memory
	postgres bool          // answered the last time
	wrote    time.Duration // when it last did; real
	conns    map[id.NodeID]*conn
	mailbox  map[id.NodeID]*mailbox
	told     map[id.NodeID]told
	draining bool
	again    bool // something was committed since the outbox was read
	writing  bool // what became of the nodes is being written down
	moving   bool // a round of the migrator is under way
	fences   map[id.MigrationID]fence
}

// conn is a connection as the broker sees it.
type conn struct {
	id   uint64
	last time.Duration // real time of the last packet
}

// told is how far a node was told.
type told struct {
	session wire.Session
	rev     int64
	busy    bool // a hello of its is being answered
}

const (
	keepalive   = 10 * time.Second
	tickEvery   = 250 * time.Millisecond
	recordEvery = time.Second
	outboxEvery = time.Second
	loadAgain   = time.Second
)

var epochStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// wall is the controller's clock as its code sees it.
func (c *controller) wall() time.Time { return epochStart.Add(c.clock.at(c.w.now)) }

// begin starts the process: it loads what Postgres has, then opens its door.
func (c *controller) begin() {
	if c.proc.up {
		return
	}
	c.proc.start()
	c.conns, c.mailbox, c.told = map[id.NodeID]*conn{}, map[id.NodeID]*mailbox{}, map[id.NodeID]told{}
	c.fences = map[id.MigrationID]fence{}
	c.open, c.draining, c.again, c.writing, c.moving = false, false, false, false, false
	c.nodes = newMemory(c.w, c)
	c.claim = reign.NewClaim(c.name, c.w.reignFor)
	c.rounds()
}

func (c *controller) load() {
	var known []liveness.Known
	c.w.db.read(&c.proc, func(r *rows) { known = r.memories(c.wall()) }, func(err error) {
		if err != nil {
			c.proc.after(loadAgain, c.load)
			return
		}
		c.nodes.load(known)
		c.written(nil)
		c.open = true
		c.w.logf("%s: open", c.name)
		c.proc.every(tickEvery, c.tick)
		c.proc.every(recordEvery, c.record)
		c.proc.every(outboxEvery, c.drain)
		c.proc.every(migrateEvery, c.migrate)
	})
}

// crash ends the process at once. Its machine closes the connections.
func (c *controller) crash() {
	if !c.proc.up {
		return
	}
	c.proc.die()
	c.open = false
	c.hangUp()
}

// restart is the planned end: the broker closes every connection, and its
// handlers were detached before.
func (c *controller) restart() {
	if c.w.rules.WillIsDeath && c.proc.runs() && c.open {
		for _, n := range c.w.nodes {
			if k := c.conns[n.id]; k != nil {
				c.closed(n, k.id, "the broker shuts down")
			}
		}
		c.record()
	}
	c.crash()
	c.resign()
}

func (c *controller) hangUp() {
	for _, n := range c.w.nodes {
		if k := c.conns[n.id]; k != nil {
			c.tell(n, func() { n.disconnected(k.id) })
			if c.proc.up {
				c.closed(n, k.id, "this controller has no authority")
			}
		}
	}
	c.conns = map[id.NodeID]*conn{}
}

// tell sends something to a node's agent.
func (c *controller) tell(n *node, hear func()) {
	c.w.carry(&n.path, c, false, func() { n.agent.do(hear) })
}

// connect is the broker's answer to an agent that knocks; 0: not here.
func (c *controller) connect(n *node, answer func(conn uint64)) {
	if !c.open || c.powerless() {
		answer(0)
		return
	}
	if old := c.conns[n.id]; old != nil {
		c.nodes.Hear(n.id, liveness.Disconnected{Conn: old.id, TakenOver: true, Reason: "taken over"})
		c.tell(n, func() { n.disconnected(old.id) })
	}
	c.w.ids++
	k := &conn{id: c.w.ids, last: c.w.now}
	c.conns[n.id] = k
	c.nodes.Hear(n.id, liveness.Connected{Conn: k.id})
	c.watch(n, k)
	answer(k.id)
}

// watch closes a connection on which nothing comes.
func (c *controller) watch(n *node, k *conn) {
	c.proc.after(keepalive/2, func() {
		switch {
		case c.conns[n.id] != k:
		case c.w.now-k.last > max(keepalive, c.w.rules.profile.Heartbeat)*3/2:
			c.tell(n, func() { n.disconnected(k.id) })
			c.closed(n, k.id, "keepalive")
		default:
			c.watch(n, k)
		}
	})
}

// closed is the end of a connection, which publishes the will.
func (c *controller) closed(n *node, id uint64, reason string) {
	k := c.conns[n.id]
	if k == nil || k.id != id {
		return
	}
	delete(c.conns, n.id)
	c.nodes.Hear(n.id, liveness.Disconnected{Conn: id, Reason: reason})
	if c.w.rules.WillIsDeath {
		c.nodes.condemn(n.id)
	}
}

// heard notes a packet of a connection.
func (c *controller) heard(n *node, conn uint64) {
	if k := c.conns[n.id]; k != nil && k.id == conn {
		k.last = c.w.now
	}
}

func (c *controller) heartbeat(n *node, conn uint64, h wire.Heartbeat) {
	if !c.open {
		return
	}
	c.heard(n, conn)
	c.w.keys[n.id] = c.w.now + c.w.rules.profile.Window
	conn, h.Session = c.bind(n, conn, h.Session)
	c.nodes.Hear(n.id, liveness.Heartbeat{Conn: conn, Session: h.Session, Seq: h.Seq, AppliedRev: h.AppliedRev, DockerOK: h.DockerOK, GuardOK: h.GuardOK})
}

// bind is where the mutation takes the binding of messages to sessions away:
// whatever comes counts as if it were of the session that is there.
func (c *controller) bind(n *node, conn uint64, s wire.Session) (uint64, wire.Session) {
	if k := c.conns[n.id]; c.w.rules.NoSession && k != nil {
		if now, _ := c.nodes.Look(n.id); now.Link.Bound {
			s = now.Link.Session
		}
		return k.id, s
	}
	return conn, s
}

// sendLease is called under the registry's lock.
func (c *controller) sendLease(node id.NodeID, l wire.Lease) {
	l = c.overgrant(node, l)
	for _, n := range c.w.nodes {
		if n.id == node {
			c.tell(n, func() { n.hearLease(l) })
		}
	}
}

func (c *controller) tick() {
	c.nodes.tick(c.postgres || c.w.rules.NoPostgresGate)
	if c.powerless() {
		c.hangUp()
	}
}

// overgrant is where mutations grant what the registry did not.
func (c *controller) overgrant(node id.NodeID, l wire.Lease) wire.Lease {
	r, state := c.w.rules, c.nodes.shown[node]
	if l.Seq != 0 && l.LeaseMS == 0 && (r.LeaseReturning && state == fleet.NodeReturning || r.LeaseUnguarded && state == fleet.NodeHealthy) {
		l.LeaseMS, l.SoftMS = r.profile.Lease.Milliseconds(), r.profile.Soft.Milliseconds()
	}
	return l
}

// powerless reports whether this controller may do nothing for its agents:
// they have to find the one that reigns.
func (c *controller) powerless() bool {
	_, reigns := c.authority(c.wall())
	return !reigns && !c.w.rules.NoHangUp
}

// record writes down what became of the nodes: one write after another, or an
// old one that failed would come after a new one.
func (c *controller) record() {
	if c.writing {
		return
	}
	c.writing = true
	news := c.nodes.take()
	if len(news) == 0 {
		c.w.db.read(&c.proc, func(*rows) {}, c.written)
		return
	}
	c.tx(func(r *rows) error {
		r.saveStates(news)
		return nil
	}, func(err error) {
		c.written(err)
		if err != nil {
			c.nodes.Return(news)
		}
	})
}

func (c *controller) written(err error) {
	c.writing, c.postgres = false, err == nil
	if err == nil {
		c.wrote = c.w.now
	}
}
