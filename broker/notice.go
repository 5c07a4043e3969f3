package broker

import "hash/maphash"

var tellSeed = maphash.MakeSeed()

// Notice is what an audit trail may want to know of a connection. A client
// that is denied the same thing again is not told of again.
type Notice struct {
	ConnInfo
	Event    Event
	Who      Identity // zero where credentials proved nothing
	Username string   // of who was refused, as it came
	Action   string   // of what was denied: publish, subscribe or oversize
	What     string   // the topic or filter, as it came
	Err      error    // why it was refused
}

// Event is what a notice is about.
type Event string

// The events.
const (
	Admitted Event = "admitted" // a CONNECT was answered with yes
	Refused  Event = "refused"  // or with no, for good
	Denied   Event = "denied"   // somebody did what he may not
)

// maxTold bounds what is remembered of a connection: beyond it every denial is
// told, so that whoever listens has to bound them, too.
const maxTold = 64

func (b *Broker) notice(n Notice) {
	if b.options.Notice != nil && !b.closing.Load() {
		b.guarded("Notice", func() { b.options.Notice(n) })
	}
}

// noticeDenied tells of a denial the first time it happens.
func (b *Broker) noticeDenied(c *connection, action, what string) {
	key := maphash.String(tellSeed, action+" "+what) // what may be as long as a packet
	if c.told[key] {
		return
	}
	if c.told == nil {
		c.told = map[uint64]bool{}
	}
	if len(c.told) < maxTold {
		c.told[key] = true
	}
	b.notice(Notice{ConnInfo: c.info, Event: Denied, Who: c.who, Action: action, What: what})
}
