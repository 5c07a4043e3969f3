package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/dispatch"
	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/httpapi"
	"github.com/lormas/lormas/controller/internal/intake"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/loops"
	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/controller/internal/reign"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/uplink"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/loop"
)

// Main is a controller.
type Main struct {
	config  config.Config
	options Options
	log     *slog.Logger
	now     func() time.Time
	metrics *prometheus.Registry

	store *store.Store
	ruled *store.Store // the same, for what only the active controller may write
	redis redis.UniversalClient
	key   ed25519.PrivateKey
	auth  *authn.Service

	identity *reign.Identity
	throne   *store.Store              // the reign's own connection
	reign    *reign.Reign              // nil: this is the only controller there is
	powerful atomic.Pointer[time.Time] // when it had authority last, as far as was looked; nil: not yet
	working  atomic.Bool               // it reigns and has taken over; else it stands by

	nodes      *liveness.Registry
	outlet     *outlet
	live       *live.Live
	presence   *presence.Presence
	dispatch   *dispatch.Dispatcher
	watch      *watch.Watch
	intake     *intake.Intake
	nodeWatch  *loops.NodeWatch
	profile    lease.Profile // of nodes without a cluster
	migrator   *loops.Migrator
	doorkeeper *doorkeeper
	trail      *trail
	prober     *prober
	broker     *broker.Broker
	uplink     *uplink.Uplink // nil: agents come to broker

	http     net.Listener
	mqtt     net.Addr // nil: agents come by WebSocket
	agentURL string
	actions  *actions.Service
	server   *httpapi.Server
}

// Options is what is not configuration.
type Options struct {
	Version string
	Log     *slog.Logger
	Out     io.Writer // where a generated password is printed, once

	// For tests: other rules than the default, and what happens before each
	// step of a migration's transactions.
	Rules  *failover.Rules
	Before func(step string) error
}

