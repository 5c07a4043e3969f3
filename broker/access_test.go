package broker

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

func TestMessagesOfAnAgentReachTheHandlerAndThePeople(t *testing.T) {
	w := newWorld(t)
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	n, c := newNode(), id.New[id.ContainerID]()
	p := w.person(t)
	p.subscribe(t, "lormas/v1/nodes/"+n.String()+"/#", 0)
	a := w.agent(t, n)
	for _, r := range wire.Rules {
		if r.Sender != wire.FromAgent {
			continue
		}
		topic := wire.OfContainerOn(r.Kind, n, c)
		a.send(t, topic.String(), 1, string(r.Kind))
		w.handler.await(t, "message "+n.String()+" "+string(r.Kind)+" "+string(r.Kind), 1)
		p.awaitMessage(t, wire.Topic{Kind: r.Kind, Node: n, Container: c}, string(r.Kind))
	}
}

func TestAgentThatPublishesElsewhereIsCut(t *testing.T) {
	n, other, c := newNode(), newNode(), id.New[id.ContainerID]()
	for name, topic := range map[string]string{
		"as another node":       heartbeatOf(other).String(),
		"another's logs":        wire.OfContainerOn(wire.ContainerLogs, other, c).String(),
		"as the controller":     wire.OfNode(wire.NodeCommands, n).String(),
		"a state":               wire.OfContainer(wire.ContainerState, c).String(),
		"an unknown topic":      "lormas/v1/nodes/" + n.String() + "/weather",
		"another spelling":      "lormas/v1/nodes/" + strings.ToUpper(n.String()) + "/heartbeat",
		"$SYS":                  "$SYS/broker/version",
		"a topic that is empty": "",
	} {
		for qos, as := range []string{"QoS 0", "QoS 1"} {
			t.Run(name+" with "+as, func(t *testing.T) {
				w := newWorld(t)
				w.auth.edit(func(d *doorkeeper) { d.all = true })
				p := w.person(t)
				p.subscribe(t, "lormas/v1/#", 0)
				a := w.agent(t, n)
				a.Publish(topic, byte(qos), true, "lie")
				a.awaitLost(t)
				w.handler.await(t, "disconnected", 1)
				w.awaitMetric(t, "denied_total{action=publish,kind=agent}", 1)
				if w.handler.count("message") != 0 || strings.Contains(strings.Join(p.inbox(), "\n"), "lie") {
					t.Errorf("it was heard: %q, %q", w.handler.heard(), p.inbox())
				}
			})
		}
	}
}

// TestPeopleAreNotHeard: QoS 0 is dropped, with QoS 1 mochi closes.
func TestPeopleAreNotHeard(t *testing.T) {
	w := newWorld(t)
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	n := newNode()
	a := w.agent(t, n)
	a.subscribe(t, wire.OfNode(wire.NodeCommands, n).String(), 1)
	p := w.person(t)
	for range 3 {
		p.send(t, wire.OfNode(wire.NodeCommands, n).String(), 0, "lie")
		p.send(t, heartbeatOf(n).String(), 0, "lie")
	}
	w.awaitMetric(t, "denied_total{action=publish,kind=person}", 6)
	if got := p.subscribe(t, "lormas/v1/events", 0); got != 0 {
		t.Errorf("cut after a publication: SUBACK %#x", got)
	}
	if len(a.inbox()) != 0 || w.handler.count("message") != 0 {
		t.Errorf("a person was heard: %q, %q", a.inbox(), w.handler.heard())
	}
	if n := strings.Count(w.log.String(), "client was denied"); n != 1 {
		t.Errorf("logged %d times, not once", n)
	}
}

func TestAgentsCannotListenIn(t *testing.T) {
	w := newWorld(t)
	n, other := newNode(), newNode()
	a := w.agent(t, n)
	for filter, want := range map[string]byte{
		wire.OfNode(wire.NodeLease, n).String():                  0,
		wire.OfNode(wire.NodeCommands, n).String():               1,
		wire.OfNode(wire.NodeCommands, other).String():           0x80,
		"$share/g/" + wire.OfNode(wire.NodeCommands, n).String(): 0x80,
		"lormas/v1/nodes/+/commands":                             0x80,
		"lormas/v1/#":                                            0x80,
		"#":                                                      0x80,
		"$SYS/#":                                                 0x80,
	} {
		if got := a.subscribe(t, filter, want&1); got != want {
			t.Errorf("SUBACK %#x for %q, want %#x", got, filter, want)
		}
	}
	for _, node := range []id.NodeID{other, n} {
		if err := w.Publish(wire.OfNode(wire.NodeCommands, node), []byte("for "+node.String())); err != nil {
			t.Fatal(err)
		}
	}
	a.awaitMessage(t, wire.OfNode(wire.NodeCommands, n), "for "+n.String())
	if len(a.inbox()) != 1 {
		t.Errorf("it heard %q", a.inbox())
	}
}

