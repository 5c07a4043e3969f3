package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// ErrClosed is returned by a broker that was closed.
var ErrClosed = errors.New("the broker is closed")

// Broker is a running MQTT broker. It listens nowhere until told to.
type Broker struct {
	options   Options
	limits    Limits
	log       *slog.Logger
	server    *mqtt.Server
	registry  *registry
	watch     *watch
	publisher *publisher
	metrics   *metrics
	arrivals  *rate.Limiter
	refusals  rate.Sometimes // bounds the log of refused connections
	connIDs   atomic.Uint64

	life    context.Context // ends with the broker; for calls that wait
	endLife context.CancelFunc

	mu        sync.Mutex
	listeners []*listener
	accepting sync.WaitGroup
	closing   atomic.Bool
}

// New starts a broker.
func New(o Options) (*Broker, error) {
	if o.Authorizer == nil || o.Handler == nil {
		return nil, errors.New("broker: an Authorizer and a Handler are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Registerer == nil {
		o.Registerer = prometheus.NewRegistry()
	}
	limits := o.Limits.withDefaults()
	b := &Broker{
		options:  o,
		limits:   limits,
		log:      o.Logger,
		server:   mqtt.New(serverOptions(limits, o.Logger)),
		registry: newRegistry(),
		arrivals: rate.NewLimiter(rate.Limit(limits.ConnectRate), limits.ConnectBurst),
		refusals: rate.Sometimes{First: 10, Interval: refusalLogInterval},
	}
	var err error
	if b.metrics, err = newMetrics(o.Registerer, b.server.Info); err != nil {
		return nil, fmt.Errorf("register the broker's metrics: %w", err)
	}
	b.watch = newWatch(b.notifyWatching)
	b.life, b.endLife = context.WithCancel(context.Background())
	if err := b.server.AddHook(&hook{b: b}, nil); err != nil {
		return nil, fmt.Errorf("add the broker's hook: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	b.publisher = newPublisher(limits, b.publishNow)
	return b, nil
}

// serverOptions is mochi as FACTS wants it: small queues, nothing kept for
// absent clients, no feature that we do not use.
func serverOptions(limits Limits, log *slog.Logger) *mqtt.Options {
	c := mqtt.NewDefaultServerCapabilities()
	c.MaximumMessageExpiryInterval = 0 // retained messages stay
	c.MaximumClientWritesPending = limits.PendingWrites
	c.MaximumPacketSize = limits.MaxPacket
	c.MaximumInflight = 256
	c.ReceiveMaximum = 256
	c.TopicAliasMaximum = 0
	c.SharedSubAvailable = 0
	c.MinimumProtocolVersion = 4
	c.MaximumQos = 1
	return &mqtt.Options{
		Capabilities:           c,
		Logger:                 slog.New(discreet{log.Handler()}),
		SysTopicResendInterval: 60,
		InlineClient:           true,
	}
}

// Connected reports whether the node's agent has a session here.
func (b *Broker) Connected(n id.NodeID) bool { return b.registry.holds(n) }

// KickNode ends the connection of the node's agent at once. Its will is
// published.
func (b *Broker) KickNode(n id.NodeID, reason error) {
	b.registry.kick(kick{func(who Identity) bool { return who.Node == n && who.IsAgent() }, reason})
}

// KickAgents ends the connections of all agents at once.
func (b *Broker) KickAgents(reason error) { b.registry.kick(kick{Identity.IsAgent, reason}) }

// KickUser ends every connection of a person at once.
func (b *Broker) KickUser(u id.UserID, reason error) {
	b.registry.kick(kick{func(who Identity) bool { return who.User == u && !who.IsAgent() }, reason})
}

// KickCredential ends every connection that was made with the credential at
// once, also one whose CONNECT is in work.
func (b *Broker) KickCredential(credentialID string, reason error) {
	b.registry.kick(kick{func(who Identity) bool { return who.CredentialID == credentialID }, reason})
}

// Refresh ends the subscriptions of people that they may no longer have.
// Call it after permissions changed. A filter with wildcards stays, as its
// deliveries are asked of CanRead one by one; so are all others, and nothing
// leaks before Refresh comes by.
func (b *Broker) Refresh() {
	for _, c := range b.registry.people() {
		for name := range c.client.State.Subscriptions.GetAll() {
			if b.mayReceive(c, name) {
				continue
			}
			b.server.Topics.Unsubscribe(name, c.client.ID)
			c.client.State.Subscriptions.Delete(name)
			b.watch.remove(c, name)
		}
	}
}

// Close ends ingestion first and then every connection, without publishing
// anybody's will: a controller that restarts must not announce the death of
// its nodes. It returns when nothing of the broker is left, or with ctx.
func (b *Broker) Close(ctx context.Context) error {
	if b.closing.Swap(true) {
		return ErrClosed
	}
	b.endLife()
	b.closeListeners()
	b.registry.close()
	b.publisher.close()
	ended := make(chan error, 1)
	go func() {
		b.accepting.Wait()
		b.registry.gone.Wait()
		b.publisher.wait()
		ended <- b.server.Close()
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("close the broker: %w", ctx.Err())
	}
}

// guarded runs a call into the controller's code; a panic there must not
// take the process down.
func (b *Broker) guarded(what string, call func()) {
	defer func() {
		if p := recover(); p != nil {
			b.panicked(what, p)
		}
	}()
	call()
}

func (b *Broker) mayReceive(c *connection, name string) (ok bool) {
	b.guarded("CanRead", func() { ok = mayReceive(c.who, name, b.options.Authorizer.CanRead) })
	return ok
}

func (b *Broker) notifyWatching(t wire.Topic, watchers int) {
	if b.closing.Load() {
		return
	}
	b.guarded("Watching", func() { b.options.Handler.Watching(t, watchers) })
}
