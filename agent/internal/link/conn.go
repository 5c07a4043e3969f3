package link

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// conn is one connection, from the attempt to its end.
type conn struct {
	*Link
	session wire.Session
	ctx     context.Context // ends with the connection
	cancel  context.CancelFunc
	leases  chan []byte
	letters chan letter
	streams *streams
	clock   clock

	ready chan struct{} // closed when mqtt is set
	mqtt  *mqttlink.Session

	synced   chan struct{} // closed when the first hello was answered
	timed    chan struct{} // closed when the controller's clock is known
	newest   atomic.Int64  // the newest revision that a lease spoke of
	acked    atomic.Uint64 // the newest event that the controller has
	behind   loop.Wake     // newest has grown
	trim     loop.Wake     // acked has grown
	beat     loop.Wake     // the next heartbeat should not wait
	timeOnce sync.Once
}

// letter is a message that changes something.
type letter struct {
	kind    wire.Kind
	payload []byte
}

func newConn(l *Link, session wire.Session) *conn {
	c := &conn{
		Link: l, session: session,
		leases: make(chan []byte, 16), letters: make(chan letter, 256),
		ready: make(chan struct{}), synced: make(chan struct{}), timed: make(chan struct{}),
		behind: loop.NewWake(), trim: loop.NewWake(), beat: loop.NewWake(),
	}
	c.streams = newStreams(c)
	return c
}

// start begins the loops of a connection that came about.
func (c *conn) start(s *mqttlink.Session) {
	c.mqtt = s
	close(c.ready)
	for _, run := range []func(){c.pulse, c.sync, c.flush, c.report, c.tellUsage} {
		c.work.Go(run)
	}
}

func (c *conn) isUp() bool {
	select {
	case <-c.ready:
		return c.ctx.Err() == nil
	default:
		return false
	}
}

func (c *conn) isSynced() bool {
	select {
	case <-c.synced:
		return true
	default:
		return false
	}
}

// awaitLook waits a moment for the first look at the engine, so that what is
// said of it is not a guess.
func (c *conn) awaitLook(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.Reconciler.FirstLook():
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

func (c *conn) looked() bool {
	select {
	case <-c.Reconciler.FirstLook():
		return true
	default:
		return false
	}
}

// close gives the connection up; another is made.
func (c *conn) close(why error) {
	select {
	case <-c.ready:
		c.mqtt.Close(why)
	default:
	}
}

// publish sends one message of the node.
func (c *conn) publish(t wire.Topic, message any) error {
	rule := t.Rule()
	return c.mqtt.Publish(mqttlink.Message{
		Topic: t.String(), QoS: rule.QoS, Retained: rule.Retained, Payload: wire.Encode(message),
	})
}

// clock knows the controller's time without believing any wall clock of the
// node: what a lease said, and how long ago that was.
type clock struct {
	mu    sync.Mutex
	known bool
	ms    int64         // the controller's clock, Unix milliseconds, at most
	at    time.Duration // by the agent's own clock
}

// set takes a lease's time, which was true at the earliest when the heartbeat
// that it answers was sent: then the controller's clock is now later by the
// round trip at most. A command may so be refused a moment early, and is
// never carried out late.
func (c *clock) set(ms int64, sent, now time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.ms, c.at = true, ms+(now-sent).Milliseconds(), now
}

// until is how long a deadline in the controller's time is away. Without a
// lease in this session nobody knows.
func (c *clock) until(deadline int64, now time.Duration) (left time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(deadline-c.ms)*time.Millisecond - (now - c.at), c.known
}
