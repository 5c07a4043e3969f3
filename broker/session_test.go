package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	mqttc "github.com/eclipse/paho.mqtt.golang"
	pahopackets "github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/go-cmp/cmp"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2/packets"
)

// What paho makes of the CONNACK codes 2, 3 and 5.
var (
	rejected    = pahopackets.ErrorRefusedIDRejected
	unavailable = pahopackets.ErrorRefusedServerUnavailable
	refused     = pahopackets.ErrorRefusedNotAuthorised
)

func clientID(s string) func(*mqttc.ClientOptions) {
	return func(o *mqttc.ClientOptions) { o.SetClientID(s) }
}

func TestAnswersToConnect(t *testing.T) {
	n := newNode()
	user := Identity{User: id.New[id.UserID]()}
	for _, c := range []struct {
		name     string
		who      Identity
		clientID string
		err      error // of the Authorizer
		want     error
	}{
		{name: "agent", who: Identity{Node: n}, clientID: n.String()},
		{name: "person", who: user, clientID: "mosquitto-42"},
		{name: "person who names herself like a node", who: user, clientID: n.String()},
		{name: "agent under another id", who: Identity{Node: n}, clientID: newNode().String(), want: rejected},
		{name: "agent under a pretty name", who: Identity{Node: n}, clientID: "lormas-agent", want: rejected},
		{name: "wrong password", err: ErrRefused, want: refused},
		{name: "database away", err: fmt.Errorf("load credential: %w", ErrUnavailable), want: unavailable},
		{name: "unexpected error", err: errors.New("boo"), want: refused},
		{name: "nobody", who: Identity{}, want: refused},
		{name: "both", who: Identity{Node: n, User: user.User}, clientID: n.String(), want: refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.auth.edit(func(d *doorkeeper) { d.err = c.err })
			if _, err := w.dial(t, w.auth.admit(c.who), clientID(c.clientID)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestFloodOfConnectsIsToldToComeLater(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.ConnectRate, l.ConnectBurst = 1e-9, 2 }))
	w.person(t)
	w.agent(t, newNode())
	if _, err := w.dial(t, "any"); !errors.Is(err, unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestTooOldProtocolIsRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.dial(t, w.auth.admit(Identity{User: id.New[id.UserID]()}), func(o *mqttc.ClientOptions) { o.SetProtocolVersion(3) })
	if err == nil {
		t.Error("MQTT 3.1 was let in")
	}
}

func TestPresenceIsToldInTurn(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	for range 3 {
		w.agent(t, n)
	}
	last := w.agent(t, n)
	last.Disconnect(250) // milliseconds to get the DISCONNECT out
	w.handler.await(t, "disconnected", 4)
	want := []string{
		"connected 1", "disconnected 1: " + ErrTakenOver.Error(),
		"connected 2", "disconnected 2: " + ErrTakenOver.Error(),
		"connected 3", "disconnected 3: " + ErrTakenOver.Error(),
		"connected 4", "disconnected 4: <nil>",
	}
	var got []string
	for _, line := range w.handler.heard() {
		got = append(got, strings.Replace(line, n.String()+" ", "", 1))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if w.Connected(n) {
		t.Error("still connected")
	}
}

// TestManyAgentsWithOneID lets connections with one id race. mochi alone
// loses track: an older one's end takes the newer one's subscriptions away.
func TestManyAgentsWithOneID(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	password := w.auth.admit(Identity{Node: n})
	connect := connectPacket(t, AgentClientID(n), password)
	var racing sync.WaitGroup
	for range 20 {
		c := w.raw(t)
		racing.Go(func() {
			write(c, connect)
			_, _ = c.Read(make([]byte, 4)) // CONNACK, or taken over already
		})
	}
	racing.Wait()
	last := w.agent(t, n)
	commands := wire.OfNode(wire.NodeCommands, n)
	if got := last.subscribe(t, commands.String(), 1); got != 1 {
		t.Fatalf("SUBACK %#x", got)
	}
	eventually(t, "all others are gone", func() bool { return w.metric(t, "connections{kind=agent}") == 1 })
	if err := w.Publish(commands, []byte("go")); err != nil {
		t.Fatal(err)
	}
	last.awaitMessage(t, commands, "go")
	open := 0
	for _, line := range w.handler.heard() {
		if strings.HasPrefix(line, "connected") {
			open++
		} else {
			open--
		}
		if open < 0 || open > 1 {
			t.Fatalf("connections of one node overlap: %q", w.handler.heard())
		}
	}
}

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

func TestPeopleCannotTakeOverNodesNorOneAnother(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	a := w.agent(t, n)
	ada := w.person(t, clientID(n.String()))
	bob := w.person(t, clientID(n.String()))
	inline := w.person(t, clientID("inline")) // mochi's own client
	w.auth.allow(wire.Topic{Kind: wire.FleetEvents})
	commands := wire.OfNode(wire.NodeCommands, n)
	a.subscribe(t, commands.String(), 1)
	events := wire.Topic{Kind: wire.FleetEvents}
	for _, p := range []*client{ada, bob, inline} {
		p.subscribe(t, events.String(), 0)
	}
	for _, topic := range []wire.Topic{commands, events} {
		if err := w.Publish(topic, []byte("hi")); err != nil {
			t.Fatal(err)
		}
	}
	a.awaitMessage(t, commands, "hi")
	for _, p := range []*client{ada, bob, inline} {
		p.awaitMessage(t, events, "hi")
	}
}

// TestOwnReconnectTakesOver is the same person with the same client id.
func TestOwnReconnectTakesOver(t *testing.T) {
	w := newWorld(t)
	password := w.auth.admit(Identity{User: id.New[id.UserID]()})
	first, err := w.dial(t, password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.dial(t, password); err != nil {
		t.Fatal(err)
	}
	first.awaitLost(t)
}

func TestNothingQueuesForTheAbsent(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	persistent := func(o *mqttc.ClientOptions) { o.SetCleanSession(false) }
	commands := wire.OfNode(wire.NodeCommands, n)
	a := w.agent(t, n, persistent)
	a.subscribe(t, commands.String(), 1)
	a.Disconnect(0)
	w.handler.await(t, "disconnected", 1)
	if err := w.Publish(commands, []byte("while away")); err != nil {
		t.Fatal(err)
	}
	a = w.agent(t, n, persistent)
	a.subscribe(t, commands.String(), 1)
	if err := w.Publish(commands, []byte("back")); err != nil {
		t.Fatal(err)
	}
	a.awaitMessage(t, commands, "back")
	if len(a.inbox()) != 1 {
		t.Errorf("the broker kept %q", a.inbox())
	}
}

// TestSessionsOfVersion5DoNotLiveOn although MQTT 5 can ask for it.
func TestSessionsOfVersion5DoNotLiveOn(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	commands := wire.OfNode(wire.NodeCommands, n)
	five := func(pk *packets.Packet) {
		pk.ProtocolVersion, pk.Connect.Clean = 5, false
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 3600, true
	}
	connect := connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n}), five)
	for times := range 2 {
		c := w.raw(t)
		write(c, connect)
		connack := make([]byte, 4) // its head
		if _, err := io.ReadFull(c, connack); err != nil || connack[2] != 0 || connack[3] != 0 {
			t.Fatalf("CONNACK % x, %v: want no session and success", connack, err)
		}
		if w.server.Topics.Subscribers(commands.String()).Subscriptions[AgentClientID(n)].Filter != "" {
			t.Error("a subscription lives on")
		}
		write(c, subscribePacket(t, five, commands.String()))
		eventually(t, "subscribed", func() bool { return len(w.server.Topics.Subscribers(commands.String()).Subscriptions) == 1 })
		_ = c.Close()
		w.handler.await(t, "disconnected", times+1)
	}
}

// TestNoTraceIsLeft looks into mochi's tables after all kinds of ends.
func TestNoTraceIsLeft(t *testing.T) {
	w := newWorld(t)
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	n := newNode()
	a := w.agent(t, n)
	a.subscribe(t, wire.OfNode(wire.NodeCommands, n).String(), 1)
	w.agent(t, n)
	p := w.person(t)
	p.subscribe(t, "lormas/v1/#", 0)
	p.Disconnect(0)
	_, _ = w.dial(t, "wrong")
	awaitClosedAfter(t, w, []byte("GET / HTTP/1.1\r\n\r\n"))
	w.KickNode(n, errors.New("deleted"))
	eventually(t, "nobody is left", func() bool {
		w.registry.mu.Lock()
		defer w.registry.mu.Unlock()
		return len(w.registry.all)+len(w.registry.holders) == 0
	})
	if left := w.server.Clients.Len(); left != 1 {
		t.Errorf("mochi knows %d clients, not only its own", left)
	}
	if subs := w.server.Topics.Subscribers(wire.OfNode(wire.NodeCommands, n).String()); len(subs.Subscriptions) != 0 {
		t.Errorf("subscriptions are left: %v", subs.Subscriptions)
	}
	for _, kind := range []string{"agent", "person"} {
		if got := w.metric(t, "connections{kind="+kind+"}"); got != 0 {
			t.Errorf("%v connections of %s counted", got, kind)
		}
	}
}

func awaitClosedAfter(t *testing.T, w *world, first []byte) {
	t.Helper()
	c := w.raw(t)
	write(c, first)
	awaitClosed(t, c)
}