// TestPeopleSeeWhatTheyMay subscribes widely and reads narrowly, live and
// retained.
func TestPeopleSeeWhatTheyMay(t *testing.T) {
	w := newWorld(t)
	mine, other := newNode(), newNode()
	health := func(n id.NodeID) wire.Topic { return wire.OfNode(wire.NodeHealth, n) }
	w.auth.allow(health(mine))
	p := w.person(t)
	if got := p.subscribe(t, health(other).String(), 0); got != 0x80 {
		t.Errorf("SUBACK %#x for what may not be read", got)
	}
	if got := p.subscribe(t, "lormas/v1/nodes/+/health", 1); got != 0 {
		t.Errorf("granted QoS %#x, not 0", got)
	}
	for _, n := range []id.NodeID{other, mine} {
		if err := w.Publish(health(n), []byte("well")); err != nil {
			t.Fatal(err)
		}
	}
	p.awaitMessage(t, health(mine), "well")
	late := w.person(t)
	late.subscribe(t, "lormas/v1/#", 0)
	late.awaitMessage(t, health(mine), "well")
	for _, c := range []*client{p, late} {
		if len(slices.Compact(c.inbox())) != 1 { // live and retained may both come
			t.Errorf("it heard %q", c.inbox())
		}
	}
	w.awaitMetric(t, "denied_total{action=subscribe,kind=person}", 1)
}

// TestPermissionTakenAway: deliveries stop at once, the subscription ends
// with Refresh and does not come back with the permission.
func TestPermissionTakenAway(t *testing.T) {
	w := newWorld(t)
	logs := wire.OfContainerOn(wire.ContainerLogs, newNode(), id.New[id.ContainerID]())
	events := wire.Topic{Kind: wire.FleetEvents}
	w.auth.allow(logs, events)
	p := w.person(t)
	p.subscribe(t, logs.String(), 0)
	p.subscribe(t, events.String(), 0)
	say := func(text string) {
		t.Helper()
		if err := w.Publish(events, []byte(text)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is published", func() bool { return w.publisher.waiting.Load() == 0 })
	}
	say("one")
	p.awaitMessage(t, events, "one")

	w.auth.allow(heartbeatOf(logs.Node))
	p.subscribe(t, heartbeatOf(logs.Node).String(), 0)
	say("secret")
	w.Refresh()
	if d := cmp.Diff(map[wire.Topic]int{logs: 0}, w.handler.watchers()); d != "" {
		t.Error(d)
	}

	w.auth.allow(logs, events, heartbeatOf(logs.Node))
	say("secret, as the subscription has ended")
	w.agent(t, logs.Node).send(t, heartbeatOf(logs.Node).String(), 1, "beat")
	p.awaitMessage(t, heartbeatOf(logs.Node), "beat") // comes after them
	if got := p.subscribe(t, events.String(), 0); got != 0 {
		t.Fatalf("SUBACK %#x", got)
	}
	say("two")
	p.awaitMessage(t, events, "two")
	for _, m := range p.inbox() {
		if strings.Contains(m, "secret") {
			t.Errorf("it heard %q", p.inbox())
		}
	}
}

func TestWatchersAreCounted(t *testing.T) {
	w := newWorld(t)
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	stats := wire.OfContainerOn(wire.ContainerStats, newNode(), id.New[id.ContainerID]())
	await := func(want int) {
		t.Helper()
		eventually(t, "watchers", func() bool { return w.handler.watchers()[stats] == want })
	}
	ada, bob, wide := w.person(t), w.person(t), w.person(t)
	wide.subscribe(t, "lormas/v1/#", 0)
	ada.subscribe(t, stats.String(), 0)
	ada.subscribe(t, stats.String(), 0) // again
	await(1)
	bob.subscribe(t, stats.String(), 0)
	await(2)
	ada.Unsubscribe(stats.String()).WaitTimeout(patience)
	await(1)
	bob.Disconnect(0)
	await(0)
	if d := cmp.Diff(map[wire.Topic]int{stats: 0}, w.handler.watchers()); d != "" {
		t.Error(d)
	}
}

// TestWatcherWhoseSubscriptionIsGone: a Refresh in the middle of a SUBSCRIBE
// leaves a watcher that mochi does not unsubscribe at the end.
func TestWatcherWhoseSubscriptionIsGone(t *testing.T) {
	w := newWorld(t)
	stats := wire.OfContainerOn(wire.ContainerStats, newNode(), id.New[id.ContainerID]())
	p := w.person(t)
	eventually(t, "established", func() bool { return len(w.registry.people()) == 1 })
	w.watch.add(w.registry.people()[0], stats.String())
	p.Disconnect(0)
	eventually(t, "nobody watches", func() bool {
		watchers, told := w.handler.watchers()[stats]
		return told && watchers == 0
	})
}

func TestSubscriptionsAreBounded(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.MaxSubscriptions = 2 }))
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	p := w.person(t)
	for range 2 {
		p.subscribe(t, heartbeatOf(newNode()).String(), 0)
	}
	p.Subscribe(heartbeatOf(newNode()).String(), 0, nil)
	p.awaitLost(t)
}

// TestRetentionIsTheRuleOfTheTopic and not the wish of the agent.
func TestRetentionIsTheRuleOfTheTopic(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	a := w.agent(t, n)
	sync := wire.OfNode(wire.NodeSync, n)
	a.Publish(sync.String(), 1, true, "keep this").WaitTimeout(patience)
	a.Publish(heartbeatOf(n).String(), 1, false, "beat").WaitTimeout(patience)
	eventually(t, "the heartbeat is retained", func() bool {
		_, ok := w.server.Topics.Retained.Get(heartbeatOf(n).String())
		return ok
	})
	if _, ok := w.server.Topics.Retained.Get(sync.String()); ok {
		t.Error("a sync message is retained")
	}
}
