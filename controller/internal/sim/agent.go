package sim

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/wire"
)

// The pulse of an agent before the first lease says otherwise, and its
// patience. They follow agent/internal/link.
const (
	firstEvery      = 10 * time.Second
	firstResend     = 2 * time.Second
	maxUnanswered   = 3
	connectPatience = 5 * time.Second
	helloAgain      = 5 * time.Second
	helloSpacing    = time.Second
	behindGrace     = 2 * time.Second
	flushAgain      = 5 * time.Second
	backoffBase     = 500 * time.Millisecond
	backoffCap      = 10 * time.Second
	lostSpread      = 3 * time.Second
	hurried         = 20 // rounds
	reconcileEvery  = 2 * time.Second
	offlineDelay    = time.Minute
)

// agentMemory is what an agent has in memory. It dies with it.
type agentMemory struct {
	bootID    string
	next      int         // which controller is asked next
	attempt   uint64      // counts attempts to connect
	conn      uint64      // the broker's number for the connection; 0: none
	peer      *controller // at its other end
	term      int64       // the highest that a controller has spoken with
	session   wire.Session
	failures  int
	hurry     time.Duration // the longest pause, while somebody waits for it
	every     time.Duration
	resend    time.Duration
	seq       uint64
	sent      map[uint64]sending
	last      time.Duration // the agent's clock, when it last sent a heartbeat
	unasked   int           // heartbeats without an answer, in a row
	lastHello time.Duration
	helloAt   time.Duration // 0: not due
	newest    int64         // the newest revision that a lease spoke of
	behind    time.Duration // since when the set is older; 0: it is not
	flushAt   time.Duration // when the outbox is sent again

	holder  lease.Holder
	looked  bool          // at the engine, since the agent or the engine began
	inTouch bool          // answered since the machine booted
	alone   time.Duration // when the agent began, by its clock
	busy    map[id.ContainerID]verb
	doing   map[id.ContainerID]int64 // the epoch that a start under way is for
	away    map[id.ContainerID]time.Duration
	retry   map[id.ContainerID]time.Duration // no start before
}

// sending is a heartbeat on its way.
type sending struct {
	at   time.Duration // by the agent's clock
	real time.Duration
}

func (n *node) startAgent() {
	if n.agent.up {
		return
	}
	n.agent.start()
	if n.w.rules.Forgets {
		n.disk = newLedger(fmt.Sprintf("%s/%d", n.name, n.agent.life))
	}
	n.mem = agentMemory{
		bootID: n.name + "/" + string(rune('a'+n.agent.life%26)) + time.Duration(n.agent.life).String(),
		busy:   map[id.ContainerID]verb{}, doing: map[id.ContainerID]int64{},
		away: map[id.ContainerID]time.Duration{}, retry: map[id.ContainerID]time.Duration{},
		alone: n.elapsed(), looked: n.w.rules.NoLook,
	}
	n.agent.after(n.w.between(0, backoffBase), n.connect)
	n.agent.every(200*time.Millisecond, n.pulse)
	n.agent.every(reconcileEvery, n.reconcile)
}

// elapsed is CLOCK_BOOTTIME of the machine.
func (n *node) elapsed() time.Duration { return n.clock.at(n.w.now) }

// agentDies ends the agent; its machine says goodbye for it, if the line is
// up.
func (n *node) agentDies() {
	conn := n.mem.conn
	n.agent.die()
	n.mem.conn = 0
	n.sayGoodbye(n.mem.peer, conn)
}

// sayGoodbye closes a connection; the other end hears of it if it can.
func (n *node) sayGoodbye(c *controller, conn uint64) {
	if conn != 0 {
		n.w.carry(&n.path, c, true, func() { c.proc.do(func() { c.closed(n, conn, "connection lost") }) })
	}
}

// connect tries to reach the controller.
func (n *node) connect() {
	if n.mem.conn != 0 {
		return
	}
	n.mem.attempt++
	c := n.w.ctls[n.mem.next%len(n.w.ctls)] // it has the addresses of all
	attempt, life := n.mem.attempt, n.agent.life
	n.disk.session++
	session := wire.Session{BootID: n.mem.bootID, Session: n.disk.session}
	n.unlucky(c, n.w.carry(&n.path, c, true, func() {
		if n.mem.conn != 0 || n.mem.attempt != attempt {
			n.trouble(0) // the network brings it late or twice: it throws out what is there
		}
		if !c.proc.up { // its machine says so
			n.unlucky(c, n.w.carry(&n.path, c, false, func() {
				if n.agent.life == life {
					n.agent.do(func() { n.connected(c, attempt, 0, session) })
				}
			}))
			return
		}
		c.proc.do(func() {
			c.connect(n, func(conn uint64) {
				n.unlucky(c, n.w.carry(&n.path, c, false, func() {
					if n.agent.life == life {
						n.agent.do(func() { n.connected(c, attempt, conn, session) })
					}
				}))
			})
		})
	}))
	n.agent.after(connectPatience, func() {
		if n.mem.conn == 0 && n.mem.attempt == attempt {
			n.again(n.backoff())
		}
	})
}

// backoff asks the next controller, and is the longest pause after an attempt that failed. It follows
// shared/mqttlink: each round asks all controllers.
func (n *node) backoff() time.Duration {
	n.mem.next++
	n.mem.failures++
	each := len(n.w.ctls)
	if n.mem.failures%each != 0 {
		return backoffBase
	}
	return min(n.longestPause(), backoffBase<<min(n.mem.failures/each, 5))
}

// longestPause is as long as a heartbeat while that may help.
func (n *node) longestPause() time.Duration {
	if n.mem.hurry == 0 || n.mem.failures/len(n.w.ctls) >= hurried {
		return backoffCap
	}
	return min(max(n.mem.hurry, backoffBase), backoffCap)
}

