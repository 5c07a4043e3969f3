// Package crowd is a fleet of simulated nodes: each holds a real connection
// to the broker and speaks the protocol as an agent does, but has no engine.
// What it is told to run it reports as running, or as whatever the test wants.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Options say where a crowd lives.
type Options struct {
	Server string // such as mqtt://10.77.0.2:1883
	Dial   func(ctx context.Context) (net.Conn, error)
	Beat   time.Duration // between two heartbeats of a node
	News   time.Duration // between two changes of some container of the crowd
}

// Credential is what a node was enrolled with.
type Credential struct {
	ID    id.NodeID
	Token string
}

// Crowd is the nodes that have joined.
type Crowd struct {
	opt     Options
	haste   chan int
	members []*member
	running errgroup.Group
}

// atOnce is how many join at the same time.
const atOnce = 32

// Join connects all nodes and returns when each has been told what to run.
// They live until ctx ends; Wait tells how that went.
func Join(ctx context.Context, opt Options, all []Credential) (*Crowd, error) {
	c := &Crowd{opt: opt, haste: make(chan int)}
	var joining errgroup.Group
	joining.SetLimit(atOnce)
	for _, credential := range all {
		m := newMember(credential)
		c.members = append(c.members, m)
		c.running.Go(func() error { return mqttlink.Run(ctx, m.options(opt)) })
		joining.Go(func() error {
			select {
			case <-m.done:
				return nil
			case <-ctx.Done():
				return fmt.Errorf("node %s was told nothing: %w", m.ID, ctx.Err())
			}
		})
	}
	if err := joining.Wait(); err != nil {
		return nil, errors.Join(err, c.running.Wait())
	}
	return c, nil
}

// Live sends heartbeats and news of all nodes, evenly, until ctx ends.
func (c *Crowd) Live(ctx context.Context) {
	perBeat := c.opt.Beat / time.Duration(len(c.members))
	beat, news := time.NewTicker(perBeat), time.NewTicker(c.opt.News)
	defer beat.Stop()
	defer news.Stop()
	for i, n := 0, 0; ; {
		select {
		case <-beat.C:
			c.members[i%len(c.members)].heartbeat()
			i++
		case <-news.C:
			c.members[n%len(c.members)].change(phases[n/len(c.members)%len(phases)])
			n++
		case times := <-c.haste:
			beat.Reset(perBeat / time.Duration(times))
			news.Reset(c.opt.News / time.Duration(times))
		case <-ctx.Done():
			return
		}
	}
}

