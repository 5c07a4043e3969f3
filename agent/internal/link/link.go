package link

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// Engine is the container engine, as far as people may look at it.
type Engine interface {
	Info(context.Context) (runtime.Info, error)
	Stats(context.Context, id.ContainerID) (runtime.Usage, error)
}

// Machine is what the node is, as long as the agent runs.
type Machine struct {
	Hostname  string
	MachineID string
	Arch      string
	BootID    string // the kernel's, new with every boot
}

// Options is what a Link needs.
type Options struct {
	MQTT       mqttlink.Options // servers, credentials, TLS; the rest is filled in here
	Node       id.NodeID
	Version    string // of the agent
	Machine    Machine
	Ledger     *ledger.Ledger
	Reconciler *reconcile.Reconciler
	Permits    *permit.Desk // nil: one without a guard
	Engine     Engine
	Books      *console.Books
	Usage      func() (wire.Usage, <-chan struct{}) // what containers use, and what is closed when there is news; nil: nobody measures
	Telemetry  func() wire.Telemetry                // measures now; called from one goroutine at a time
	Elapsed    func() time.Duration                 // a clock that nobody sets and that goes on while the machine sleeps
	Connected  func()                               // called when the controller has accepted the credential; may be nil
	Log        *slog.Logger
}

// Link is the node's voice and ear. Its methods are safe for concurrent use.
type Link struct {
	Options
	bootID   string
	progress chan progress
	meter    sync.Mutex // held while measuring
	term     term
	every    atomic.Int64 // nanoseconds between heartbeats, as a lease asked for; 0: none did yet
	work     sync.WaitGroup

	mu      sync.Mutex
	current *conn  // of the newest attempt; nil before the first
	trouble string // that was told last
}

// New makes a Link; nothing happens before Run.
func New(o Options) *Link {
	if o.Connected == nil {
		o.Connected = func() {}
	}
	if o.Permits == nil {
		o.Permits = permit.New(permit.Options{Clock: o.Elapsed})
	}
	return &Link{Options: o, bootID: rand.Text(), progress: make(chan progress, 64)}
}

// Run keeps in touch with the controller until ctx ends, and then says that
// the agent has stopped. It returns an error only for options that can never
// work.
func (l *Link) Run(ctx context.Context) error {
	defer l.work.Wait()
	// The session outlives ctx for the time of a goodbye.
	outer, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	stop := context.AfterFunc(ctx, func() {
		l.goodbye()
		hangUp()
	})
	defer stop()
	o := l.MQTT
	o.ClientID, o.Username = l.Node.String(), l.Node.String()
	for _, rule := range wire.Rules {
		if rule.ToAgent {
			o.Subscribe = append(o.Subscribe, mqttlink.Subscription{Filter: wire.OfNode(rule.Kind, l.Node).String(), QoS: rule.QoS})
		}
	}
	o.Will = func() *mqttlink.Message { return l.attempt(outer) }
	o.Hurry = func() time.Duration { return time.Duration(l.every.Load()) } // a node with a short window is given up soon
	o.OnUp, o.OnDown, o.OnMessage = l.up, l.down, l.receive
	if err := mqttlink.Run(outer, o); err != nil {
		return fmt.Errorf("connect to the controller: %w", err)
	}
	return nil
}

// attempt is called before each attempt to connect: it numbers the session
// and makes the will that stands for it.
func (l *Link) attempt(ctx context.Context) *mqttlink.Message {
	number, err := l.Ledger.NextSession()
	if err != nil {
		l.Log.Error("the session cannot be counted; the controller may take it for an old one", "error", err)
	}
	c := newConn(l, wire.Session{BootID: l.bootID, Session: number})
	c.ctx, c.cancel = context.WithCancel(ctx)
	l.mu.Lock()
	if l.current != nil {
		l.current.cancel()
	}
	l.current = c
	l.mu.Unlock()
	will := c.heartbeatMessage(wire.Heartbeat{Status: wire.Offline})
	will.QoS = 1
	return &will
}

func (l *Link) now() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// up is called when the broker has let us in and all topics are subscribed.
func (l *Link) up(s *mqttlink.Session) {
	l.mu.Lock()
	l.trouble = ""
	c := l.current
	l.mu.Unlock()
	l.Log.Info("connected to the controller", "server", s.Server, "session", c.session.Session)
	l.Connected()
	c.start(s)
}

// down is called when a connection ended or did not come about. The same
// trouble is told once.
func (l *Link) down(err error) {
	l.mu.Lock()
	c, repeated := l.current, l.trouble == err.Error()
	l.trouble = err.Error()
	l.mu.Unlock()
	if c != nil {
		c.cancel()
	}
	level := slog.LevelWarn
	var fault *mqttlink.Fault
	if errors.As(err, &fault) && (fault.Cause == mqttlink.Refused || fault.Cause == mqttlink.Forbidden) {
		level = slog.LevelError
	}
	if repeated {
		level = slog.LevelDebug
	}
	l.Log.Log(context.Background(), level, "no connection to the controller; containers run on, and it is tried again", "why", err)
}

// receive sorts messages into the inboxes of the connection. It is called on
// the connection's reading goroutine, so it must not wait.
func (l *Link) receive(m mqttlink.Message) {
	c := l.now()
	topic, ok := wire.ParseTopic(m.Topic)
	if !ok || c == nil || topic.Node != l.Node {
		return
	}
	if topic.Kind == wire.NodeLease {
		select {
		case c.leases <- m.Payload:
		default: // the next one says it all, too
		}
		return
	}
	select {
	case c.letters <- letter{kind: topic.Kind, payload: m.Payload}:
	default:
		c.close(errors.New("the agent could not keep up with what it was sent"))
	}
}

// goodbye tells the world that a planned stop is no loss: a DISCONNECT
// suppresses the will, which would have said the same.
func (l *Link) goodbye() {
	c := l.now()
	if c == nil || !c.isUp() {
		return
	}
	message := c.heartbeatMessage(wire.Heartbeat{Status: wire.Offline})
	message.QoS = 1
	if err := c.mqtt.Publish(message); err != nil {
		l.Log.Warn("the controller was not told that the agent stops", "error", err)
	}
}

// telemetry measures the node.
func (l *Link) telemetry() *wire.Telemetry {
	l.meter.Lock()
	defer l.meter.Unlock()
	t := l.Telemetry()
	t.AgentVersion = l.Version
	t.Containers = l.Reconciler.View().Running
	return &t
}
