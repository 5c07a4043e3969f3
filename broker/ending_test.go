package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2/packets"
)

// stuck is a client that subscribes and then reads nothing, until a write to
// it blocks.
func (w *world) stuck(t *testing.T, n id.NodeID) {
	t.Helper()
	commands := wire.OfNode(wire.NodeCommands, n)
	c := w.raw(t)
	write(c, connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n, CredentialID: "stuck"})))
	readConnack(t, c)
	write(c, subscribePacket(t, version4, commands.String()))
	big := make([]byte, wire.MaxPayload)
	eventually(t, "the client's connection is full", func() bool {
		_ = w.Publish(commands, big) // dropped when the queue is full
		return w.metric(t, "messages_dropped_total{reason=queue_full}") > 0
	})
}

func slowWrites(l *Limits) { l.WriteTimeout, l.PublishQueue, l.PendingWrites = time.Minute, 4, 4 }

func TestTakeoverOfAStuckClientDoesNotBlock(t *testing.T) {
	w := newWorld(t, withLimits(slowWrites))
	n := newNode()
	w.stuck(t, n)
	w.agent(t, n)
	w.handler.await(t, "connected", 2)
}

func TestKickOfAStuckClientDoesNotBlock(t *testing.T) {
	for name, kick := range map[string]func(*world, id.NodeID){
		"node":       func(w *world, n id.NodeID) { w.KickNode(n, errors.New("deleted")) },
		"credential": func(w *world, _ id.NodeID) { w.KickCredential("stuck", errors.New("revoked")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, withLimits(slowWrites))
			n := newNode()
			w.stuck(t, n)
			kick(w, n)
			eventually(t, "gone", func() bool { return !w.Connected(n) })
		})
	}
}

func TestCloseDoesNotWaitForAStuckClient(t *testing.T) {
	w := newWorld(t, withLimits(slowWrites))
	w.stuck(t, newNode())
	w.raw(t) // and one that says nothing
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestCloseDoesNotWaitForTheAuthorizer(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.ConnectDeadline = time.Hour }), func(o *Options) {
		o.Authorizer = patientDoorkeeper{o.Authorizer.(*doorkeeper), make(chan struct{})}
	})
	write(w.raw(t), connectPacket(t, "x", "y"))
	<-w.options.Authorizer.(patientDoorkeeper).asked
	w.close(t)
}

// patientDoorkeeper waits for a database that never answers.
type patientDoorkeeper struct {
	*doorkeeper
	asked chan struct{}
}

func (p patientDoorkeeper) Authenticate(ctx context.Context, _ Credentials) (Identity, error) {
	close(p.asked)
	<-ctx.Done()
	return Identity{}, ctx.Err()
}

func TestClientThatTakesNothingIsCut(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { slowWrites(l); l.WriteTimeout = 50 * time.Millisecond }))
	beat := func(n id.NodeID) []byte { return publishPacket(t, heartbeatOf(n).String(), []byte("beat")) }
	n := newNode()
	c := w.raw(t)
	write(c, connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n}), func(pk *packets.Packet) { pk.Connect.Keepalive = 0 }))
	readConnack(t, c)
	write(c, subscribePacket(t, version4, wire.OfNode(wire.NodeCommands, n).String()))
	big := make([]byte, wire.MaxPayload)
	eventually(t, "cut", func() bool {
		_ = w.Publish(wire.OfNode(wire.NodeCommands, n), big)
		write(c, beat(n)) // it still talks, which must not win it time
		return w.handler.count("disconnected") == 1
	})
}

func TestWillTellsPeopleThatANodeIsGone(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.auth.allow(heartbeatOf(n))
	p := w.person(t)
	p.subscribe(t, heartbeatOf(n).String(), 0)
	w.agent(t, n).send(t, heartbeatOf(n).String(), 0, "online")
	p.awaitMessage(t, heartbeatOf(n), "online")
	w.KickNode(n, errors.New("revoked"))
	p.awaitMessage(t, heartbeatOf(n), string(will(n)))
	late := w.person(t)
	late.subscribe(t, heartbeatOf(n).String(), 0)
	late.awaitMessage(t, heartbeatOf(n), string(will(n))) // it is retained
}

