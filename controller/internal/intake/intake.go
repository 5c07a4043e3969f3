package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/dispatch"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Options is what intake needs.
type Options struct {
	Store      *store.Store
	Nodes      *liveness.Registry
	Presence   *presence.Presence
	Dispatch   *dispatch.Dispatcher
	Watch      *watch.Watch
	Live       *live.Live
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Reported is called with what was taken in, and Returned with what an
	// agent has there before its hello is answered; either may be nil.
	Reported func(store.Report)
	Returned func(context.Context, id.NodeID, []wire.ContainerRef) error
	// Regressed is called when an agent knows more than the truth does, which
	// then was restored from a backup; may be nil.
	Regressed func()
}

// Intake is the broker's Handler. Nothing it does for the broker blocks.
type Intake struct {
	Options
	mail    *mailroom
	metrics *metrics
	logged  logged
}

var _ broker.Handler = (*Intake)(nil)

// New makes an Intake; Run works its mail off.
func New(o Options) *Intake {
	i := &Intake{Options: o, mail: newMailroom()}
	i.metrics = newMetrics(o.Registerer, func() float64 { return float64(i.mail.bytes.Load()) })
	return i
}

// Run works the mail off until ctx ends.
func (i *Intake) Run(ctx context.Context) error {
	i.mail.run(ctx, i.work)
	return nil
}

// Waits reports whether messages of a node are not taken in yet; it never
// blocks for long.
func (i *Intake) Waits(node id.NodeID) bool { return i.mail.waits(node) }

// Oldest is how long the oldest message has waited to be taken in.
func (i *Intake) Oldest(now time.Time) time.Duration { return i.mail.oldest(now) }

// AgentConnected implements broker.Handler.
func (i *Intake) AgentConnected(n id.NodeID, c broker.ConnInfo) {
	i.Nodes.Hear(n, liveness.Connected{Conn: c.ConnID})
}

// AgentDisconnected implements broker.Handler.
func (i *Intake) AgentDisconnected(n id.NodeID, c broker.ConnInfo, reason error) {
	i.Nodes.Hear(n, liveness.Disconnected{
		Conn:      c.ConnID,
		TakenOver: errors.Is(reason, broker.ErrTakenOver),
		Reason:    lost(reason),
	})
	i.logged.forget(n)
}

// Cut is the reason of a connection that the controller ended; its words are
// for people.
type Cut struct{ Reason error }

// Error implements error.
func (c Cut) Error() string { return c.Reason.Error() }

// lost says why a connection ended in words for people. Errors of the
// network tell them nothing.
func lost(reason error) string {
	if reason == nil {
		return "the agent said goodbye"
	}
	var cut Cut
	if errors.As(reason, &cut) {
		return "connection ended: " + cut.Error()
	}
	for _, known := range []error{broker.ErrExpired, broker.ErrDenied, broker.ErrQuota} {
		if errors.Is(reason, known) {
			return "connection ended: " + known.Error()
		}
	}
	return "connection lost"
}

// Watching implements broker.Handler.
func (i *Intake) Watching(t wire.Topic, watchers int) { i.Watch.Watching(t, watchers) }

// Message implements broker.Handler.
func (i *Intake) Message(n id.NodeID, conn uint64, t wire.Topic, payload []byte) {
	i.metrics.received.WithLabelValues(string(t.Kind)).Inc()
	l := letter{node: n, conn: conn, topic: t, payload: payload}
	switch t.Kind {
	case wire.NodeHeartbeat:
		i.heartbeat(l)
	case wire.NodeSync, wire.NodeEvents:
		if !i.mail.put(l) {
			i.metrics.dropped.WithLabelValues(string(t.Kind)).Inc()
		}
	case wire.ContainerLogs, wire.ContainerStats:
		if err := i.Watch.Deliver(t, payload); err != nil {
			i.reject(l, "malformed", err)
		}
	case wire.NodeUsage:
		if err := i.Watch.Note(t.Node, payload); err != nil {
			i.reject(l, "malformed", err)
		}
	case wire.NodeLease, wire.NodeDesired, wire.NodeCommands, wire.NodeHealth,
		wire.ContainerState, wire.ContainerEvents, wire.FleetEvents:
		i.reject(l, "not an agent's topic", nil)
	}
}

func (i *Intake) heartbeat(l letter) {
	h, err := wire.Decode[wire.Heartbeat](l.payload, wire.TypeHeartbeat)
	if err != nil {
		i.reject(l, "malformed", err)
		return
	}
	if h.NodeID != l.node {
		i.reject(l, "another node's id", nil)
		return
	}
	if h.Status != wire.Online {
		return // a goodbye; the end of the connection follows
	}
	if h.Telemetry != nil {
		h.AgentVersion = clean(h.AgentVersion, 100)
	}
	counted := i.Nodes.Hear(l.node, liveness.Heartbeat{
		Conn: l.conn, Session: h.Session, Seq: h.Seq, AppliedRev: h.AppliedRev,
		DockerOK: h.DockerOK, GuardOK: h.GuardOK, Offer: liveness.Offer(h.Telemetry), Busy: liveness.Busy(h.Telemetry),
	})
	if !counted {
		i.reject(l, "stale session", nil)
		return
	}
	i.Presence.Note(l.node, h)
}

