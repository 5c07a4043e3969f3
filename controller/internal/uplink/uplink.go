package uplink

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// Options is what an Uplink needs.
type Options struct {
	URL      string // of the broker, in a scheme of mqttlink
	User     string
	Password string
	TLS      *tls.Config // nil: the system's roots
	ClientID string
	May      func() error             // asked before each attempt: one broker, one controller; nil: always
	Handler  broker.Handler           // gets what agents say
	Relay    func(wire.Topic, []byte) // shows it to people; must not block
	Log      *slog.Logger
}

// Uplink is the session with the broker. It is safe for concurrent use.
type Uplink struct {
	options Options
	sender  *sender
	session atomic.Pointer[mqttlink.Session] // nil: there is none

	mu   sync.Mutex
	book *book
}

// ErrAway is returned while there is no session with the broker. What must
// arrive is published again from the outbox.
var ErrAway = errors.New("the broker is away")

// errGone is the end of a session that the agent has left.
var errGone = errors.New("its will was published")

// New makes an Uplink; Run connects it.
func New(o Options) *Uplink {
	u := &Uplink{options: o, book: newBook()}
	u.sender = newSender(u.send)
	return u
}

// Run keeps the session until ctx ends.
func (u *Uplink) Run(ctx context.Context) error {
	stop := u.sender.start()
	defer stop()
	defer u.session.Store(nil)
	return mqttlink.Run(ctx, mqttlink.Options{
		Servers: []string{u.options.URL}, ClientID: u.options.ClientID,
		Username: u.options.User, Credentials: func() string { return u.options.Password }, TLS: u.options.TLS,
		May: u.options.May, Subscribe: subscriptions(), OnUp: u.up, OnDown: u.down, OnMessage: u.receive,
	})
}

// subscriptions are all topics that agents publish on.
func subscriptions() []mqttlink.Subscription {
	ids := strings.NewReplacer("{node}", "+", "{container}", "+")
	var list []mqttlink.Subscription
	for _, r := range wire.Rules {
		if r.Sender == wire.FromAgent {
			list = append(list, mqttlink.Subscription{Filter: wire.Prefix + ids.Replace(r.Pattern), QoS: r.QoS})
		}
	}
	return list
}

func (u *Uplink) up(s *mqttlink.Session) {
	u.session.Store(s)
	u.options.Log.Info("connected with the broker of the agents", "broker", s.Server)
}

// down is also called after every attempt that failed.
func (u *Uplink) down(err error) {
	u.session.Store(nil)
	u.mu.Lock()
	u.book.doubt()
	u.mu.Unlock()
	var fault *mqttlink.Fault
	if errors.As(err, &fault) && fault.Cause == mqttlink.Refused {
		err = fmt.Errorf("%s refused the controller's user: %w: see --broker-user and --broker-password, and that the broker has read its list of passwords", fault.Server, fault.Err)
	}
	u.options.Log.Warn("no session with the broker of the agents; it is tried again", "error", err)
}

// Ready reports whether there is a session.
func (u *Uplink) Ready(context.Context) error {
	if u.session.Load() == nil {
		return ErrAway
	}
	return nil
}

// probeTopic is of nobody: what is published there is answered by the broker
// and read by no one.
const probeTopic = wire.Prefix + "probe"

