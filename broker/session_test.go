package broker

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

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
	eventually(t, "published, to nobody", func() bool { return w.publisher.waiting.Load() == 0 })
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