// unlucky notes an attempt to connect that the network has lost, which is no
// fault of the controller's.
func (n *node) unlucky(c *controller, arrives bool) {
	if !arrives && !c.upCut && !c.downCut {
		n.trouble(0)
	}
}

func (n *node) again(within time.Duration) {
	n.agent.after(n.w.between(0, within), n.connect)
}

func (n *node) connected(c *controller, attempt, conn uint64, session wire.Session) {
	switch {
	case n.mem.attempt != attempt || n.mem.conn != 0:
		n.sayGoodbye(c, conn)
		return
	case conn == 0:
		n.mem.attempt++ // so that nobody waits for this one any more
		n.again(n.backoff())
		return
	}
	m := &n.mem
	m.peer, m.conn, m.session, m.failures = c, conn, session, 0
	m.every, m.resend, m.seq, m.unasked = firstEvery, firstResend, 0, 0
	m.sent = map[uint64]sending{}
	m.newest, m.behind, m.flushAt = 0, 0, 0
	n.hello()
	n.heartbeat()
}

// disconnected is called when the agent notices that its connection is gone.
func (n *node) disconnected(conn uint64) {
	if n.mem.conn == conn && conn != 0 {
		n.mem.conn = 0
		n.again(min(lostSpread, n.longestPause()))
	}
}

// pulse does what is due on the connection, and fences where the guard may
// not be there.
func (n *node) pulse() {
	n.fence()
	m, now := &n.mem, n.elapsed()
	if m.conn == 0 {
		return
	}
	switch {
	case m.unasked == 0 && now >= m.last+m.every:
		n.heartbeat()
	case m.unasked == 0 || now < m.last+m.resend || n.w.rules.NoResend && now < m.last+m.every:
	case m.unasked >= maxUnanswered && !n.w.rules.NoResend:
		conn := m.conn
		m.conn = 0
		n.sayGoodbye(m.peer, conn)
		n.again(min(lostSpread, n.longestPause()))
		return
	default:
		n.heartbeat()
	}
	if m.behind != 0 && now >= m.behind+behindGrace {
		m.behind = 0
		m.helloAt = max(now, m.lastHello+helloSpacing)
	}
	if m.helloAt != 0 && now >= m.helloAt {
		n.hello()
	}
	n.flush()
}

func (n *node) heartbeat() {
	m := &n.mem
	m.seq++
	m.unasked++
	m.last = n.elapsed()
	m.sent[m.seq] = sending{at: m.last, real: n.w.now}
	delete(m.sent, m.seq-16)
	h := wire.Heartbeat{
		Session: m.session, NodeID: n.id, Status: wire.Online, Seq: m.seq, AppliedRev: n.disk.applied,
		DockerOK: n.docker.runs(), GuardOK: n.guardAnswers(),
	}
	conn, c := m.conn, m.peer
	n.w.carry(&n.path, c, true, func() {
		if k := c.conns[n.id]; k != nil && k.id == conn {
			c.arrived[n.id] = n.w.now
		}
		c.proc.do(func() { c.heartbeat(n, conn, h) })
	})
}

// hearLease takes in an acknowledgement.
func (n *node) hearLease(l wire.Lease) {
	m, r := &n.mem, n.w.rules
	if m.conn == 0 || l.Session != m.session && !r.NoSession {
		return
	}
	if l.Seq != 0 && l.Term < m.term && !r.NoTerm {
		return
	}
	m.term = max(m.term, l.Term)
	if l.AckedOutbox > 0 && m.newest > 0 || l.Rev > 0 {
		n.disk.acked(l.AckedOutbox)
	}
	if l.Rev > m.newest {
		m.newest = l.Rev
		if l.Rev > n.disk.accepted && m.behind == 0 {
			m.behind = n.elapsed()
		}
	}
	sent, waited := m.sent[l.Seq]
	if !waited {
		return
	}
	for seq := m.seq; seq > 0 && seq+16 > m.seq; seq-- {
		if seq <= l.Seq {
			delete(m.sent, seq)
		}
	}
	m.unasked, m.inTouch = 0, true
	if l.NextHBMS > 0 {
		m.every, m.resend = time.Duration(l.NextHBMS)*time.Millisecond, time.Duration(l.ResendMS)*time.Millisecond
		m.hurry = m.every
	}
	n.renew(l, sent)
}

// renew is the rule that everything hangs on, with what the mutations make
// of it.
func (n *node) renew(l wire.Lease, sent sending) {
	r := n.w.rules
	claims := lease.Claims{Rev: n.disk.accepted, Runs: map[id.ContainerID]int64{}}
	for _, c := range n.w.check.cast {
		if d, ok := n.disk.desired[c.id]; ok && c.exclusive && d.Power == "running" {
			claims.Runs[c.id] = d.Epoch
		}
	}
	ack := lease.Ack{
		SentAt: sent.at, Rev: l.Rev,
		Lease: time.Duration(l.LeaseMS) * time.Millisecond, Soft: time.Duration(l.SoftMS) * time.Millisecond,
	}
	if ack.Lease > 0 && ack.Soft == 0 {
		ack.Soft = r.profile.Soft
	}
	if r.LeaseFromArrival {
		ack.SentAt = n.elapsed()
	}
	if r.NoMargin && ack.Lease > 0 {
		ack.Lease, ack.Soft = r.profile.Window, r.profile.Window
	}
	if r.RenewBehind {
		ack.Rev = claims.Rev
	}
	if ack.Lease > 0 && ack.Rev == claims.Rev {
		n.ackedUntil = max(n.ackedUntil, sent.real+n.clock.real(ack.Lease))
	}
	n.mem.holder = n.mem.holder.Renew(ack, claims)
	n.guardRenew()
}