// work does what a letter wants. Errors end here: the agent sends again what
// was not acknowledged.
func (i *Intake) work(ctx context.Context, l letter) {
	err := i.persist(ctx, l)
	if err != nil && ctx.Err() == nil {
		i.metrics.failed.WithLabelValues(string(l.topic.Kind)).Inc()
		i.Log.Error("message of an agent not taken in; it will come again", "node", l.node, "kind", l.topic.Kind, "error", err)
	}
}

const (
	// patience is how long a letter waits for a database that is away; the
	// agent sends it again later than that (agent/internal/link). Without it,
	// what came while the database was coming back would be taken in, and
	// dated, seconds late.
	patience = 4 * time.Second
	nextTry  = 200 * time.Millisecond
)

// persist tries for a while where the database cannot be spoken with. Letters
// behind this one wait with it: none of them would fare better.
func (i *Intake) persist(ctx context.Context, l letter) error {
	do := i.sync
	if l.topic.Kind == wire.NodeEvents {
		do = i.events
	}
	end := time.Now().Add(patience)
	for {
		err := do(ctx, l)
		if err == nil || !store.Away(err) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(nextTry):
		}
	}
}

func (i *Intake) sync(ctx context.Context, l letter) error {
	head, err := wire.Peek(l.payload)
	switch {
	case err != nil:
		i.reject(l, "malformed", err)
		return nil
	case head.Type == wire.TypePull:
		return i.pull(ctx, l)
	}
	return i.hello(ctx, l)
}

func (i *Intake) pull(ctx context.Context, l letter) error {
	p, err := wire.Decode[wire.Pull](l.payload, wire.TypePull)
	if err != nil {
		i.reject(l, "malformed", err)
		return nil
	}
	if !i.current(l, p.Session) {
		return nil
	}
	return i.Dispatch.Pull(ctx, l.node, p)
}

func (i *Intake) hello(ctx context.Context, l letter) error {
	h, err := wire.Decode[wire.Hello](l.payload, wire.TypeHello)
	if err != nil {
		i.reject(l, "malformed", err)
		return nil
	}
	if h.NodeID != l.node {
		i.reject(l, "another node's id", nil)
		return nil
	}
	if !i.current(l, h.Session) {
		return nil
	}
	h.Hostname, h.MachineID = clean(h.Hostname, 253), clean(h.MachineID, 100)
	facts := store.Facts{
		Hostname: h.Hostname, MachineID: h.MachineID, Arch: clean(h.Arch, 40),
		AgentVersion: clean(h.AgentVersion, 100), DockerVersion: clean(h.DockerVersion, 100),
		AppliedRev: h.AppliedRev, Offer: liveness.Offer(h.Telemetry), Busy: liveness.Busy(h.Telemetry),
	}
	var acked uint64
	var ahead bool
	err = i.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if err := tx.RecordHello(ctx, l.node, facts, i.Now()); err != nil {
			return err
		}
		if ahead, err = tx.NoteRegressions(ctx, l.node, h.AppliedRev, h.Present); err != nil {
			return err
		}
		acked, err = tx.LockCursor(ctx, l.node, clean(h.LedgerID, 100))
		return err
	})
	if err != nil {
		return err
	}
	if ahead {
		i.regressed(l.node, h)
		return nil // it asks again until the fleet is released
	}
	if i.Returned != nil {
		if err := i.Returned(ctx, l.node, h.Present); err != nil {
			return fmt.Errorf("what a node has that returned: %w", err)
		}
	}
	return i.Dispatch.Sync(ctx, dispatch.Hello{Node: l.node, Conn: l.conn, Said: h, Acked: acked})
}

// regressed leaves a node as it is that knows more than the truth does.
func (i *Intake) regressed(node id.NodeID, h wire.Hello) {
	i.metrics.regressed.Inc()
	i.Log.Error("a node knows later revisions or epochs than the database, which was restored from a backup; it is told nothing until POST /fleet/release",
		"node", node, "its_rev", h.AppliedRev)
	if i.Regressed != nil {
		i.Regressed()
	}
}

// current reports whether a message is of the session that counts.
func (i *Intake) current(l letter, s wire.Session) bool {
	if i.Nodes.Hear(l.node, liveness.Spoke{Conn: l.conn, Session: s}) {
		return true
	}
	i.reject(l, "stale session", nil)
	return false
}
