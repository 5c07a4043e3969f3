package broker

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

func TestPublishKeepsTheOrderOfATopic(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	a := w.agent(t, n)
	topics := []wire.Topic{wire.OfNode(wire.NodeDesired, n), wire.OfNode(wire.NodeCommands, n)}
	want := map[wire.Topic][]string{}
	for _, topic := range topics {
		a.subscribe(t, topic.String(), 1)
	}
	for i := range 100 {
		for _, topic := range topics {
			payload := fmt.Sprint(i)
			if err := w.Publish(topic, []byte(payload)); err != nil {
				t.Fatal(err)
			}
			want[topic] = append(want[topic], topic.String()+" "+payload)
		}
	}
	eventually(t, "all have arrived", func() bool { return len(a.inbox()) == 200 })
	got := map[wire.Topic][]string{}
	for _, m := range a.inbox() {
		for _, topic := range topics {
			if name := topic.String(); m[:len(name)] == name {
				got[topic] = append(got[topic], m)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestPublishNeverBlocks fills the queue of a stuck agent's worker.
func TestPublishNeverBlocks(t *testing.T) {
	w := newWorld(t, withLimits(slowWrites))
	n := newNode()
	w.stuck(t, n) // its last message was dropped
	if err := w.Publish(wire.OfNode(wire.NodeCommands, n), []byte("more")); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
}

func TestPublishIsBoundedInBytes(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.PublishBytes = 100 }))
	topic := wire.Topic{Kind: wire.FleetEvents}
	if err := w.Publish(topic, make([]byte, 101)); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	for range 10 { // room is given back
		eventually(t, "room", func() bool { return w.Publish(topic, make([]byte, 99)) == nil })
	}
}

func TestPublishRefusesWhatIsNotTheControllers(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	for name, err := range map[string]error{
		"an agent's topic":   w.Publish(heartbeatOf(n), []byte("x")),
		"no topic":           w.Publish(wire.Topic{}, []byte("x")),
		"nothing":            w.Publish(wire.OfNode(wire.NodeHealth, n), nil),
		"too much":           w.Publish(wire.OfNode(wire.NodeHealth, n), make([]byte, wire.MaxPayload+1)),
		"clear the fleeting": w.ClearRetained(wire.OfNode(wire.NodeSync, n)),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestClearRetained(t *testing.T) {
	w := newWorld(t)
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	gone, kept := wire.OfContainer(wire.ContainerState, id.New[id.ContainerID]()), wire.OfContainer(wire.ContainerState, id.New[id.ContainerID]())
	for _, topic := range []wire.Topic{gone, kept} {
		if err := w.Publish(topic, []byte("running")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.ClearRetained(gone); err != nil {
		t.Fatal(err)
	}
	eventually(t, "published", func() bool { return w.publisher.waiting.Load() == 0 && w.server.Topics.Retained.Len() >= 1 })
	p := w.person(t)
	eventually(t, "one is left", func() bool {
		_, ok := w.server.Topics.Retained.Get(gone.String())
		return !ok
	})
	p.subscribe(t, "lormas/v1/containers/#", 0)
	p.awaitMessage(t, kept, "running")
	if len(p.inbox()) != 1 {
		t.Errorf("it heard %q", p.inbox())
	}
}
