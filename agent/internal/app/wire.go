package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/docker"
	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/link"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/telemetry"
	"github.com/lormas/lormas/agent/internal/usage"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// agent is the rooms, wired.
type agent struct {
	config     Config
	log        *slog.Logger
	credential credential
	ledger     *ledger.Ledger
	engine     *docker.Engine
	guard      *guard.Client
	permits    *permit.Desk
	reconciler *reconcile.Reconciler
	link       *link.Link
	books      *console.Books
	keeper     *console.Keeper
	usage      *usage.Meter
}

// open makes an agent. Nothing runs yet; only the data directory is claimed.
func open(config Config, version string, log *slog.Logger) (*agent, error) {
	a := &agent{config: config, log: log}
	var err error
	if a.credential, err = config.findCredential(); err != nil {
		return nil, err
	}
	trust, err := config.tls()
	if err != nil {
		return nil, err
	}
	a.ledger, err = ledger.Open(ledger.Options{Dir: config.DataDir, Node: a.credential.node, Log: log})
	if err != nil {
		return nil, err
	}
	a.engine, err = docker.New(docker.Options{
		Host: config.DockerHost, Controller: a.credential.controller, Node: a.credential.node,
		DataDir: config.DataDir, AllowedMounts: config.AllowMount, WingsUser: config.ContainerUser,
		Forgetting: a.settle,
	})
	if err != nil {
		return nil, errors.Join(err, a.ledger.Close())
	}
	bootID, err := a.guarded()
	if err != nil {
		return nil, errors.Join(err, a.ledger.Close())
	}
	a.books = console.Open(console.Options{Dir: filepath.Join(config.DataDir, "consoles"), Boot: bootID, Log: log})
	a.keeper = console.NewKeeper(a.books, a.engine)
	a.reconciler = reconcile.New(reconcile.Options{
		Runtime: a.engine, Ledger: a.ledger, Permits: a.permits, Log: log,
		Progress: func(c id.ContainerID, p wire.Progress) { a.link.Progress(c, p) },
	})
	a.usage = usage.New(usage.Options{
		Engine: a.engine, Volumes: filepath.Join(config.DataDir, "volumes"), Present: a.present,
		Notice: func(c id.ContainerID, text string) { a.books.Append(c, console.Lormas, text) },
	})
	if config.DiskAction == "stop" {
		a.usage.Full = a.reconciler.Full
	}
	a.link = link.New(link.Options{
		MQTT:       mqttlink.Options{Servers: config.Controller, Credentials: a.password, TLS: trust},
		Node:       a.credential.node,
		Version:    version,
		Machine:    machine(config.DataDir, bootID, log),
		Ledger:     a.ledger,
		Reconciler: a.reconciler,
		Permits:    a.permits,
		Engine:     a.engine,
		Books:      a.books,
		Usage:      a.usage.Batch,
		Telemetry:  a.meter(),
		Elapsed:    guard.Now,
		Connected:  a.keepCredential,
		Log:        log,
	})
	return a, nil
}

// run runs the rooms until ctx ends or one of them cannot go on.
func (a *agent) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.keepGuard(ctx) })
	group.Go(func() error { return a.permits.Run(ctx) })
	group.Go(func() error { return a.reconciler.Run(ctx) })
	group.Go(func() error { return a.link.Run(ctx) })
	group.Go(func() error { return a.keeper.Run(ctx) })
	group.Go(func() error { return a.tidyBooks(ctx) })
	group.Go(func() error { return a.usage.Run(ctx) })
	err := group.Wait()
	a.books.Close()
	a.guard.Close() // it counts on
	return errors.Join(err, a.engine.Close(), a.ledger.Close())
}

// token is asked for before each attempt to connect: a credential that was
// rotated in its file is picked up without a restart.
func (a *agent) token() string {
	fresh, err := a.config.findCredential()
	if err != nil || fresh.node != a.credential.node {
		return a.credential.token
	}
	return fresh.token
}

// password is what the broker is shown.
func (a *agent) password() string {
	if a.config.ForeignBroker {
		return wire.BrokerPassword(a.token())
	}
	return a.token()
}

// keepCredential is called when the controller has accepted the credential.
func (a *agent) keepCredential() {
	accepted := a.credential
	accepted.token = a.token()
	if err := accepted.keep(a.config.DataDir); err != nil {
		a.log.Error("the credential has to be given again at the next start", "error", err)
	}
}

// meter measures the node; what cannot be measured is said once.
func (a *agent) meter() func() wire.Telemetry {
	meter := telemetry.New(telemetry.Options{
		DataDir: a.config.DataDir, Declared: a.config.declared(), Reserve: a.config.reserve(),
		Published: a.published,
	})
	var complain sync.Once
	return func() wire.Telemetry {
		t, err := meter.Sample(time.Now())
		if err != nil {
			complain.Do(func() {
				a.log.Warn("the node cannot be measured in full; give what it offers with --cpu, --memory and --disk", "error", err)
			})
		}
		return t
	}
}

// published are the host ports of the containers that the node should have.
func (a *agent) published() []spec.Port {
	d, err := a.ledger.Desired()
	if err != nil {
		return nil // the heartbeat says that the ledger cannot be read
	}
	var ports []spec.Port
	for _, s := range d.Specs { // those on their way out, too
		ports = append(ports, s.Ports...)
	}
	return ports
}

// machine finds out what the node runs on. A machine without an id of its
// own, as images for small boards often are, gets one in the data directory.
func machine(dataDir, bootID string, log *slog.Logger) link.Machine {
	m := link.Machine{Hostname: "unknown", Arch: goruntime.GOARCH, BootID: bootID}
	if hostname, err := os.Hostname(); err == nil {
		m.Hostname = hostname
	}
	own := filepath.Join(dataDir, "machine-id")
	for _, file := range []string{own, "/etc/machine-id"} {
		if text, err := os.ReadFile(file); err == nil && len(bytes.TrimSpace(text)) > 0 {
			m.MachineID = string(bytes.TrimSpace(text))
			return m
		}
	}
	m.MachineID = rand.Text()
	if err := os.WriteFile(own, []byte(m.MachineID+"\n"), 0o600); err != nil {
		log.Warn("the machine's id could not be kept; at the next start it looks like another machine", "error", err)
	}
	return m
}
