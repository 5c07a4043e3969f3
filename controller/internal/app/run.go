package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/loops"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// brokerPatience is how long the broker may take to close; a client that
// takes nothing must not hold a stop up.
const brokerPatience = 10 * time.Second

// Run stands by until this controller reigns, then works until ctx ends or a
// part fails, and stops everything in order. A Main runs once: one that was
// deposed ends with reign.ErrDeposed, and another is made.
func (m *Main) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, failing := errgroup.WithContext(work)
	start(failing, group, map[string]func(context.Context) error{
		"api": func(context.Context) error { return m.server.Serve(m.http) }, "reign": m.reign.Run, "work": m.work,
	})
	select {
	case <-ctx.Done():
	case <-failing.Done():
	}
	m.log.Info("stopping")
	doors := m.closeDoors()
	stop()
	err := group.Wait()
	m.resign()
	return errors.Join(err, doors, m.close())
}

func start(ctx context.Context, group *errgroup.Group, parts map[string]func(context.Context) error) {
	for name, run := range parts {
		group.Go(func() error {
			if err := run(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
}

// work is what only the active controller does.
func (m *Main) work(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-m.reign.Crowned():
	}
	if !m.working.Load() {
		m.takeOver(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	m.log.Info("the controller works", "url", m.URL(), "agents", m.AgentURL(), "version", m.options.Version)
	group, ctx := errgroup.WithContext(ctx)
	start(ctx, group, m.parts())
	return group.Wait()
}

// parts are all that works on its own, but the door for people.
func (m *Main) parts() map[string]func(context.Context) error {
	sweeper := &loops.Sweeper{
		Store: m.ruled, Nodes: m.nodes, Live: m.live, Wake: func() { m.dispatch.Wake(id.NodeID{}) }, Now: m.now, Log: m.log, KeepAudit: m.config.AuditKeep,
	}
	probe := &loops.SelfProbe{Nodes: m.nodes, Ask: m.selfProbe(), Log: m.log}
	parts := map[string]func(context.Context) error{
		"intake": m.intake.Run, "dispatch": m.dispatch.Run, "watch": m.watch.Run, "presence": m.presence.Run,
		"node watch": m.nodeWatch.Run, "sweeper": sweeper.Run, "migrator": m.migrator.Run, "places": m.doorkeeper.places.run, "doorkeeper": m.doorkeeper.run, "news": m.republish,
		"self probe": probe.Run, "hanging up": m.hangUp, "trail": m.trail.run,
	}
	if m.uplink != nil {
		parts["uplink"] = m.uplink.Run
	}
	return parts
}

// republish gives the new broker what an old one retained. It is news only.
func (m *Main) republish(ctx context.Context) error {
	if err := m.live.Republish(ctx, m.store); err != nil && ctx.Err() == nil {
		m.log.Warn("people are not told all states at the start", "error", err)
	}
	return nil
}

// closeDoors ends what comes from outside. The broker is first: it must not
// take its own end for that of the nodes, and the API waits for its streams.
func (m *Main) closeDoors() error {
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	err := m.closeBroker(ctx)
	if m.server != nil {
		err = errors.Join(err, m.server.Close())
	}
	_ = m.http.Close() // closed already, unless the server has not yet begun with it
	return err
}

func (m *Main) closeBroker(ctx context.Context) error {
	if m.broker == nil {
		return nil
	}
	if err := m.broker.Close(ctx); !errors.Is(err, broker.ErrClosed) {
		return err
	}
	return nil
}

// close gives everything back that is still held, however far New has come.
func (m *Main) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), brokerPatience)
	defer cancel()
	err := m.closeBroker(ctx)
	if m.http != nil {
		_ = m.http.Close() // the server may have closed it
	}
	if m.redis != nil {
		err = errors.Join(err, m.redis.Close())
	}
	for _, s := range []*store.Store{m.store, m.throne} {
		if s != nil {
			s.Close()
		}
	}
	if m.identity != nil {
		err = errors.Join(err, m.identity.Release())
	}
	return err
}
