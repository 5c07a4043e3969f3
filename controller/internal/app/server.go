package app

import (
	"cmp"
	"context"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fetch"
	"github.com/lormas/lormas/controller/internal/httpapi"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/frontend"
	"github.com/lormas/lormas/shared/egg"
)

func (m *Main) makeActions(context.Context) error {
	m.actions = actions.New(actions.Deps{
		Store: m.ruled, Credentials: m.auth, Kick: m.outlet, Wake: m.dispatch.Wake,
		WakeMigrator: m.migrator.Wake, TellMoves: m.migrator.Told, Warden: warden{m.nodes}, Profile: m.profile,
		Passwords: m.auth, EndCredential: m.endCredential, Changed: m.doorkeeper.change, PublicURL: m.URL(),
		Fetch:    fetch.New(egg.MaxFile, m.config.EggNetworks).Get,
		AgentURL: m.AgentURL(), ForeignBroker: m.config.BrokerURL != "", Now: m.now, Log: m.log,
	})
	return nil
}

func (m *Main) makeServer(context.Context) (err error) {
	m.server, err = httpapi.New(httpapi.Deps{
		Auth: m.auth, Store: m.store,
		Fleet:   httpapi.Fleet{Actions: m.actions, Presence: m.presence, Watch: m.watch},
		Version: m.options.Version, PublicURL: m.URL(),
		Dashboard: frontend.Dist, MQTT: m.broker.WebSocket(broker.OriginPolicy{Allowed: m.config.AllowedOrigins}),
		Ready:   m.foundations(),
		Standby: m.active, Metrics: m.metrics, Log: m.log,
	})
	return err
}

// foundations are what the controller stands on, as /readyz asks for it.
func (m *Main) foundations() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{"postgres": m.store.Ping, "redis": m.presence.Ready}
	if m.uplink != nil {
		all["broker"] = m.uplink.Ready
	}
	return all
}

// Actions carries verbs out, for parts of this process.
func (m *Main) Actions() *actions.Service { return m.actions }

// Streams opens logs and stats, for parts of this process.
func (m *Main) Streams() *watch.Watch { return m.watch }

// HTTPAddr is where the API listens.
func (m *Main) HTTPAddr() string { return m.http.Addr().String() }

// MQTTAddr is where agents connect, or "" when that is off.
func (m *Main) MQTTAddr() string {
	if m.mqtt == nil {
		return ""
	}
	return m.mqtt.String()
}

// URL is how people reach the API and the dashboard.
func (m *Main) URL() string {
	if m.config.PublicURL != "" {
		return m.config.PublicURL
	}
	scheme := "http://"
	if m.config.HTTPTLS {
		scheme = "https://"
	}
	return scheme + reachable(m.http.Addr())
}

// AgentURL is how agents reach the broker.
func (m *Main) AgentURL() string {
	web := "ws://"
	if m.config.HTTPTLS {
		web = "wss://"
	}
	if direct := cmp.Or(m.config.AgentURL, m.config.BrokerURL, m.agentURL); direct != "" {
		return direct
	}
	return web + reachable(m.http.Addr()) + "/mqtt"
}