// Hurry has the crowd live so many times as fast from now on.
func (c *Crowd) Hurry(ctx context.Context, times int) error {
	select {
	case c.haste <- times:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// phases are what a container of the crowd goes through.
var phases = []spec.Phase{spec.Crashed, spec.Starting, spec.Up, spec.Stopping, spec.Down, spec.Up}

// Say reports a phase of a container.
func (c *Crowd) Say(container id.ContainerID, phase spec.Phase, reason string) error {
	for _, m := range c.members {
		if m.report(container, phase, reason) {
			return nil
		}
	}
	return fmt.Errorf("no node of the crowd runs %s", container)
}

// Wait returns when all connections have ended, which they do with the ctx of
// Join.
func (c *Crowd) Wait() error { return c.running.Wait() }

// member is one node.
type member struct {
	Credential
	told func() // once: it knows what to run
	done chan struct{}

	mu      sync.Mutex
	session wire.Session
	link    *mqttlink.Session // nil: not connected
	rev     int64
	set     []wire.DesiredContainer
	seq     uint64 // of events
	beats   uint64
}

func newMember(c Credential) *member {
	done := make(chan struct{})
	return &member{Credential: c, done: done, told: sync.OnceFunc(func() { close(done) }), session: wire.Session{BootID: "boot"}}
}

func (m *member) options(opt Options) mqttlink.Options {
	topic := func(k wire.Kind) string { return wire.OfNode(k, m.ID).String() }
	return mqttlink.Options{
		Servers: []string{opt.Server}, ClientID: m.ID.String(), Username: m.ID.String(),
		Credentials: func() string { return m.Token },
		Dial:        func(ctx context.Context, _ *url.URL) (net.Conn, error) { return opt.Dial(ctx) },
		Subscribe: []mqttlink.Subscription{
			{Filter: topic(wire.NodeLease), QoS: 0}, {Filter: topic(wire.NodeDesired), QoS: 1}, {Filter: topic(wire.NodeCommands), QoS: 1},
		},
		OnUp:      m.up,
		OnDown:    func(error) { m.down() },
		OnMessage: m.receive,
	}
}

func (m *member) up(link *mqttlink.Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.link = link
	m.session.Session++
	m.publish(wire.NodeSync, wire.Hello{
		Header: wire.Head(wire.TypeHello), Session: m.session, NodeID: m.ID, AppliedRev: m.rev, Digest: wire.Digest(m.set),
		LedgerID: "crowd", AgentVersion: "crowd", Hostname: "host-" + m.ID.String()[24:], MachineID: m.ID.String(), Arch: "amd64",
		Telemetry: m.telemetry(),
	})
}

func (m *member) down() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.link = nil
}

// publish sends what may get lost: agents send again, and so does the crowd
// with its next heartbeat. The caller holds mu.
func (m *member) publish(kind wire.Kind, message any) {
	if m.link == nil {
		return
	}
	topic := wire.OfNode(kind, m.ID)
	_ = m.link.Publish(mqttlink.Message{Topic: topic.String(), QoS: topic.Rule().QoS, Payload: wire.Encode(message)})
}

// telemetry is of a machine that is neither idle nor full.
func (m *member) telemetry() *wire.Telemetry {
	return &wire.Telemetry{
		CPUAllocatable: 8, CPUUsed: 1 + 5*rand.Float64(), MemoryAllocatable: 32 << 30, MemoryUsed: (8 + rand.Int64N(16)) << 30,
		DiskAllocatable: 500 << 30, DiskUsed: 120 << 30, UptimeSeconds: int64(m.beats), Containers: len(m.set), AgentVersion: "crowd",
	}
}

func (m *member) heartbeat() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.beats++
	m.publish(wire.NodeHeartbeat, wire.Heartbeat{
		Header: wire.Head(wire.TypeHeartbeat), Session: m.session, NodeID: m.ID, Status: wire.Online, Timestamp: time.Now(),
		Seq: m.beats, AppliedRev: m.rev, Digest: wire.Digest(m.set), OutboxHead: m.seq, DockerOK: true, GuardOK: true, Telemetry: m.telemetry(),
	})
}

// receive takes up what the node should run, and says at once that it does.
func (m *member) receive(message mqttlink.Message) {
	topic, known := wire.ParseTopic(message.Topic)
	if !known || topic.Kind != wire.NodeDesired {
		return
	}
	desired, err := wire.Decode[wire.Desired](message.Payload, wire.TypeDesired)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil || desired.Session != m.session {
		return
	}
	if desired.Kind == wire.DesiredFull {
		m.rev, m.set = desired.Rev, desired.Containers
		m.reports(m.set, spec.Up, "")
	}
	m.told()
}

// change reports a phase of the container whose turn it is.
func (m *member) change(phase spec.Phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.set) == 0 {
		return
	}
	at := rand.IntN(len(m.set))
	m.reports(m.set[at:at+1], phase, "")
}

func (m *member) report(container id.ContainerID, phase spec.Phase, reason string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range m.set {
		if c.ID == container {
			m.reports(m.set[i:i+1], phase, reason)
			return true
		}
	}
	return false
}

// reports tells the phase of some. The caller holds mu.
func (m *member) reports(some []wire.DesiredContainer, phase spec.Phase, reason string) {
	events := wire.Events{Header: wire.Head(wire.TypeEvents), Session: m.session, LedgerID: "crowd"}
	for _, c := range some {
		m.seq++
		events.Items = append(events.Items, wire.Event{Seq: m.seq, Type: wire.EventContainerState, At: time.Now(), Container: &wire.ContainerStatus{
			ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, Phase: phase, Reason: reason,
		}})
	}
	m.publish(wire.NodeEvents, events)
}
