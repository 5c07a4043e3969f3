package loops_test

import (
	"context"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/loops"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func (w *world) egg() id.EggID {
	w.Helper()
	e := fleet.Egg{ID: id.New[id.EggID](), Generation: 1, CreatedAt: time.Now(), UpdatedAt: time.Now(), Egg: egg.Egg{
		Name: "demo", Images: []egg.Image{{Name: "default", Image: "demo:1"}},
	}}
	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.InsertEgg(ctx, e) })
	return e.ID
}

// moved is a container whose migration ended in a state at a moment.
func (w *world) moved(name string, e id.EggID, on id.NodeID, state fleet.MigrationState, at time.Time) id.ContainerID {
	w.Helper()
	c := fleet.Container{
		ID: id.New[id.ContainerID](), Name: name, EggID: e, NodeID: on, Epoch: 1, Generation: 1, Power: spec.Running, Type: fleet.Standard,
		Spec:      spec.Container{Name: name, Image: "demo:1", Resources: spec.Resources{CPU: 100, Memory: spec.MiB}},
		CreatedAt: at, UpdatedAt: at,
	}
	m := fleet.Migration{
		ID: id.New[id.MigrationID](), ContainerID: c.ID, Kind: fleet.KindManual, From: on, FromEpoch: 1, State: fleet.MigrationQueued,
		Version: 1, Attempt: 1, CreatedAt: at, NextRunAt: at, Leftover: fleet.LeftoverNone,
	}
	w.do(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertContainer(ctx, c); err != nil {
			return err
		}
		if err := tx.InsertMigration(ctx, m); err != nil {
			return err
		}
		m.State, m.FinishedAt = state, &at
		_, _, err := tx.FinishMigrations(ctx, []fleet.Migration{m})
		return err
	})
	return c.ID
}

func (w *world) status(c id.ContainerID) fleet.MigrationStatus {
	w.Helper()
	out, err := w.db.Container(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	return out.MigrationStatus
}

// What has moved is idle again after a minute, and people are told. What moved
// after it, or did not, stays as it is in the same sweep.
func TestAMoveIsPastAfterAMinute(t *testing.T) {
	w := newWorld(t)
	node, now := w.node("n1"), time.Now().UTC().Truncate(time.Microsecond)
	e := w.egg()
	later := w.moved("later", e, node, fleet.MigrationDone, now.Add(-time.Minute+time.Microsecond))
	past := w.moved("past", e, node, fleet.MigrationDone, now.Add(-time.Minute))
	failed := w.moved("failed", e, node, fleet.MigrationGaveUp, now.Add(-time.Hour))
	sweeper := &loops.Sweeper{
		Store: w.db, Nodes: w.nodes, Live: w.live, Log: w.log, Wake: func() {}, Now: func() time.Time { return now },
	}
	w.run(sweeper.Run)
	eventually(t, "people are told that it is idle", func() bool { return w.told.statusOf(past) == string(fleet.MigrationIdle) })
	for c, want := range map[id.ContainerID]fleet.MigrationStatus{
		past: fleet.MigrationIdle, later: fleet.MigrationCompleted, failed: fleet.MigrationFailed,
	} {
		if got := w.status(c); got != want {
			t.Errorf("a container is %s, want %s", got, want)
		}
	}
}

// What begins again between the look and the write is left alone.
func TestAMoveThatBeginsAgainIsNotPast(t *testing.T) {
	w := newWorld(t)
	node, at := w.node("n1"), time.Now().UTC().Truncate(time.Microsecond).Add(-time.Hour)
	e := w.egg()
	c := w.moved("web", e, node, fleet.MigrationDone, at)
	seen, err := w.db.CompletedMoves(t.Context(), 10)
	if err != nil || len(seen) != 1 || seen[0].Container != c || !seen[0].At.Equal(at) {
		t.Fatalf("%+v, %v", seen, err)
	}
	m := fleet.Migration{
		ID: id.New[id.MigrationID](), ContainerID: c, Kind: fleet.KindManual, From: node, FromEpoch: 1, State: fleet.MigrationQueued,
		Version: 1, Attempt: 1, CreatedAt: at, NextRunAt: at, Leftover: fleet.LeftoverNone,
	}
	w.do(func(ctx context.Context, tx *store.Tx) error { return tx.InsertMigration(ctx, m) })
	w.do(func(ctx context.Context, tx *store.Tx) error {
		ended, err := tx.EndCompleted(ctx, seen)
		if len(ended) != 0 {
			t.Errorf("%+v are idle", ended)
		}
		return err
	})
	if got := w.status(c); got != fleet.Migrating {
		t.Errorf("it is %s", got)
	}
}

// The audit trail is forgotten in time, more of it than goes in one
// transaction; what is younger stays.
func TestTheAuditTrailIsForgotten(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	w.do(func(ctx context.Context, tx *store.Tx) error {
		for i := range 2100 {
			at := now.Add(-25 * time.Hour)
			if i%100 == 0 {
				at = now.Add(-23 * time.Hour)
			}
			e := fleet.AuditEntry{ActorKind: fleet.ActorSystem, Verb: fleet.NodeDrain, Outcome: fleet.OutcomeOK, At: at}
			if err := tx.InsertAudit(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	left := func() (n int) {
		for page, err := range w.db.AuditPages(t.Context(), store.AuditFilter{Verb: string(fleet.NodeDrain)}) {
			if err != nil {
				t.Fatal(err)
			}
			n += len(page)
		}
		return n
	}
	sweeper := loops.Sweeper{Store: w.db, Nodes: w.nodes, Live: w.live, Log: w.log, Wake: func() {}, Now: func() time.Time { return now }}
	sweeper.KeepAudit = 24 * time.Hour
	w.run(sweeper.Run)
	eventually(t, "only the younger ones are left", func() bool { return left() == 21 })
}