// Probe asks the broker whether it takes messages at this moment. One that is
// frozen keeps its connections for a while.
func (u *Uplink) Probe(ctx context.Context) error {
	s := u.session.Load()
	if s == nil {
		return ErrAway
	}
	answer := make(chan error, 1)
	go func() { answer <- s.Publish(mqttlink.Message{Topic: probeTopic, QoS: 1, Payload: []byte("{}")}) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive takes in one message; they come one by one.
func (u *Uplink) receive(m mqttlink.Message) {
	t, ok := wire.ParseTopic(m.Topic)
	if !ok || t.Rule().Sender != wire.FromAgent || len(m.Payload) == 0 {
		return
	}
	if m.Retained { // of before we came: news of nothing
		u.options.Relay(t, m.Payload)
		return
	}
	turn := u.hear(t.Node, speech(m.Payload))
	now := time.Now()
	if turn.taken {
		u.options.Handler.AgentDisconnected(t.Node, broker.ConnInfo{ConnID: turn.ended, At: now}, broker.ErrTakenOver)
	}
	if turn.begun != 0 {
		u.options.Handler.AgentConnected(t.Node, broker.ConnInfo{ConnID: turn.begun, At: now})
	}
	if turn.conn != 0 {
		u.options.Relay(t, m.Payload)
		u.options.Handler.Message(t.Node, turn.conn, t, m.Payload)
	}
	if turn.ended != 0 && !turn.taken {
		u.options.Handler.AgentDisconnected(t.Node, broker.ConnInfo{ConnID: turn.ended, At: now}, errGone)
	}
	if turn.met {
		u.askHello(t.Node, m.Payload)
	}
}

func (u *Uplink) hear(n id.NodeID, s said) turn {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.book.hear(n, s)
}

// speech reads what a message tells of its session. What is no message of
// ours tells nothing, and is refused by whoever reads it.
func speech(payload []byte) said {
	var m struct {
		wire.Header
		wire.Session
		Status string `json:"status"`
	}
	if json.Unmarshal(payload, &m) != nil {
		return said{}
	}
	return said{
		session: m.Session, hello: m.Type == wire.TypeHello,
		offline: m.Type == wire.TypeHeartbeat && m.Status == wire.Offline,
	}
}

// nobodysRev is a revision that no node will ever have.
const nobodysRev = 1 << 53

// askHello makes an agent say hello: a delta on top of a revision that it has
// not got can only be answered so.
func (u *Uplink) askHello(n id.NodeID, payload []byte) {
	question := wire.Desired{
		Header: wire.Head(wire.TypeDesired), Session: speech(payload).session,
		Kind: wire.DesiredDelta, FromRev: nobodysRev, Rev: nobodysRev,
	}
	if err := u.Publish(wire.OfNode(wire.NodeDesired, n), wire.Encode(question)); err != nil {
		u.options.Log.Debug("an agent was not asked for its hello", "node", n, "error", err)
	}
}

// KickNode ends the session of a node's agent as far as the controller is
// concerned: it is not heard any more. Keeping its credential out is for the
// broker.
func (u *Uplink) KickNode(n id.NodeID, reason error) {
	u.mu.Lock()
	conn := u.book.cut(n)
	u.mu.Unlock()
	if conn != 0 {
		u.options.Handler.AgentDisconnected(n, broker.ConnInfo{ConnID: conn, At: time.Now()}, reason)
	}
}

// HangUp ends the session with the broker; whether there is another one, May
// says.
func (u *Uplink) HangUp(reason error) {
	if s := u.session.Load(); s != nil {
		s.Close(reason)
	}
}

// Publish sends a message of the controller. It never blocks; messages of one
// topic keep their order.
func (u *Uplink) Publish(t wire.Topic, payload []byte) error {
	if u.session.Load() == nil {
		return fmt.Errorf("publish on %s: %w", t, ErrAway)
	}
	return u.sender.offer(t, payload)
}

// ClearRetained forgets what the topic retains.
func (u *Uplink) ClearRetained(t wire.Topic) error { return u.Publish(t, nil) }

// send may wait for the broker.
func (u *Uplink) send(t wire.Topic, payload []byte) {
	s := u.session.Load()
	if s == nil {
		return
	}
	rule := t.Rule()
	if err := s.Publish(mqttlink.Message{Topic: t.String(), QoS: rule.QoS, Retained: rule.Retained, Payload: payload}); err != nil {
		u.options.Log.Debug("message was not published", "kind", rule.Kind, "error", err)
	}
}
