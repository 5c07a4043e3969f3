package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/agent/agenttest"
	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// The bubble: the real controller with its real broker, and whole agents with
// paho, bbolt and a fake engine, in one process and in virtual time. Postgres
// and Redis are real and outside; while one of them is asked, time stands
// still. Links are pipes that can be cut.

// bubble is a controller without doors, and its nodes.
type bubble struct {
	*testing.T
	*Main
	random *rand.Rand
	nodes  []*bubbleNode
	store  *store.Store                  // the test's own look at the database
	kill   context.CancelFunc            // ends the controller at once; then end
	end    func()                        // ends the controller
	door   atomic.Pointer[broker.Broker] // nil: no controller runs
	fail   failpoint

	mu    sync.Mutex
	runs  map[id.ContainerID]map[id.NodeID]time.Time // what runs where, since
	twice []string                                   // two copies at once
	once  map[id.ContainerID]bool                    // those that never may
	ends  map[id.ContainerID]int                     // how often a run ended
}

// bubbleNode is a machine and its link.
type bubbleNode struct {
	*agenttest.Machine
	link *pipes
}

// inBubble runs a test in a bubble with n nodes that are all healthy.
func inBubble(t *testing.T, n int, test func(*bubble)) {
	c := config.Default()
	c.MQTTListen, c.AgentURL, c.PublicURL = "", "mqtt://bubble", "http://bubble"
	c.DatabaseURL, c.RedisURL = testkit.PostgresURL(t), testkit.Redis(t).URL
	c.StateDir, c.AdminPassword = t.TempDir(), "correct horse battery staple"
	dirs := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{
			T: t, random: rand.New(rand.NewPCG(1, uint64(n))),
			runs: map[id.ContainerID]map[id.NodeID]time.Time{}, once: map[id.ContainerID]bool{},
			ends: map[id.ContainerID]int{},
		}
		var err error
		b.store, err = store.Open(context.Background(), c.DatabaseURL)
		b.ok(err)
		defer b.store.Close()
		c.DatabaseURL = as("controller", c.DatabaseURL)
		b.begin(c)
		defer func() {
			for _, n := range b.nodes {
				b.ok(n.Off())
			}
			b.end()
		}()
		for i := range n {
			b.join(i, dirs)
		}
		b.await("all nodes to be healthy", func() bool { return b.Main.nodes.States()[fleet.NodeHealthy] == n })
		test(b)
	})
}

// as is a database's url for connections of a name.
func as(name, database string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err) // pgx has connected with it
	}
	query := u.Query()
	query.Set("application_name", name)
	u.RawQuery = query.Encode()
	return u.String()
}

