package app_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lormas/lormas/agent/agenttest"
	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// kill ends the controller without a resignation: its lease goes on.
func (c *controller) kill() {
	c.t.Helper()
	c.killed.Store(true)
	c.Sever()
	c.stop()
	if log := c.log.String(); !strings.Contains(log, "the controller's lease was not given back") {
		c.t.Errorf("the controller resigned:\n%s", log)
	}
}

// copies is where a container truly runs.
type copies struct {
	t  *testing.T
	mu sync.Mutex
	on map[id.NodeID]bool
}

func (c *copies) ran(r agenttest.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !r.Running {
		delete(c.on, r.Node)
		return
	}
	c.on[r.Node] = true
	if len(c.on) > 1 {
		c.t.Errorf("it runs on %d nodes", len(c.on))
	}
}

func (c *copies) only(on id.NodeID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.on) == 1 && c.on[on]
}

// machine is a node with a whole agent, which tries the controllers in turn.
func (c *controller) machine(name string, ran func(agenttest.Run), doors ...string) *agenttest.Machine {
	c.t.Helper()
	node, token := c.enrol(name)
	var turn atomic.Int64
	m := agenttest.Boot(agenttest.Options{
		Node: node, Token: token, Dir: filepath.Join(c.t.TempDir(), name), Log: discard, Ran: ran,
		Offer: spec.Resources{CPU: 8000, Memory: 16 * spec.GiB, Disk: 100 * spec.GiB},
		Dial: func(ctx context.Context) (net.Conn, error) {
			door := doors[int(turn.Add(1))%len(doors)]
			return (&net.Dialer{}).DialContext(ctx, "tcp", door)
		},
	})
	c.t.Cleanup(func() {
		if err := m.Off(); err != nil {
			c.t.Error(err)
		}
	})
	must(c.t, m.Start())
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exclusive makes a container that may run once only.
func (c *controller) exclusive(on id.NodeID) fleet.Container {
	c.t.Helper()
	eventually(c.t, "the nodes have guards", func() bool {
		list, _, err := c.db.Nodes(context.Background(), store.NodeFilter{Page: store.Page{Limit: 9}, Reach: store.Reach{All: true}})
		guarded := err == nil
		for _, n := range list {
			guarded = guarded && n.Health.State == fleet.NodeHealthy && n.Health.GuardOK
		}
		return guarded
	})
	made, err := c.Actions().CreateContainer(context.Background(), system, actions.NewContainer{
		Name: "strict", EggID: c.egg(), NodeID: &on, Type: fleet.HA, HAPolicy: fleet.Exclusive, Environment: map[string]string{},
		Resources: spec.Resources{CPU: 100, Memory: 16 * spec.MiB, Disk: 16 * spec.MiB},
	})
	must(c.t, err)
	return made.Container
}

func (c *controller) migration(m id.MigrationID) fleet.Migration {
	c.t.Helper()
	out, err := c.db.Migration(context.Background(), m)
	must(c.t, err)
	return out
}

// A controller is killed while it waits for the source of a move: the one that
// stood by finishes that move, and begins no other.
func TestTheStandbyFinishesAMigration(t *testing.T) {
	t.Parallel()
	active, standby := two(t, 2*time.Second)
	runs := &copies{t: t, on: map[id.NodeID]bool{}}
	doors := []string{active.MQTTAddr(), standby.MQTTAddr()}
	from, to := active.machine("from", runs.ran, doors...), active.machine("to", runs.ran, doors...)
	c := active.exclusive(from.Node)
	eventually(t, "it runs", func() bool { return runs.only(from.Node) && active.container(c.ID).Phase() == "running" })

	must(t, from.Crash()) // nobody says that the old copy has ended
	moved, err := active.Actions().MigrateContainer(t.Context(), system, c.ID, actions.Move{Target: &to.Node})
	must(t, err)
	eventually(t, "the move waits for its source", func() bool { return active.migration(moved.Migration.ID).State == fleet.MigrationStopping })
	active.kill()
	eventually(t, "the other works", standby.works)
	if m := standby.migration(moved.Migration.ID); m.State != fleet.MigrationStopping || !runs.only(from.Node) {
		t.Errorf("before its source was heard of, the move is %s, or the old copy has ended", m.State)
	}

	must(t, from.Start())
	standby.awaitJob(moved.Job.ID, fleet.JobSucceeded)
	eventually(t, "it runs at its target", func() bool { return runs.only(to.Node) && standby.container(c.ID).Phase() == "running" })
	m, now := standby.migration(moved.Migration.ID), standby.container(c.ID)
	if m.State != fleet.MigrationDone || m.Attempt != 1 || now.NodeID != to.Node || now.Epoch != c.Epoch+1 {
		t.Errorf("the move is %s after %d attempts, the container on %s with epoch %d", m.State, m.Attempt, now.NodeID, now.Epoch)
	}
}
