package uplink_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/uplink"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// What a controller needs of a broker that is not its own.
var abroad = map[string]func(*testing.T, *world){
	"the broker is started again": func(t *testing.T, w *world) {
		a := w.agent(t, w.a, 1)
		a.hello()
		w.await(t, w.a, "node.sync", 1)
		w.external.down(t)
		eventually(t, "the uplink knows", func() bool { return w.external.uplink.Ready(t.Context()) != nil })
		if err := w.publish(wire.OfNode(wire.NodeLease, w.a), []byte(`{}`)); !errors.Is(err, uplink.ErrAway) {
			t.Errorf("publish without a broker: %v", err)
		}
		if err := w.external.uplink.Probe(t.Context()); err == nil {
			t.Error("a broker that is gone answers a probe")
		}
		w.external.up(t)
		eventually(t, "both are back", func() bool { return a.now() != nil && w.external.uplink.Probe(t.Context()) == nil })
		a.hello()
		w.await(t, w.a, "node.sync", 2)
		if begun, ended := w.count(w.a, "connected "), w.count(w.a, "disconnected"); begun != 2 || ended != 0 {
			t.Errorf("the cut of the uplink was taken for one of the agent: %q", w.of(w.a))
		}
	},
	// As when another controller takes over: it meets sessions in the middle
	// of their lives, and asks for what it has missed.
	"a new controller meets a session": func(t *testing.T, w *world) {
		a := w.agent(t, w.a, 1)
		a.hello()
		a.send(a.heartbeat(wire.Online))
		w.await(t, w.a, "node.heartbeat", 1)
		w.external.stop()
		w.recorder = newRecorder()
		w.connect(t)
		t0 := wire.OfNode(wire.NodeHeartbeat, w.a)
		eventually(t, "people see the retained heartbeat", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return len(w.relayed[t0]) == 1 })
		if got := w.of(w.a); len(got) != 0 {
			t.Fatalf("what was retained counts: %q", got)
		}
		a.send(a.heartbeat(wire.Online))
		w.await(t, w.a, "node.heartbeat", 1)
		eventually(t, "the agent is asked for its hello", func() bool { return len(a.received(wire.NodeDesired)) > 0 })
		question, err := wire.Decode[wire.Desired]([]byte(a.received(wire.NodeDesired)[0]), wire.TypeDesired)
		if err != nil || question.Session != a.says() || question.Kind != wire.DesiredDelta || question.FromRev < 1<<50 {
			t.Errorf("it was asked %+v (%v)", question, err)
		}
		w.alternates(t)
	},
	"a newer controller throws the older one out": func(t *testing.T, w *world) {
		older := w.external
		w.external = &external{up: older.up, down: older.down, reload: older.reload, admit: older.admit, log: &safeLog{}}
		w.barred.Store(true) // as one that has lost its authority
		w.connect(t)
		eventually(t, "the older one is out", func() bool { return older.uplink.Ready(t.Context()) != nil })
		eventually(t, "it stays out", func() bool { return strings.Contains(older.log.String(), "no connection to") })
		if err := w.external.uplink.Probe(t.Context()); err != nil {
			t.Error(err)
		}
	},
	"a credential that ended is cut off": func(t *testing.T, w *world) {
		a, b := w.agent(t, w.a, 1), w.agent(t, w.b, 1)
		a.hello()
		w.await(t, w.a, "node.sync", 1)
		w.external.admit(t, w.b)
		w.external.reload(t)
		eventually(t, "it is cut off and refused", func() bool { return a.now() == nil && a.cause() == mqttlink.Refused })
		b.hello()
		w.await(t, w.b, "node.sync", 1)
	},
	"a node that was kicked is not heard": func(t *testing.T, w *world) {
		a, b := w.agent(t, w.a, 1), w.agent(t, w.b, 1)
		a.hello()
		w.await(t, w.a, "node.sync", 1)
		w.external.uplink.KickNode(w.a, errors.New("its credential was revoked"))
		w.await(t, w.a, "disconnected", 1)
		a.events("unheard")
		b.events("the last word") // by another way than a's, which is as long
		w.await(t, w.b, "the last word", 1)
		a.vanish()
		eventually(t, "it comes with another session", func() bool { return a.now() != nil && a.says().Session == 2 })
		a.hello()
		w.await(t, w.a, "node.sync", 2)
		if w.count(w.a, "unheard") != 0 {
			t.Errorf("it was heard: %q", w.of(w.a))
		}
		w.alternates(t)
	},
}

func TestExternal(t *testing.T) {
	for broker, begin := range brokers {
		if broker == "embedded" {
			continue
		}
		t.Run(broker, func(t *testing.T) {
			t.Parallel()
			for name, check := range abroad {
				t.Run(name, func(t *testing.T) { check(t, begin(t)) })
			}
		})
	}
}
