package app_test

import (
	"context"
	"crypto/tls"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// agent is a simulated agent: it speaks real MQTT and does nothing but what
// the test tells it.
type agent struct {
	t       testing.TB
	node    id.NodeID
	token   string
	machine string
	ledger  string
	tls     *tls.Config // nil: the system's
	session wire.Session

	mu       sync.Mutex
	link     *mqttlink.Session
	leases   []wire.Lease
	desired  []wire.Desired
	commands []wire.Command
	stop     func()
}

func newAgent(t testing.TB, node id.NodeID, token string) *agent {
	t.Helper()
	a := &agent{t: t, node: node, token: token, machine: "m-" + node.String(), ledger: "l1"}
	a.session.BootID = "boot"
	a.stop = func() {}
	t.Cleanup(func() { a.stop() })
	return a
}

// connect dials until it is in. What was received before is forgotten.
func (a *agent) connect(server string) *agent {
	a.t.Helper()
	a.stop()
	up := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	a.mu.Lock()
	a.session.Session++
	a.leases, a.desired, a.commands = nil, nil, nil
	a.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- mqttlink.Run(ctx, a.options(server, sync.OnceFunc(func() { close(up) }))) }()
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			a.t.Errorf("the agent's link ended with: %v", err)
		}
	})
	select {
	case <-up:
	case <-time.After(patience):
		a.t.Fatal("the agent does not get in")
	}
	return a
}

func (a *agent) options(server string, up func()) mqttlink.Options {
	topic := func(k wire.Kind) string { return wire.OfNode(k, a.node).String() }
	session := a.session
	return mqttlink.Options{
		Servers: []string{server}, ClientID: a.node.String(), Username: a.node.String(),
		Credentials: func() string { return a.token }, TLS: a.tls,
		Will: func() *mqttlink.Message {
			return &mqttlink.Message{Topic: topic(wire.NodeHeartbeat), QoS: 1, Retained: true, Payload: wire.Encode(wire.Heartbeat{
				Header: wire.Head(wire.TypeHeartbeat), Session: session, NodeID: a.node, Status: wire.Offline, Timestamp: time.Now(),
			})}
		},
		Subscribe: []mqttlink.Subscription{
			{Filter: topic(wire.NodeLease), QoS: 0}, {Filter: topic(wire.NodeDesired), QoS: 1}, {Filter: topic(wire.NodeCommands), QoS: 1},
		},
		OnUp: func(s *mqttlink.Session) {
			a.mu.Lock()
			a.link = s
			a.mu.Unlock()
			up()
		},
		OnDown:    func(error) {},
		OnMessage: a.receive,
	}
}

// receive drops what was meant for an earlier session, as agents do.
func (a *agent) receive(m mqttlink.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	topic, _ := wire.ParseTopic(m.Topic)
	switch topic.Kind {
	case wire.NodeLease:
		l := mustDecode[wire.Lease](a.t, m.Payload, wire.TypeLease)
		keep(a, &a.leases, l, l.Session)
	case wire.NodeDesired:
		d := mustDecode[wire.Desired](a.t, m.Payload, wire.TypeDesired)
		keep(a, &a.desired, d, d.Session)
	case wire.NodeCommands:
		c := mustDecode[wire.Command](a.t, m.Payload, wire.TypeCommand)
		keep(a, &a.commands, c, c.Session)
	}
}

func keep[T any](a *agent, list *[]T, message T, session wire.Session) {
	if session == a.session {
		*list = append(*list, message)
	}
}

func mustDecode[T any](t testing.TB, payload []byte, kind string) T {
	out, err := wire.Decode[T](payload, kind)
	if err != nil {
		t.Errorf("the controller sent %s: %v", payload, err)
	}
	return out
}

func (a *agent) publish(kind wire.Kind, payload []byte) {
	a.t.Helper()
	topic := wire.OfNode(kind, a.node)
	a.mu.Lock()
	link := a.link
	a.mu.Unlock()
	if err := link.Publish(mqttlink.Message{Topic: topic.String(), QoS: topic.Rule().QoS, Payload: payload}); err != nil {
		a.t.Fatal(err)
	}
}

// cut breaks the connection as a lost link does.
func (a *agent) cut() {
	a.mu.Lock()
	link := a.link
	a.mu.Unlock()
	link.Close(io.ErrUnexpectedEOF)
}