func (b *bubble) log(who string) *slog.Logger {
	if os.Getenv("BUBBLE_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("who", who)
}

// begin starts a controller that listens nowhere.
func (b *bubble) begin(c config.Config) {
	ctx, cancel := context.WithCancel(context.Background())
	b.Main = &Main{
		config: c, options: Options{Version: "test", Out: io.Discard, Before: b.fail.before}, log: b.log("controller"), now: time.Now,
		metrics: prometheus.NewRegistry(),
	}
	for _, step := range []func(context.Context) error{b.openStores, b.seed, b.loadKey, b.makeRooms, b.openBroker, b.makeActions, b.assume} {
		b.ok(step(ctx))
	}
	var work sync.WaitGroup
	for name, run := range b.parts() {
		work.Go(func() {
			if err := run(ctx); err != nil {
				b.Errorf("%s: %v", name, err)
			}
		})
	}
	b.door.Store(b.broker)
	b.kill = func() {
		b.door.Store(nil)
		cancel()
	}
	b.end = func() {
		b.door.Store(nil)
		b.ok(b.closeBroker(context.Background()))
		cancel()
		work.Wait()
		b.ok(b.close())
	}
}

func (b *bubble) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// join enrols a node and starts its agent.
func (b *bubble) join(i int, dirs string) {
	b.Helper()
	e, err := b.Actions().CreateNode(b.Context(), authz.System("test"), actions.NewNode{Name: fmt.Sprintf("node-%d", i)})
	b.ok(err)
	n := &bubbleNode{link: &pipes{door: &b.door}}
	n.Machine = agenttest.Boot(agenttest.Options{
		Node: e.Node.ID, Token: e.Token, Dir: filepath.Join(dirs, e.Node.ID.String()), Dial: n.link.dial,
		Offer: spec.Resources{CPU: 8000, Memory: 16 * spec.GiB, Disk: 100 * spec.GiB},
		Log:   b.log(e.Node.Name), Ran: b.ran,
	})
	b.nodes = append(b.nodes, n)
	b.ok(n.Start())
}

// ran keeps what truly runs where.
func (b *bubble) ran(r agenttest.Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !r.Running {
		delete(b.runs[r.Container], r.Node)
		b.ends[r.Container]++
		return
	}
	if b.runs[r.Container] == nil {
		b.runs[r.Container] = map[id.NodeID]time.Time{}
	}
	for other, since := range b.runs[r.Container] {
		if other != r.Node && b.once[r.Container] {
			b.twice = append(b.twice, fmt.Sprintf("%s runs on %s since %s and now on %s (%s)", r.Container, other, since, r.Node, r.At))
		}
	}
	b.runs[r.Container][r.Node] = r.At
}

// where lists the nodes that run a container.
func (b *bubble) where(c id.ContainerID) (nodes []id.NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := range b.runs[c] {
		nodes = append(nodes, n)
	}
	return nodes
}

func (b *bubble) container(name string, edit func(*actions.NewContainer)) fleet.Container {
	b.Helper()
	system := authz.System("test")
	e, err := b.Actions().CreateEgg(b.Context(), system, actions.NewEgg{Egg: egg.Egg{Name: name, Images: []egg.Image{{Name: "demo", Image: "lormas/demo:1"}}}})
	b.ok(err)
	in := actions.NewContainer{
		Name: name, EggID: e.ID, Type: fleet.Standard, Environment: map[string]string{},
		Resources: spec.Resources{CPU: 100, Memory: 16 * spec.MiB, Disk: 16 * spec.MiB},
	}
	edit(&in)
	made, err := b.Actions().CreateContainer(b.Context(), system, in)
	b.ok(err)
	return made.Container
}

// await lets virtual time go by until a level is there.
func (b *bubble) await(what string, reached func() bool) {
	b.Helper()
	for range 10 * 60 * 10 {
		if reached() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("not reached in ten virtual minutes: %s; nodes %v", what, b.Main.nodes.States())
}

// pipes is a link that can be cut: while it is, what is written vanishes, and
// nobody is told. A connection that was cut once stays dead, as one does
// behind a router that forgot it.
type pipes struct {
	door *atomic.Pointer[broker.Broker]

	mu    sync.Mutex
	down  bool
	conns []*pipe
}

func (p *pipes) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	for _, c := range p.conns {
		c.die()
	}
	p.conns = nil
}

var errNoRoute = errors.New("no route to host")

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	door := p.door.Load()
	if p.down || door == nil {
		return nil, errNoRoute
	}
	near, far := net.Pipe()
	ends := [2]*pipe{newPipe(near), newPipe(far)}
	p.conns = append(p.conns, ends[:]...)
	go door.ServeConn("pipe", ends[1])
	return ends[0], nil
}

// pipe is one end of a connection. Writing does not wait for the reader, as
// the kernel's buffer is between them.
type pipe struct {
	net.Conn
	out  chan []byte
	done chan struct{}
	end  sync.Once

	mu   sync.Mutex
	dead bool
}

func newPipe(c net.Conn) *pipe {
	p := &pipe{Conn: c, out: make(chan []byte, 4096), done: make(chan struct{})}
	go func() {
		for {
			select {
			case data := <-p.out:
				if _, err := c.Write(data); err != nil {
					return
				}
			case <-p.done:
				return
			}
		}
	}()
	return p
}

func (p *pipe) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

func (p *pipe) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// Write implements net.Conn.
func (p *pipe) Write(data []byte) (int, error) {
	if p.isDead() {
		return len(data), nil
	}
	select {
	case <-p.done:
		return 0, net.ErrClosed
	case p.out <- append([]byte(nil), data...):
		return len(data), nil
	}
}

// Close implements net.Conn. A cable that is cut carries no farewell: the
// other end goes on waiting.
func (p *pipe) Close() error {
	p.end.Do(func() { close(p.done) })
	if p.isDead() {
		return p.SetDeadline(time.Unix(1, 0)) // ends our own reads
	}
	return p.Conn.Close()
}

// RemoteAddr implements net.Conn.
func (p *pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
