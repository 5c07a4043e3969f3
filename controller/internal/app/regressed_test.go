package app_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// I5, R7 of FAILOVER §5.6: a database that was restored from a backup. Nodes
// that know better are told nothing, nothing is given up, and on an operator's
// word revisions and epochs go on above all that was ever told.
func TestI5ARestoredDatabaseTakesNothingBack(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	a := newAgent(t, node, token).join(c)
	other, otherToken := c.enrol("edge-2")
	b := newAgent(t, other, otherToken).join(c)
	made := c.create("web", node).Container
	a.awaitDesired("the container", func(d wire.Desired) bool { return d.Rev == 1 })

	// As the agents remember it, it went to the second node and on to epoch 9.
	reconnect := func(a *agent, applied int64, present ...wire.ContainerRef) {
		a.connect("mqtt://" + c.MQTTAddr())
		hello := a.helloMessage(applied)
		hello.Present = present
		a.publish(wire.NodeSync, wire.Encode(hello))
	}
	reconnect(a, 50)
	reconnect(b, 7, wire.ContainerRef{ID: made.ID, Epoch: 9, Running: true})
	held := func() string {
		f, err := c.Actions().Fleet(context.Background(), system)
		if err != nil {
			t.Fatal(err)
		}
		if f.Held {
			return f.Kind + ": " + f.Reason
		}
		return ""
	}
	eventually(t, "all failovers are held", func() bool {
		return strings.Contains(held(), "state_regressed: agents know later epochs of 1 containers and later revisions of 2 nodes")
	})
	if len(a.desired)+len(b.desired) > 0 {
		t.Errorf("they were told %v %v", a.desired, b.desired)
	}

	if _, err := c.Actions().ReleaseFleet(context.Background(), system); err != nil {
		t.Fatal(err)
	}
	if why := held(); why != "" {
		t.Errorf("it is still held: %s", why)
	}
	for _, want := range []struct {
		*agent
		applied int64
	}{{a, 50}, {b, 7}} {
		want.hello(want.applied)
		d := want.awaitDesired("the truth", func(wire.Desired) bool { return true })
		if d.Kind != wire.DesiredFull || d.Rev <= want.applied {
			t.Errorf("a node at %d was told %s up to %d", want.applied, d.Kind, d.Rev)
		}
	}
	d := a.awaitDesired("the container", func(d wire.Desired) bool { return len(d.Containers) == 1 })
	if got := d.Containers[0]; got.Epoch != 10 || got.Power != spec.Running {
		t.Errorf("the container is wanted as %+v", got)
	}
	if got := c.container(made.ID); got.Epoch != 10 {
		t.Errorf("the epoch is %d", got.Epoch)
	}
}

// While a database is behind, what is being moved waits and says why.
func TestAMigrationWaitsForARestoredDatabase(t *testing.T) {
	t.Parallel()
	c := newController(t)
	node, token := c.enrol("edge-1")
	newAgent(t, node, token).join(c)
	other, otherToken := c.enrol("edge-2")
	b := newAgent(t, other, otherToken).join(c)
	made := c.create("web", node).Container
	b.connect("mqtt://" + c.MQTTAddr())
	hello := b.helloMessage(0)
	hello.Present = []wire.ContainerRef{{ID: made.ID, Epoch: 9}}
	b.publish(wire.NodeSync, wire.Encode(hello))
	eventually(t, "it is noted", func() bool {
		list, err := c.db.Regressions(context.Background())
		return err == nil && len(list) == 1
	})
	moved, err := c.Actions().MigrateContainer(context.Background(), system, made.ID, actions.Move{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the migration says why it waits", func() bool {
		m, err := c.db.Migration(context.Background(), moved.Migration.ID)
		return err == nil && m.State == fleet.MigrationQueued && strings.Contains(m.Waiting, "restored from a backup")
	})
}