func (a *agent) helloMessage(applied int64, set ...wire.DesiredContainer) wire.Hello {
	return wire.Hello{
		Header: wire.Head(wire.TypeHello), Session: a.session, NodeID: a.node, AppliedRev: applied, Digest: wire.Digest(set),
		LedgerID: a.ledger, AgentVersion: "test", Hostname: "host-" + a.machine, MachineID: a.machine, Arch: "amd64",
		Telemetry: &wire.Telemetry{CPUAllocatable: 4, MemoryAllocatable: 8 << 30, DiskAllocatable: 100 << 30},
	}
}

func (a *agent) hello(applied int64, set ...wire.DesiredContainer) *agent {
	a.t.Helper()
	a.publish(wire.NodeSync, wire.Encode(a.helloMessage(applied, set...)))
	return a
}

// greet says hello on every connection until one is answered, as agents do: a
// connection may be taken over by an attempt that was given up before it.
func (a *agent) greet() {
	a.t.Helper()
	var greeted *mqttlink.Session
	eventually(a.t, "the answer to hello", func() bool {
		a.mu.Lock()
		link := a.link
		if link != greeted && greeted != nil {
			a.session.Session++
		}
		hello := wire.Encode(a.helloMessage(0))
		a.mu.Unlock()
		if link != greeted {
			greeted = link
			topic := wire.OfNode(wire.NodeSync, a.node)
			_ = link.Publish(mqttlink.Message{Topic: topic.String(), QoS: topic.Rule().QoS, Payload: hello}) // a broken one is followed by another
		}
		var answer wire.Desired
		return pick(a, &a.desired, func(wire.Desired) bool { return true }, &answer)
	})
}

func (a *agent) heartbeat(applied int64) *agent {
	a.t.Helper()
	a.publish(wire.NodeHeartbeat, wire.Encode(wire.Heartbeat{
		Header: wire.Head(wire.TypeHeartbeat), Session: a.session, NodeID: a.node, Status: wire.Online,
		Timestamp: time.Now(), Seq: uint64(time.Now().UnixNano()), AppliedRev: applied, DockerOK: true, GuardOK: true,
	}))
	return a
}

// join says hello as a new agent and waits until the node is healthy.
func (a *agent) join(c *controller) *agent {
	a.t.Helper()
	a.connect("mqtt://" + c.MQTTAddr()).hello(0)
	a.awaitDesired("the answer to hello", func(d wire.Desired) bool { return true })
	a.heartbeat(0)
	c.awaitState(a.node, fleet.NodeHealthy)
	return a
}

func (a *agent) events(items ...wire.Event) *agent {
	a.t.Helper()
	a.publish(wire.NodeEvents, wire.Encode(wire.Events{
		Header: wire.Head(wire.TypeEvents), Session: a.session, LedgerID: a.ledger, Items: items,
	}))
	return a
}

func (a *agent) awaitDesired(what string, is func(wire.Desired) bool) (found wire.Desired) {
	a.t.Helper()
	eventually(a.t, what, func() bool { return pick(a, &a.desired, is, &found) })
	return found
}

func (a *agent) awaitCommand(what string, is func(wire.Command) bool) (found wire.Command) {
	a.t.Helper()
	eventually(a.t, what, func() bool { return pick(a, &a.commands, is, &found) })
	return found
}

func (a *agent) awaitLease(what string, is func(wire.Lease) bool) (found wire.Lease) {
	a.t.Helper()
	eventually(a.t, what, func() bool { return pick(a, &a.leases, is, &found) })
	return found
}

// pick finds the first message that fits among those received.
func pick[T any](a *agent, list *[]T, is func(T) bool, found *T) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range *list {
		if is(m) {
			*found = m
			return true
		}
	}
	return false
}

func state(seq uint64, c fleet.Container, phase spec.Phase) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventContainerState, At: time.Now(), Container: &wire.ContainerStatus{
		ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, Phase: phase,
	}}
}

func delivered(seq uint64, command id.CommandID) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventCommandReceipt, At: time.Now(), CommandID: command, Receipt: wire.Delivered}
}

func applied(seq uint64, command id.CommandID) wire.Event {
	return wire.Event{Seq: seq, Type: wire.EventCommandResult, At: time.Now(), CommandID: command, Status: "success",
		Receipt: wire.Applied, Result: &wire.Result{ContainerID: "docker"}}
}
