package agenttest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/agent/internal/guard/guardtest"
	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/link"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/reconcile"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/agent/internal/runtimetest"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Options says which node it is and where things are.
type Options struct {
	Node  id.NodeID
	Token string
	Dir   string // of the ledger; stays when the agent crashes
	Dial  func(context.Context) (net.Conn, error)
	Offer spec.Resources
	Log   *slog.Logger
	// Ran is told of each start and end of a container's processes, in order,
	// also while no agent runs. It must not block.
	Ran func(Run)
}

// Run is the start or the end of a container's processes.
type Run struct {
	Node      id.NodeID
	Container id.ContainerID
	At        time.Time
	Running   bool
}

// Machine is a node: an engine whose containers outlive the agent, and a guard
// that does too.
type Machine struct {
	Options
	engine *runtimetest.Fake
	guard  *guardtest.Fake
	off    context.CancelFunc
	watch  sync.WaitGroup
	conns  sync.Map // net.Conn → nothing

	mu    sync.Mutex
	agent *agent // nil while none runs
}

// agent is one run of an agent.
type agent struct {
	stop   context.CancelFunc
	work   sync.WaitGroup
	ledger *ledger.Ledger
	books  *console.Books
	errs   [4]error
}

// Boot makes a machine; no agent runs yet. Off ends it.
func Boot(o Options) *Machine {
	ctx, off := context.WithCancel(context.Background())
	m := &Machine{Options: o, engine: runtimetest.NewFake(), off: off}
	m.guard = guardtest.New(sinceEpoch, m.deed)
	m.watch.Go(func() {
		_ = m.engine.Watch(ctx, func(c runtime.Change) { // ends with ctx only
			switch c.Kind {
			case runtime.Started, runtime.Died:
				o.Ran(Run{Node: o.Node, Container: c.ID, At: c.At, Running: c.Kind == runtime.Started})
			case runtime.Relist, runtime.OutOfMem, runtime.Destroyed:
			}
		})
	})
	return m
}

// Sick has the engine start nothing, or start things again.
func (m *Machine) Sick(sick bool) {
	m.engine.Before(func(_ context.Context, c runtimetest.Call) error {
		if sick && c.Verb == runtimetest.VerbStart {
			return errSick
		}
		return nil
	})
}

var errSick = errors.New("the engine is sick")

// deed carries out what the guard decides. A copy that is asked to stop does not
// listen: only the kill counts.
func (m *Machine) deed(c lease.Copy, d lease.Deed) {
	if d == lease.Kill && m.engine.Instances()[c.Container].Epoch == c.Epoch {
		m.engine.Crash(c.Container, killed)
	}
}

const killed = 137

// Start runs an agent on the machine.
func (m *Machine) Start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.agent != nil {
		return nil
	}
	l, err := ledger.Open(ledger.Options{Dir: m.Dir, Node: m.Node, Log: m.Log})
	if err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	a := &agent{stop: stop, ledger: l}
	a.books = console.Open(console.Options{Dir: filepath.Join(m.Dir, "consoles"), Log: m.Log})
	keeper := console.NewKeeper(a.books, m.engine)
	var uplink *link.Link
	desk := permit.New(permit.Options{Guard: m.guard, Clock: sinceEpoch, Log: m.Log, OfflineDelay: offlineDelay})
	reconciler := reconcile.New(reconcile.Options{
		Runtime: m.engine, Ledger: l, Permits: desk, Log: m.Log,
		Progress: func(c id.ContainerID, p wire.Progress) { uplink.Progress(c, p) },
	})
	uplink = link.New(link.Options{
		MQTT: mqttlink.Options{
			Servers: []string{"mqtt://controller"}, Credentials: func() string { return m.Token },
			Dial: m.dial,
		},
		Node: m.Node, Version: "test", Machine: link.Machine{Hostname: "h", MachineID: m.Node.String(), Arch: "amd64"},
		Ledger: l, Reconciler: reconciler, Permits: desk, Engine: m.engine, Books: a.books, Log: m.Log,
		Telemetry: m.telemetry, Elapsed: sinceEpoch,
	})
	for i, run := range []func(context.Context) error{reconciler.Run, uplink.Run, desk.Run, keeper.Run} {
		a.work.Go(func() { a.errs[i] = run(ctx) })
	}
	m.agent = a
	return nil
}

// offlineDelay is the default of the agent.
const offlineDelay = time.Minute

// sinceEpoch stands for the machine's own clock: in a bubble the kernel's
// goes on by itself.
func sinceEpoch() time.Duration { return time.Duration(time.Now().UnixNano()) }

func (m *Machine) telemetry() wire.Telemetry {
	return wire.Telemetry{
		CPUAllocatable: m.Offer.CPU.Cores(), MemoryAllocatable: int64(m.Offer.Memory), DiskAllocatable: int64(m.Offer.Disk),
	}
}

// tracked leaves the list of connections when it is closed.
type tracked struct {
	net.Conn
	left func()
}

// Close implements net.Conn.
func (t *tracked) Close() error {
	t.left()
	return t.Conn.Close()
}

func (m *Machine) dial(ctx context.Context, _ *url.URL) (net.Conn, error) {
	conn, err := m.Dial(ctx)
	if err != nil {
		return nil, err
	}
	t := &tracked{Conn: conn}
	t.left = func() { m.conns.Delete(t) }
	m.conns.Store(t, nil)
	return t, nil
}

// Stop ends the agent in order. Containers run on.
func (m *Machine) Stop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.agent
	if a == nil {
		return nil
	}
	m.agent = nil
	a.stop()
	a.work.Wait()
	a.books.Close()
	return errors.Join(append(a.errs[:], a.ledger.Close())...)
}

// Crash ends the agent as SIGKILL does: its connection breaks off without a
// goodbye. Containers run on.
func (m *Machine) Crash() error {
	m.conns.Range(func(conn, _ any) bool {
		if c, ok := conn.(net.Conn); ok {
			_ = c.Close() // it is given up
		}
		return true
	})
	return m.Stop()
}

// PowerLoss ends the agent and every container at the same moment.
func (m *Machine) PowerLoss() error {
	err := m.Crash()
	m.guard.Forget() // its record is in memory
	m.engine.Reboot()
	return err
}

// Off ends the machine for good.
func (m *Machine) Off() error {
	err := m.Stop()
	m.guard.Off()
	m.off()
	m.watch.Wait()
	return err
}