// TestWillOfAKickInTheMiddleOfAPacket is about mochi's Client.Stop, which
// loses the will of a client that has a packet in work.
func TestWillOfAKickInTheMiddleOfAPacket(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.auth.allow(heartbeatOf(n))
	p := w.person(t)
	p.subscribe(t, heartbeatOf(n).String(), 0)
	w.handler.setReact(func(what string) {
		if strings.HasPrefix(what, "message") {
			w.KickNode(n, errors.New("revoked"))
		}
	})
	a := w.agent(t, n)
	a.Publish(heartbeatOf(n).String(), 0, false, "online")
	p.awaitMessage(t, heartbeatOf(n), string(will(n)))
}

// TestPacketsAfterAKickAreNotHeard sends many at once: those that mochi has
// in its buffer outlive the socket.
func TestPacketsAfterAKickAreNotHeard(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.handler.setReact(func(what string) {
		if strings.HasPrefix(what, "message") {
			w.KickNode(n, errors.New("revoked"))
		}
	})
	c := w.raw(t)
	write(c, connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n})))
	readConnack(t, c)
	write(c, bytes.Repeat(publishPacket(t, heartbeatOf(n).String(), []byte("beat")), 10))
	w.handler.await(t, "disconnected", 1)
	if got := w.handler.count("message"); got != 1 {
		t.Errorf("%d messages were heard", got)
	}
}

func TestWillOfATakenOverConnectionIsDropped(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.auth.allow(heartbeatOf(n))
	p := w.person(t)
	p.subscribe(t, heartbeatOf(n).String(), 0)
	for i := range 10 {
		beat := fmt.Sprint("online ", i)
		w.agent(t, n).send(t, heartbeatOf(n).String(), 0, beat)
		p.awaitMessage(t, heartbeatOf(n), beat)
	}
	for _, m := range p.inbox() {
		if strings.HasSuffix(m, string(will(n))) {
			t.Fatalf("a will was published: %q", p.inbox())
		}
	}
}

func TestCloseAnnouncesNobodysDeath(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	a := w.agent(t, n)
	a.send(t, heartbeatOf(n).String(), 1, "online")
	w.close(t)
	a.awaitLost(t)
	if pk, _ := w.server.Topics.Retained.Get(heartbeatOf(n).String()); string(pk.Payload) != "online" {
		t.Errorf("retained is %q", pk.Payload)
	}
	if w.handler.count("disconnected") != 0 {
		t.Errorf("the handler heard %q", w.handler.heard())
	}
	if err := w.Publish(wire.Topic{Kind: wire.FleetEvents}, []byte("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("publish after close: %v", err)
	}
	if err := w.Close(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("second close: %v", err)
	}
}

// TestKickWhileTheCredentialIsChecked revokes between the check and the session.
func TestKickWhileTheCredentialIsChecked(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.auth.edit(func(d *doorkeeper) {
		d.check = func(Credentials) {
			w.KickCredential("of another", errors.New("not this one"))
			w.KickCredential("mine", errors.New("revoked"))
		}
	})
	if _, err := w.dial(t, w.auth.admit(Identity{Node: n, CredentialID: "mine"}), clientID(n.String())); !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
	w.auth.edit(func(d *doorkeeper) { d.check = nil })
	w.agent(t, n)
}

func TestKickCredentialCutsAllItsConnectionsAndNoOther(t *testing.T) {
	w := newWorld(t)
	who := Identity{User: id.New[id.UserID](), CredentialID: "token-1"}
	var mine []*client
	for i := range 3 {
		c, err := w.dial(t, w.auth.admit(who), clientID(fmt.Sprint("tab", i)))
		if err != nil {
			t.Fatal(err)
		}
		mine = append(mine, c)
	}
	second, err := w.dial(t, w.auth.admit(Identity{User: who.User, CredentialID: "token-2"}), clientID("other token"))
	if err != nil {
		t.Fatal(err)
	}
	other := w.person(t)
	w.KickCredential("token-1", errors.New("revoked"))
	for _, c := range mine {
		c.awaitLost(t)
	}
	if !second.IsConnected() {
		t.Error("the connection of another token was cut")
	}
	w.KickUser(who.User, errors.New("disabled"))
	second.awaitLost(t)
	if other.wasLost() || !other.IsConnected() {
		t.Error("another's connection was cut")
	}
}
