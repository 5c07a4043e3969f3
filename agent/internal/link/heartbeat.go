package link

import (
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// The pulse before the first lease says otherwise.
const (
	firstEvery  = 10 * time.Second
	firstResend = 2 * time.Second
)

// Bounds of what a lease may ask for.
const (
	minEvery  = 100 * time.Millisecond
	minResend = 50 * time.Millisecond
	maxEvery  = 10 * time.Minute
)

// maxUnanswered heartbeats in a row mean that the connection leads nowhere,
// though TCP may take minutes more to notice.
const maxUnanswered = 3

// beatPatience is how long the first heartbeat waits for the first look at
// the engine.
const beatPatience = time.Second

// fullEvery is how often the meters are told, changed or not.
const fullEvery = time.Minute

// errUnanswered is why such a connection is given up.
var errUnanswered = errors.New("three heartbeats in a row were not answered")

// rhythm decides when heartbeats are due. It is pure: time is told.
type rhythm struct {
	every, resend time.Duration
	seq           uint64
	sent          map[uint64]time.Duration // unanswered ones, by the agent's clock
	last          time.Duration            // when the newest was sent
	unanswered    int                      // in a row
}

func newRhythm() rhythm {
	return rhythm{every: firstEvery, resend: firstResend, sent: map[uint64]time.Duration{}}
}

// beat is called when a heartbeat is sent; it returns its number.
func (r *rhythm) beat(now time.Duration) uint64 {
	const remembered = 16
	r.seq++
	r.unanswered++
	r.last = now
	r.sent[r.seq] = now
	delete(r.sent, r.seq-remembered)
	return r.seq
}

// answer takes in a lease. It reports when the heartbeat that it answers was
// sent; one for a heartbeat that is not waited for is no answer.
func (r *rhythm) answer(l wire.Lease) (sent time.Duration, ok bool) {
	r.every = within(l.NextHBMS, minEvery, maxEvery, r.every)
	r.resend = within(l.ResendMS, minResend, r.every, r.resend)
	sent, ok = r.sent[l.Seq]
	if !ok {
		return 0, false
	}
	for seq := range r.sent {
		if seq <= l.Seq {
			delete(r.sent, seq)
		}
	}
	r.unanswered = 0
	return sent, true
}

func within(ms int64, least, most, otherwise time.Duration) time.Duration {
	if ms <= 0 {
		return otherwise
	}
	return min(max(time.Duration(min(ms, math.MaxInt32))*time.Millisecond, least), most)
}

// due is when the next heartbeat has to be sent, and whether the connection
// should be given up by then instead.
func (r *rhythm) due() (at time.Duration, giveUp bool) {
	switch {
	case r.seq == 0:
		return 0, false
	case r.unanswered >= maxUnanswered:
		return r.last + r.resend, true
	case r.unanswered > 0:
		return r.last + r.resend, false
	}
	return r.last + r.every, false
}

// pulse is the loop of heartbeats and leases.
func (c *conn) pulse() {
	c.awaitLook(beatPatience)
	r := newRhythm()
	var told toldTelemetry
	owed := false // there is news, and the answer to an older heartbeat is waited for
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case payload := <-c.leases:
			c.takeLease(&r, payload)
			if owed && r.unanswered == 0 {
				owed = false
				c.heartbeat(&r, &told)
			}
		case <-c.beat.C():
			owed = r.unanswered > 0
			if !owed {
				c.heartbeat(&r, &told)
			}
		case <-timer.C:
			at, giveUp := r.due()
			if c.Elapsed() < at {
				break
			}
			if giveUp {
				c.close(errUnanswered)
				return
			}
			c.heartbeat(&r, &told)
		}
		at, _ := r.due()
		timer.Reset(max(0, at-c.Elapsed()))
	}
}

