package sim

import (
	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// letter is what an agent says beside heartbeats.
type letter struct {
	conn   uint64
	hello  *wire.Hello
	events *wire.Events
}

// mailbox is the letters of one node, which are opened one after another.
type mailbox struct {
	letters []letter
	busy    bool
}

const mailboxSize = 64

func (c *controller) mail(n *node, l letter) {
	if !c.open {
		return
	}
	c.heard(n, l.conn)
	box := c.mailbox[n.id]
	if box == nil {
		box = &mailbox{}
		c.mailbox[n.id] = box
	}
	if len(box.letters) < mailboxSize {
		box.letters = append(box.letters, l)
	}
	c.openMail(n, box)
}

func (c *controller) openMail(n *node, box *mailbox) {
	if box.busy || len(box.letters) == 0 {
		return
	}
	l := box.letters[0]
	box.letters, box.busy = box.letters[1:], true
	next := func() {
		box.busy = false
		c.openMail(n, box)
	}
	if l.hello != nil {
		c.answerHello(n, l, next)
		return
	}
	c.takeEvents(n, l, next)
}

func (c *controller) takeEvents(n *node, l letter, next func()) {
	conn, session := c.bind(n, l.conn, l.events.Session)
	if !c.nodes.Hear(n.id, liveness.Spoke{Conn: conn, Session: session}) {
		next()
		return
	}
	var head uint64
	c.w.db.tx(&c.proc, func(r *rows) error {
		head = r.ingest(n.id, *l.events)
		return nil
	}, func(err error) {
		if err != nil && c.w.rules.AckEarly {
			c.nodes.Hear(n.id, liveness.Ingested{Acked: l.events.Items[len(l.events.Items)-1].Seq})
		}
		if err == nil {
			c.nodes.Hear(n.id, liveness.Ingested{Acked: head})
			c.migrate()
		}
		next()
	})
}

// answerHello brings an agent up to date in one exchange, as
// dispatch.Dispatcher.Sync does.
func (c *controller) answerHello(n *node, l letter, next func()) {
	h := *l.hello
	conn, session := c.bind(n, l.conn, h.Session)
	if !c.nodes.Hear(n.id, liveness.Spoke{Conn: conn, Session: session}) {
		next()
		return
	}
	c.told[n.id] = told{busy: true}
	var a wire.Desired
	var acked uint64
	var open []wire.Command
	c.w.db.tx(&c.proc, func(r *rows) error {
		acked = r.cursorOf(n.id, h.LedgerID)
		a = r.answer(n.id, h)
		open = r.openCommands(n.id)
		r.leftovers(n.id, h)
		return nil
	}, func(err error) {
		c.told[n.id] = told{}
		if err == nil && c.nodes.Hear(n.id, liveness.Greeted{
			Conn: conn, Session: session, Rev: a.Rev, AppliedRev: h.AppliedRev, Acked: acked, MachineID: h.MachineID, Hostname: h.Hostname,
		}) {
			c.send(n, session, a, open)
			c.told[n.id] = told{session: session, rev: a.Rev}
		}
		c.drain()
		next()
	})
}

// answer is the least that brings an agent up to date; see
// dispatch.situation.
func (r *rows) answer(n id.NodeID, h wire.Hello) wire.Desired {
	rev, all := r.desiredOf(n)
	misplaced := r.misplaced(n, h.Present)
	a := wire.Desired{Rev: rev}
	switch {
	case h.AppliedRev == rev && h.Digest == wire.Digest(all) && len(misplaced) == 0:
		a.Kind = wire.DesiredNothing
	case h.AppliedRev > 0 && h.AppliedRev < rev && len(misplaced) == 0:
		a.Kind, a.FromRev = wire.DesiredDelta, h.AppliedRev
		_, a.Containers = r.desiredSince(n, h.AppliedRev)
	default:
		a.Kind, a.Containers, a.Removed = wire.DesiredFull, all, misplaced
	}
	return a
}

func (c *controller) send(n *node, s wire.Session, a wire.Desired, commands []wire.Command) {
	if n.path.noOrders {
		return
	}
	a.Session = s
	c.tell(n, func() { n.hearDesired(a) })
	for _, k := range commands {
		k.Session = s
		c.tell(n, func() { n.hearCommand(k) })
	}
}

// sendEarly is the mutation in which a target is told before the commit.
func (c *controller) sendEarly(steps []step) {
	for _, st := range steps {
		session, there := c.nodes.Session(st.node)
		if !c.w.rules.SendEarly || !there || st.Action != failover.Switch {
			continue
		}
		row, rev := *c.w.db.rows.container(st.Next.ContainerID), c.w.db.rows.node(st.node).rev
		row.NodeID, row.Evicting = st.node, false
		row.Epoch++
		c.send(c.w.node(st.node), session, wire.Desired{
			Kind: wire.DesiredDelta, FromRev: rev, Rev: rev + 1, Containers: []wire.DesiredContainer{row.desired(st.node)},
		}, nil)
	}
}

// drain serves the outbox: each node that is there is told what is new.
func (c *controller) drain() {
	if c.draining {
		c.again = true
		return
	}
	c.draining, c.again = true, false
	var rowsThere []outboxRow
	news := map[id.NodeID]wire.Desired{}
	commands := map[id.NodeID][]wire.Command{}
	done := func() {
		c.draining = false
		if c.again {
			c.drain()
		}
	}
	c.w.db.read(&c.proc, func(r *rows) {
		rowsThere = append(rowsThere, r.outbox...)
		for _, o := range rowsThere {
			if t := c.told[o.node]; !t.busy && news[o.node].Rev == 0 {
				rev, set := r.desiredSince(o.node, t.rev)
				news[o.node] = wire.Desired{Kind: wire.DesiredDelta, FromRev: t.rev, Rev: rev, Containers: set}
				commands[o.node] = r.openCommands(o.node)
			}
		}
	}, func(err error) {
		if err != nil || len(rowsThere) == 0 {
			done()
			return
		}
		c.serve(rowsThere, news, commands, done)
	})
}

// serve tells the nodes, and deletes the rows of those that were served. One
// whose hello is being answered is served at its end.
func (c *controller) serve(list []outboxRow, news map[id.NodeID]wire.Desired, commands map[id.NodeID][]wire.Command, done func()) {
	var sent []uint64
	seen := map[id.NodeID]bool{}
	for _, o := range list {
		t := c.told[o.node]
		if t.busy {
			continue
		}
		sent = append(sent, o.id)
		if seen[o.node] {
			continue
		}
		seen[o.node] = true
		a := news[o.node]
		session, there := c.nodes.Session(o.node)
		if !there || session != t.session || a.Rev == 0 || a.FromRev != t.rev {
			continue
		}
		n := c.w.node(o.node)
		if a.Rev > t.rev {
			if !c.w.rules.NoGrew {
				c.nodes.Hear(o.node, liveness.Grew{Rev: a.Rev})
			}
			c.told[o.node] = told{session: session, rev: a.Rev}
		}
		c.send(n, session, a, commands[o.node])
	}
	if len(sent) == 0 {
		done()
		return
	}
	c.tx(func(r *rows) error { r.deleteOutbox(sent); return nil }, func(error) { done() })
}

func (w *World) node(n id.NodeID) *node {
	for _, node := range w.nodes {
		if node.id == n {
			return node
		}
	}
	return nil
}
