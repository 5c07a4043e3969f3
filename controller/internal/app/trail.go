package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Bounds of what the broker makes the audit trail grow by, in a minute. Those
// of strangers are apart, so that they crowd nobody else out.
const (
	trailKnown     = 600
	trailStrangers = 60
	// sameRefusal is how long the same refusal is not told of again: an agent
	// with an old credential comes back for ever.
	sameRefusal = 10 * time.Minute
)

// trail puts into the audit trail what happens at the broker: that people and
// tools connect, what is denied to whom, and who is refused. That agents
// connect is not in it: they do so all day, and the nodes' own history has it.
type trail struct {
	store   *store.Store
	actorOf func(credential string) (authz.Actor, bool)
	now     func() time.Time
	log     *slog.Logger
	entries chan fleet.AuditEntry

	mu        sync.Mutex
	known     allowance
	strangers allowance
	refused   map[string]time.Time // by address, name and reason
}

func newTrail(s *store.Store, actorOf func(string) (authz.Actor, bool), now func() time.Time, log *slog.Logger) *trail {
	return &trail{
		store: s, actorOf: actorOf, now: now, log: log, entries: make(chan fleet.AuditEntry, 2*(trailKnown+trailStrangers)),
		known: allowance{most: trailKnown}, strangers: allowance{most: trailStrangers}, refused: map[string]time.Time{},
	}
}

// allowance is how many entries there may be in a minute.
type allowance struct {
	most    int
	taken   int
	leftOut int
}

func (a *allowance) take() bool {
	if a.taken >= a.most {
		a.leftOut++
		return false
	}
	a.taken++
	return true
}

// renew begins another minute and says how many were left out in the last.
func (a *allowance) renew() (leftOut int) {
	leftOut = a.leftOut
	a.taken, a.leftOut = 0, 0
	return leftOut
}

// notice is what the broker calls. It never blocks.
func (t *trail) notice(n broker.Notice) {
	e, ok := t.entry(n)
	if !ok || !t.admit(n, e) {
		return
	}
	select {
	case t.entries <- e:
	default: // the database is away
		t.mu.Lock()
		defer t.mu.Unlock()
		t.known.leftOut++
	}
}

// admit decides whether there is room for an entry.
func (t *trail) admit(n broker.Notice, e fleet.AuditEntry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.Event != broker.Refused {
		return t.known.take()
	}
	key, now := e.Address+" "+e.TargetID.String()+" "+e.ActorName+" "+e.Reason, t.now()
	if at, told := t.refused[key]; told && now.Sub(at) < sameRefusal {
		return false
	}
	if !t.strangers.take() {
		return false
	}
	t.refused[key] = now // at most as many as the allowance of sameRefusal
	return true
}

// entry is the line of a notice, if it has one.
func (t *trail) entry(n broker.Notice) (fleet.AuditEntry, bool) {
	actor, ok := t.actor(n)
	if !ok || n.Event == broker.Admitted && n.Who.IsAgent() {
		return fleet.AuditEntry{}, false
	}
	e := actor.Entry(fleet.MQTTConnect)
	e.At = t.now()
	switch n.Event {
	case broker.Refused:
		e.Outcome, e.Reason = fleet.OutcomeDenied, legible(n.Err.Error())
		var node id.NodeID
		if node.Set(n.Username) == nil { // any other name may be a password in the wrong place
			e.TargetKind, e.TargetID = "node", uuid.UUID(node)
		}
	case broker.Denied:
		e.Outcome, e.Reason = fleet.OutcomeDenied, "may not "+n.Action+" there"
		e.TargetKind, e.TargetName = "topic", legible(n.What)
		e.Detail = map[string]any{"action": n.Action}
		if topic, is := wire.ParseTopic(n.What); is && n.Action == "subscribe" {
			e.Verb = authz.TopicVerb(topic.Kind)
		}
	}
	return e, true
}

// actor is who a notice is about; false for who is of no interest, such as
// the controller that probes itself.
func (t *trail) actor(n broker.Notice) (authz.Actor, bool) {
	nobody := authz.Anonymous(hostOf(n.RemoteAddr), "")
	switch {
	case n.Who.IsAgent():
		nobody.Kind, nobody.ID, nobody.Name = fleet.ActorNode, uuid.UUID(n.Who.Node), n.Who.Name
		return nobody, true
	case n.Who.User.IsZero():
		return nobody, true
	}
	actor, ok := t.actorOf(n.Who.CredentialID)
	actor.Address, actor.RequestID = nobody.Address, ""
	return actor, ok
}

// legible bounds what a client sent, and makes it text.
func legible(s string) string {
	const most = 300
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// run writes the entries down until ctx ends.
func (t *trail) run(ctx context.Context) error {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case e := <-t.entries:
			t.write(ctx, append(t.waiting(), e))
		case <-minute.C:
			t.write(ctx, t.turn())
		case <-ctx.Done():
			t.write(ctx, append(t.waiting(), t.turn()...))
			return nil
		}
	}
}

// waiting takes all that waits.
func (t *trail) waiting() (list []fleet.AuditEntry) {
	for {
		select {
		case e := <-t.entries:
			list = append(list, e)
		default:
			return list
		}
	}
}

// turn begins another minute. What was left out in the last has one line.
func (t *trail) turn() (list []fleet.AuditEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, at := range t.refused {
		if t.now().Sub(at) >= sameRefusal {
			delete(t.refused, key)
		}
	}
	for whose, leftOut := range map[string]int{"of people, tools and agents": t.known.renew(), "of strangers": t.strangers.renew()} {
		if leftOut == 0 {
			continue
		}
		e := authz.System("broker").Entry(fleet.MQTTConnect)
		e.Outcome, e.Detail = fleet.OutcomeDenied, map[string]any{"leftOut": leftOut}
		e.Reason = fmt.Sprintf("%d more entries %s were left out: there were too many in a minute", leftOut, whose)
		list = append(list, e)
	}
	return list
}

// write takes its time also when ctx has just ended. What cannot be written
// is lost: nothing waits for it.
func (t *trail) write(ctx context.Context, list []fleet.AuditEntry) {
	if len(list) == 0 {
		return
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := t.store.InTx(ctx, func(tx *store.Tx) error {
		for _, e := range list {
			if err := tx.InsertAudit(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.log.Error("audit entries of the broker are lost", "count", len(list), "error", err)
	}
}