func (c *conn) heartbeat(r *rhythm, told *toldTelemetry) {
	sum, err := c.Ledger.Summary()
	if err != nil {
		c.Log.Error("the ledger cannot be read; the heartbeat goes without", "error", err)
	}
	now := c.Elapsed()
	message := c.heartbeatMessage(wire.Heartbeat{
		Status: wire.Online, Seq: r.beat(now), AppliedRev: sum.Applied, Digest: sum.Digest, OutboxHead: sum.OutboxHead,
		DockerOK: c.Reconciler.View().EngineOK, GuardOK: c.Permits.GuardOK(), Telemetry: told.news(c.telemetry(), now),
	})
	if err := c.mqtt.Publish(message); err != nil {
		c.Log.Debug("heartbeat not sent", "error", err)
	}
}

// heartbeatMessage fills in what every heartbeat has, the will included.
func (c *conn) heartbeatMessage(h wire.Heartbeat) mqttlink.Message {
	h.Header, h.Session, h.NodeID, h.Timestamp = wire.Head(wire.TypeHeartbeat), c.session, c.Node, time.Now().UTC()
	topic := wire.OfNode(wire.NodeHeartbeat, c.Node)
	return mqttlink.Message{Topic: topic.String(), QoS: topic.Rule().QoS, Retained: topic.Rule().Retained, Payload: wire.Encode(h)}
}

func (c *conn) takeLease(r *rhythm, payload []byte) {
	l, err := wire.Decode[wire.Lease](payload, wire.TypeLease)
	if err != nil {
		c.Log.Warn("a lease cannot be read", "error", err)
		return
	}
	if l.Session != c.session {
		return
	}
	// An answer to the outbox only grants nothing, whoever gives it.
	if l.Seq != 0 && !c.term.hear(l.Term) {
		c.Log.Warn("a lease of a controller that has been replaced: ignored", "term", l.Term)
		return
	}
	sent, ok := r.answer(l)
	c.every.Store(int64(r.every))
	if ok {
		c.Permits.Acked(lease.Ack{
			SentAt: sent, Rev: l.Rev,
			Lease: time.Duration(l.LeaseMS) * time.Millisecond, Soft: time.Duration(l.SoftMS) * time.Millisecond,
		})
		c.clock.set(l.ControlTime, sent, c.Elapsed())
		c.timeOnce.Do(func() { close(c.timed) })
	}
	if l.Rev > c.newest.Load() {
		c.newest.Store(l.Rev)
		c.behind.Up()
	}
	// Before it has heard hello, the controller may speak of another ledger.
	if c.isSynced() && l.AckedOutbox > c.acked.Load() {
		c.acked.Store(l.AckedOutbox)
		c.trim.Up()
	}
}

// term is the highest that a controller has spoken with. A lower one is of a
// controller that another has replaced and that does not know it yet.
type term struct{ highest atomic.Int64 }

// hear reports whether a term is to be believed.
func (t *term) hear(heard int64) bool {
	for {
		highest := t.highest.Load()
		if heard <= highest {
			return heard == highest
		}
		if t.highest.CompareAndSwap(highest, heard) {
			return true
		}
	}
}

// toldTelemetry is what the controller knows of the meters.
type toldTelemetry struct {
	last *wire.Telemetry
	at   time.Duration
}

// news is t when it is time to tell it, or something has changed by more
// than a tenth; else nil.
func (k *toldTelemetry) news(t *wire.Telemetry, now time.Duration) *wire.Telemetry {
	if k.last != nil && now-k.at < fullEvery && !changed(*k.last, *t) {
		return nil
	}
	k.last, k.at = t, now
	return t
}

func changed(a, b wire.Telemetry) bool {
	const share = 0.1
	differs := func(x, y, of float64) bool { return math.Abs(x-y) > share*math.Max(of, 1e-9) }
	return a.Containers != b.Containers || !slices.Equal(a.Busy, b.Busy) ||
		a.CPUAllocatable != b.CPUAllocatable || a.MemoryAllocatable != b.MemoryAllocatable ||
		differs(float64(a.DiskAllocatable), float64(b.DiskAllocatable), float64(a.DiskAllocatable)) ||
		differs(a.CPUUsed, b.CPUUsed, a.CPUAllocatable) ||
		differs(float64(a.MemoryUsed), float64(b.MemoryUsed), float64(a.MemoryAllocatable)) ||
		differs(float64(a.DiskUsed), float64(b.DiskUsed), float64(a.DiskAllocatable))
}
