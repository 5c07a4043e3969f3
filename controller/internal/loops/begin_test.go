package loops_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/loops"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// A pass that comes between a verdict and its record begins nothing, and takes
// nothing for begun: the next one does, and does not wait for its turn.
func TestAFailoverBeginsOnceTheVerdictIsOnRecord(t *testing.T) {
	w := newWorld(t)
	e, lost := w.egg(), w.node("lost")
	now := time.Now()
	c := fleet.Container{
		ID: id.New[id.ContainerID](), Name: "web", EggID: e, NodeID: lost, Epoch: 1, Generation: 1, Power: spec.Running,
		Type: fleet.HA, HAPolicy: fleet.Available, MigrationStatus: fleet.MigrationIdle,
		Spec:      spec.Container{Name: "web", Image: "demo:1", Resources: spec.Resources{CPU: 100, Memory: spec.MiB}},
		CreatedAt: now, UpdatedAt: now,
	}
	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.InsertContainer(ctx, c) })
	w.nodes.Load([]liveness.Known{{Node: lost, State: fleet.NodeUnhealthy}})
	mover := &loops.Migrator{
		Store: w.db, Nodes: w.nodes, Live: w.live, Rules: failover.Default(), Sent: func() {}, Now: func() time.Time { return now }, Log: w.log,
		Metrics: loops.NewMigratorMetrics(prometheus.NewRegistry()),
	}
	open := func() int {
		if err := mover.Pass(w.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := w.db.OpenMigrations(w.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if n := open(); n != 0 {
		t.Errorf("%d failovers began before the verdict was on record", n)
	}
	w.do(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.SaveNodeStates(ctx, []store.NodeChange{{Node: lost, State: fleet.NodeUnhealthy, Since: now}})
		return err
	})
	if n := open(); n != 1 {
		t.Errorf("%d failovers are open once the verdict is on record", n)
	}
	if n := open(); n != 1 {
		t.Errorf("%d failovers are open after another pass", n)
	}
	down := errors.New("no database")
	mover.Before = func(string) error { return down }
	now = now.Add(time.Minute)
	c.ID, c.Name = id.New[id.ContainerID](), "another"
	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.InsertContainer(ctx, c) })
	if err := mover.Pass(w.Context()); !errors.Is(err, down) {
		t.Errorf("a round that failed is not told: %v", err)
	}
}
