package uplink

import (
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// said is what a message tells of its sender's session.
type said struct {
	session wire.Session // zero: the message names none
	hello   bool
	offline bool // a will or a goodbye
}

// entry is the session of a node that speaks, or spoke last.
type entry struct {
	session wire.Session
	conn    uint64 // 0: it has ended
	unsure  bool   // messages may have been lost both ways
	cut     bool   // by us: it may say what it wants
	boots   []boot // earlier runs of the agent, newest last
}

// boot is how far the sessions of one run of an agent had come.
type boot struct {
	id      string
	session uint64
}

// maxBoots bounds what is remembered of a node's past.
const maxBoots = 8

// turn is what a message makes of a node's connection.
type turn struct {
	ended uint64 // connection that is over; 0: none
	taken bool   // by the one that begins
	begun uint64 // connection that begins; 0: none
	met   bool   // begun, in the middle of its life
	conn  uint64 // that the message belongs to; 0: it counts for nothing
}

// hear is the whole rule. It is pure; next is the id of a connection that
// begins.
func (e entry) hear(s said, next uint64) (entry, turn) {
	switch {
	case s.session == wire.Session{}: // logs and stats name none
		return e, turn{conn: e.conn}
	case s.session == e.session && s.offline:
		t := turn{ended: e.conn, conn: e.conn}
		e.conn = 0
		return e, t
	case s.session == e.session && (e.conn == 0 || e.cut) && !e.unsure:
		return e, turn{}
	case s.session == e.session && e.unsure:
		e.conn, e.unsure = next, false
		return e, turn{begun: next, met: !s.hello, conn: next}
	case s.session == e.session:
		return e, turn{conn: e.conn}
	case s.offline || !e.newer(s):
		return e, turn{}
	}
	t := turn{begun: next, met: !s.hello, conn: next}
	if e.conn != 0 && !e.unsure {
		t.ended, t.taken = e.conn, true
	}
	return entry{session: s.session, conn: next, boots: e.past()}, t
}

// newer tells a new session from a late message of an old one. Numbers grow
// with every connection and over restarts of the agent; one that has lost its
// records counts from the beginning again, and says hello as a run that was
// not there before or goes on from where that run was.
func (e entry) newer(s said) bool {
	if s.session.Session > e.session.Session {
		return true
	}
	if s.session.BootID == e.session.BootID || !s.hello {
		return false
	}
	for _, b := range e.boots {
		if b.id == s.session.BootID {
			return s.session.Session > b.session
		}
	}
	return true
}

// past is what is remembered once another session follows.
func (e entry) past() []boot {
	if e.session.BootID == "" {
		return nil
	}
	kept := []boot{}
	for _, b := range e.boots {
		if b.id != e.session.BootID {
			kept = append(kept, b)
		}
	}
	kept = append(kept, boot{id: e.session.BootID, session: e.session.Session})
	return kept[max(0, len(kept)-maxBoots):]
}

// book has the sessions of all nodes.
type book struct {
	entries map[id.NodeID]entry
	last    uint64 // connection id
}

// connBase keeps the connections that are made up here apart from real ones.
const connBase = 1 << 62

func newBook() *book { return &book{entries: map[id.NodeID]entry{}, last: connBase} }

func (b *book) hear(n id.NodeID, s said) turn {
	e, t := b.entries[n].hear(s, b.last+1)
	if t.begun != 0 {
		b.last++
	}
	b.entries[n] = e
	return t
}

// cut ends the session of a node that speaks now.
func (b *book) cut(n id.NodeID) (conn uint64) {
	e, ok := b.entries[n]
	if !ok || e.conn == 0 {
		return 0
	}
	conn, e.conn, e.cut, e.unsure = e.conn, 0, true, false
	b.entries[n] = e
	return conn
}

// doubt is called when messages may have been lost both ways.
func (b *book) doubt() {
	for n, e := range b.entries {
		e.unsure = !e.cut
		b.entries[n] = e
	}
}
