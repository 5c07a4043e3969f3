package uplink_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// What a controller needs of any broker, its own included.
var conformance = map[string]func(*testing.T, *world){
	"what an agent says comes out in order": func(t *testing.T, w *world) {
		a := w.agent(t, w.a, 1)
		a.hello()
		var want []string
		for i := range 30 {
			text := fmt.Sprintf("batch %d.", i)
			a.events(text)
			want = append(want, text)
		}
		a.send(a.heartbeat(wire.Online))
		w.await(t, w.a, "node.heartbeat", 1)
		w.await(t, w.a, "batch", len(want))
		lines := w.of(w.a)
		if !strings.HasPrefix(lines[0], "connected ") {
			t.Fatalf("it began with %s", lines[0])
		}
		conn := strings.TrimPrefix(lines[0], "connected ")
		var got []string
		for _, line := range lines[1:] {
			if !strings.Contains(line, " on "+conn+": ") {
				t.Errorf("%s, want it on connection %s", line, conn)
			}
			if at := strings.Index(line, "batch"); at > 0 {
				got = append(got, line[at:strings.Index(line[at:], ".")+at+1])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	},
	"what the controller says gets there in order": func(t *testing.T, w *world) {
		a, b := w.agent(t, w.a, 1), w.agent(t, w.b, 1)
		var want []string
		for i := range 50 {
			text := fmt.Sprintf(`{"v":1,"n":%d}`, i)
			want = append(want, text)
			if err := w.publish(wire.OfNode(wire.NodeDesired, w.a), []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		for _, kind := range []wire.Kind{wire.NodeLease, wire.NodeCommands} {
			if err := w.publish(wire.OfNode(kind, w.a), []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
			eventually(t, string(kind), func() bool { return len(a.received(kind)) > 0 })
		}
		eventually(t, "all of it", func() bool { return slices.Equal(slices.Compact(a.received(wire.NodeDesired)), want) })
		if got := len(b.received(wire.NodeDesired)); got != 0 {
			t.Errorf("the other node got %d", got)
		}
	},
	"the largest message passes": func(t *testing.T, w *world) {
		a := w.agent(t, w.a, 1)
		a.hello()
		a.events(strings.Repeat("x", wire.MaxPayload-200))
		w.await(t, w.a, "xxx", 1)
		if err := w.publish(wire.OfNode(wire.NodeDesired, w.a), []byte(strings.Repeat("y", wire.MaxPayload))); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the answer", func() bool { return len(a.received(wire.NodeDesired)) > 0 })
	},
	"a lost connection is told": func(t *testing.T, w *world) {
		a := w.agent(t, w.a, 1)
		a.hello()
		w.await(t, w.a, "node.sync", 1)
		a.vanish()
		w.await(t, w.a, "disconnected", 1)
		eventually(t, "the agent is back", func() bool { return a.now() != nil && a.says().Session == 2 })
		a.hello()
		w.await(t, w.a, "node.sync", 2)
		w.alternates(t)
	},
	"a goodbye is told once": func(t *testing.T, w *world) {
		a := w.agent(t, w.a, 1)
		a.hello()
		w.await(t, w.a, "node.sync", 1)
		bye := a.heartbeat(wire.Offline)
		bye.QoS = 1
		a.send(bye)
		a.stop()
		w.await(t, w.a, "disconnected", 1)
		w.alternates(t)
	},
	"a newer connection takes over": func(t *testing.T, w *world) {
		forever := func(o *mqttlink.Options) { o.Random = func(time.Duration) time.Duration { return time.Hour } }
		first := w.agent(t, w.a, 1, forever)
		first.hello()
		w.await(t, w.a, "node.sync", 1)
		second := w.agent(t, w.a, 2)
		second.hello()
		w.await(t, w.a, "node.sync", 2)
		if got := w.count(w.a, "disconnected"); got != 1 {
			t.Errorf("%d ends of connections: %q", got, w.of(w.a))
		}
		w.alternates(t)
	},
	"strangers stay outside": func(t *testing.T, w *world) {
		for name, edit := range map[string]func(*mqttlink.Options){
			"a wrong password":        func(o *mqttlink.Options) { o.Credentials = func() string { return "wrong" } },
			"no password":             func(o *mqttlink.Options) { o.Credentials = func() string { return "" } },
			"another node's password": func(o *mqttlink.Options) { o.Credentials = func() string { return w.passwords[w.b] } },
			"nobody's name":           func(o *mqttlink.Options) { o.Username = "nobody" },
		} {
			c := w.dial(t, w.a, 1, edit)
			eventually(t, name+" is refused", func() bool { return c.cause() == mqttlink.Refused })
			c.stop()
		}
	},
	"an agent speaks for its own node only": func(t *testing.T, w *world) {
		b := w.agent(t, w.b, 1)
		b.hello()
		w.await(t, w.b, "node.sync", 1)
		for _, kind := range []wire.Kind{wire.NodeHeartbeat, wire.NodeEvents, wire.NodeLease, wire.NodeHealth} {
			a := w.agent(t, w.a, 1)
			// One broker closes the door for it, the other drops it in silence.
			_ = a.now().Publish(mqttlink.Message{Topic: wire.OfNode(kind, w.b).String(), QoS: 1, Payload: []byte(`{"x":"a lie"}`)})
			a.stop()
		}
		w.heardNothing(t, b, "a lie")
	},
	"a will speaks for its own node only": func(t *testing.T, w *world) {
		b := w.agent(t, w.b, 1)
		b.hello()
		w.await(t, w.b, "node.sync", 1)
		lie := b.heartbeat(wire.Offline)
		lie.QoS = 1
		a := w.dial(t, w.a, 1, func(o *mqttlink.Options) { o.Will = func() *mqttlink.Message { return &lie } })
		eventually(t, "the agent is in, or refused", func() bool { return a.now() != nil || a.cause() != "" })
		if a.now() != nil {
			a.vanish()
		}
		w.heardNothing(t, b, "disconnected")
	},
	"an agent hears what is for its own node only": func(t *testing.T, w *world) {
		for _, filter := range []string{
			wire.OfNode(wire.NodeDesired, w.b).String(), wire.Prefix + "nodes/+/desired", "#", "+/#", wire.Prefix + "#",
			"$MQTT/sub/#", "$SYS/#", "$JS/#",
		} {
			for _, qos := range []byte{0, 1} {
				a := w.dial(t, w.a, 1, func(o *mqttlink.Options) {
					o.Subscribe = []mqttlink.Subscription{{Filter: filter, QoS: qos}}
				})
				b := w.agent(t, w.b, 1)
				eventually(t, "the agent is in, or refused", func() bool { return a.now() != nil || a.cause() != "" })
				for _, kind := range []wire.Kind{wire.NodeDesired, wire.NodeLease, wire.NodeCommands} {
					if err := w.publish(wire.OfNode(kind, w.b), []byte(`{"x":"secret"}`)); err != nil {
						t.Fatal(err)
					}
					eventually(t, "it arrives where it should", func() bool { return len(b.received(kind)) > 0 })
				}
				a.mu.Lock()
				for _, m := range a.got {
					if strings.Contains(string(m.Payload), "secret") {
						t.Errorf("with %s at QoS %d it got %s on %s", filter, qos, m.Payload, m.Topic)
					}
				}
				a.mu.Unlock()
				a.stop()
				b.stop()
			}
		}
	},
}

func TestConformance(t *testing.T) {
	for broker, begin := range brokers {
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			for name, check := range conformance {
				t.Run(name, func(t *testing.T) { check(t, begin(t)) })
			}
		})
	}
}

// alternates checks that a node has one connection at a time.
func (w *world) alternates(t *testing.T) {
	t.Helper()
	open := ""
	for _, line := range w.of(w.a) {
		if conn, is := strings.CutPrefix(line, "connected "); is {
			if open != "" {
				t.Errorf("connection %s begins in %s", conn, open)
			}
			open = conn
		}
		if conn, is := strings.CutPrefix(line, "disconnected "); is {
			if open != conn {
				t.Errorf("connection %s ends, open is %q", conn, open)
			}
			open = ""
		}
	}
}

// heardNothing checks that nobody was told of something as b's, once all that
// was on its way before has arrived.
func (w *world) heardNothing(t *testing.T, b *client, word string) {
	t.Helper()
	b.events("the last word")
	w.await(t, w.b, "the last word", 1)
	if got := w.count(w.b, word); got != 0 {
		t.Errorf("%q was heard of another node: %q", word, w.of(w.b))
	}
	for _, kind := range []wire.Kind{wire.NodeLease} {
		if got := b.received(kind); len(got) != 0 {
			t.Errorf("it was told %q", got)
		}
	}
}