// New makes a controller that listens; Run lets it work. When New fails,
// nothing of it is left.
func New(ctx context.Context, c config.Config, o Options) (*Main, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configuration:\n%w", err)
	}
	m := &Main{config: c, options: o, log: o.Log, now: time.Now, metrics: prometheus.NewRegistry()}
	m.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{
		m.openDoor, m.openStores, m.unlock, m.seed, m.loadKey, m.makeRooms, m.openBroker, m.makeActions, m.makeServer, m.claim,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

// openDoor comes first: a port that is taken is the likeliest thing to be
// wrong, and quickly found out.
func (m *Main) openDoor(context.Context) (err error) {
	m.http, err = listen(m.config)
	return err
}

func (m *Main) openStores(ctx context.Context) (err error) {
	if m.redis, err = presence.Open(m.config.RedisURL); err != nil {
		return err
	}
	if err := m.redis.Ping(ctx).Err(); err != nil {
		m.log.Warn("Redis does not answer; the controller works without it until it does. Check that it runs and that --redis-url (LORMAS_REDIS_URL) is right", "error", err)
	}
	m.store, err = openStore(ctx, m.config.DatabaseURL, m.log)
	return err
}

func (m *Main) seed(ctx context.Context) error {
	done, err := authn.Seed(ctx, m.store, authn.SeedOptions{Email: m.config.AdminEmail, Password: m.config.AdminPassword, Dev: m.config.Dev})
	if err != nil {
		return err
	}
	if done.Generated != "" {
		fmt.Fprintf(m.options.Out, "\nThe first superuser is %s with the password %s\nIt is shown this once: keep it.\n\n", done.Email, done.Generated)
	}
	return nil
}

func (m *Main) makeRooms(context.Context) (err error) {
	m.auth, err = authn.New(authn.Deps{
		Store: m.store, Key: m.key, Counter: authn.RedisCounter{Client: m.redis}, Kick: m.endCredential, Now: m.now, Log: m.log,
	})
	if err != nil {
		return err
	}
	m.outlet = &outlet{}
	m.ruled = m.store.Reigning(func() (int64, bool) { return m.authority(m.now()) })
	if m.profile, err = lease.Named(m.config.Profile, 0); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	m.nodes = liveness.NewRegistry(liveness.Options{
		Profile: m.profile, Now: m.now, Lease: m.outlet.lease, Authority: m.authority,
		Backlog: func(node id.NodeID) bool { return m.intake.Waits(node) },
		Oldest:  func(now time.Time) time.Duration { return m.intake.Oldest(now) },
	})
	m.outlet.nodes = m.nodes
	m.metrics.MustRegister(newFleetMetrics(m.nodes))
	m.live = live.New(m.outlet, m.now, m.log)
	m.presence = presence.New(presence.Options{Redis: m.redis, Now: m.now, Log: m.log, Registerer: m.metrics})
	m.dispatch = dispatch.New(dispatch.Options{
		Store: m.ruled, Nodes: m.nodes, Publisher: m.outlet, Live: m.live, Now: m.now, Log: m.log,
	})
	m.migrator = &loops.Migrator{
		Store: m.ruled, Nodes: m.nodes, Live: m.live, Rules: failover.Default(), Sent: func() { m.dispatch.Wake(id.NodeID{}) },
		Now: m.now, Log: m.log, Metrics: loops.NewMigratorMetrics(m.metrics), Before: m.options.Before,
	}
	if m.options.Rules != nil {
		m.migrator.Rules = *m.options.Rules
	}
	m.watch = watch.New(watch.Options{Publisher: m.outlet, Nodes: m.nodes, Now: m.now, Log: m.log})
	m.intake = intake.New(intake.Options{
		Store: m.ruled, Nodes: m.nodes, Presence: m.presence, Dispatch: m.dispatch, Watch: m.watch, Live: m.live,
		Now: m.now, Log: m.log, Registerer: m.metrics, Reported: m.migrator.Reported, Returned: m.migrator.Returned,
		Regressed: func() { m.nodeWatch.Settled.Up() },
	})
	m.nodeWatch = &loops.NodeWatch{
		Store: m.ruled, Nodes: m.nodes, Live: m.live, Profile: m.profile, Forget: m.forgetNode, Lost: m.migrator.Wake, Settled: loop.NewWake(), Log: m.log,
	}
	m.prober = newProber()
	m.doorkeeper = &doorkeeper{
		standby: m.closed, elsewhere: m.config.BrokerURL, auth: m.auth, prober: m.prober, places: &places{store: m.store, log: m.log}, now: m.now, log: m.log, actors: map[string]admitted{},
		changed: loop.NewWake(), reviewed: func() { m.broker.Refresh() }, ended: m.endCredential,
	}
	m.trail = newTrail(m.store, m.doorkeeper.actorOf, m.now, m.log)
	return nil
}

func (m *Main) forgetNode(node id.NodeID) {
	m.presence.Forget(node)
	m.dispatch.Forget(node)
}

// endCredential cuts whoever is connected with a credential that has ended.
func (m *Main) endCredential(credential uuid.UUID) {
	m.doorkeeper.forget(credential)
	m.broker.KickCredential(credential.String(), errCredentialEnded)
}

var errCredentialEnded = errors.New("the credential has ended")

func (m *Main) openBroker(context.Context) (err error) {
	m.broker, err = broker.New(broker.Options{Authorizer: m.doorkeeper, Handler: m.intake, Notice: m.trail.notice, Logger: m.log, Registerer: m.metrics})
	if err != nil {
		return err
	}
	m.outlet.broker = m.broker
	if err := m.makeUplink(); err != nil {
		return err
	}
	if m.config.MQTTListen != "" {
		if m.mqtt, err = m.broker.ListenTCP("mqtt", m.config.MQTTListen); err != nil {
			return portFault(err, "mqtt-listen", m.config.MQTTListen)
		}
		m.agentURL = "mqtt://" + reachable(m.mqtt)
	}
	if m.config.MQTTSListen == "" {
		return nil
	}
	settings, err := tlsConfig(m.config)
	if err != nil {
		return err
	}
	addr, err := m.broker.ListenTLS("mqtts", m.config.MQTTSListen, settings)
	if err != nil {
		return portFault(err, "mqtts-listen", m.config.MQTTSListen)
	}
	m.agentURL = "mqtts://" + reachable(addr)
	return nil
}
