package store_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// killer ends the backend of a connection just before one of its statements.
type killer struct {
	t    *testing.T
	by   *pgx.Conn
	left int // statements until then; negative: never
}

func (k *killer) strike(ctx context.Context, c *pgx.Conn) context.Context {
	k.left--
	if k.left != -1 {
		return ctx
	}
	pid := c.PgConn().PID()
	if _, err := k.by.Exec(context.Background(), `select pg_terminate_backend($1, 10000)`, pid); err != nil {
		k.t.Errorf("end backend %d: %v", pid, err)
	}
	return ctx
}

func (k *killer) TraceQueryStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return k.strike(ctx, c)
}
func (k *killer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (k *killer) TraceBatchStart(ctx context.Context, c *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return k.strike(ctx, c)
}
func (k *killer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (k *killer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// stage is a step of a migration, done as the migrator does it.
type stage struct {
	state fleet.MigrationState
	do    func(context.Context, *store.Tx, fleet.Migration) error
}

// stagesTo are those of a whole move.
func stagesTo(to id.NodeID, ports []spec.Port) []stage {
	return []stage{
		{fleet.MigrationReserved, func(ctx context.Context, tx *store.Tx, m fleet.Migration) error {
			return tx.ReserveFor(ctx, []store.Placed{{Migration: m, Node: to, Ports: ports}})
		}},
		{fleet.MigrationStopping, func(ctx context.Context, tx *store.Tx, m fleet.Migration) error {
			_, err := tx.Evict(ctx, []fleet.Migration{m})
			return err
		}},
		{fleet.MigrationStarting, func(ctx context.Context, tx *store.Tx, m fleet.Migration) error {
			_, err := tx.Switch(ctx, []store.Placed{{Migration: m, Node: to}})
			return err
		}},
		{fleet.MigrationDone, func(ctx context.Context, tx *store.Tx, m fleet.Migration) error {
			_, _, err := tx.FinishMigrations(ctx, []fleet.Migration{m})
			return err
		}},
	}
}

// I5, I7, I8, I14: a controller whose connection ends before any statement of
// any step, its commit included, has done nothing of it; the step goes through
// when it is tried again, and once only.
func TestI5_I7_I8_I14_AStepIsDoneWhollyOrNotAtAll(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	connect := func() *pgx.Conn {
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(context.Background()) })
		return c
	}
	k := &killer{t: t, by: connect(), left: -1}
	s, err := store.OpenTraced(t.Context(), url, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	h := sqlHouse{house{t, s, t.Context()}, connect()}
	from, to := h.joined("from", big), h.joined("to", big)
	e := h.egg("demo")
	h.container("other", e, to, tcp(8080))
	c := h.container("web", e, from, spec.Port{Host: 8080, Container: 80, Protocol: "tcp", Auto: true})
	m := h.asked(c)
	moved := []spec.Port{{Host: 8081, Container: 80, Protocol: "tcp", Auto: true}}
	for _, stage := range stagesTo(to.ID, moved) {
		want := h.next(m, stage.state)
		before := h.everything()
		statements := 0
		for ; ; statements++ {
			k.left = statements
			err := s.InTx(t.Context(), func(tx *store.Tx) error { return stage.do(t.Context(), tx, want) })
			unstruck := k.left >= 0
			k.left = -1
			if err == nil && unstruck {
				break
			}
			if err == nil {
				t.Fatalf("%s: committed, though it ended before statement %d", stage.state, statements)
			}
			if unstruck {
				t.Fatalf("%s: %v", stage.state, err)
			}
			if h.everything() != before {
				t.Fatalf("%s: ended before statement %d, and half of it was done", stage.state, statements)
			}
		}
		if statements < 4 {
			t.Errorf("%s: only %d statements were seen", stage.state, statements)
		}
		h.sound(string(stage.state))
		// Who tries again though it was committed changes nothing.
		after := h.everything()
		err := s.InTx(t.Context(), func(tx *store.Tx) error { return stage.do(t.Context(), tx, want) })
		if fleet.KindOf(err) != fleet.Conflict && stage.state != fleet.MigrationDone || err != nil && stage.state == fleet.MigrationDone {
			t.Errorf("%s, again: %v", stage.state, err)
		}
		if h.everything() != after {
			t.Errorf("%s was done twice", stage.state)
		}
	}
	got, err := h.Container(t.Context(), c.ID)
	if err != nil || got.NodeID != to.ID || got.Epoch != 2 || got.Spec.Ports[0].Host != 8081 || got.MigrationStatus != fleet.MigrationCompleted {
		t.Errorf("it is %+v, %v", got, err)
	}
	past, _, err := h.MigrationHistory(t.Context(), c.ID, store.Page{Limit: 5})
	if err != nil || len(past) != 1 || past[0].DecideMS == nil || past[0].StartMS == nil || past[0].DurationMS < *past[0].DecideMS+*past[0].StartMS {
		t.Errorf("I14: the history is %+v, %v", past, err)
	}
}

// A migration may be given up at every point: nothing stays reserved.
func TestI7_I14_GivenUpAnywhereGivesEverythingBack(t *testing.T) {
	h := newSQLHouse(t)
	from, to := h.joined("from", big), h.joined("to", big)
	c := h.container("web", h.egg("demo"), from, tcp(8080))
	for n := range 3 {
		m := h.asked(c)
		for _, stage := range stagesTo(to.ID, c.Spec.Ports)[:n] {
			want := h.next(m, stage.state)
			h.do(func(tx *store.Tx) error { return stage.do(h.ctx, tx, want) })
		}
		over := h.next(m, fleet.MigrationCancelled)
		h.do(func(tx *store.Tx) error {
			_, _, err := tx.FinishMigrations(h.ctx, []fleet.Migration{over})
			return err
		})
		h.sound("given up")
		got, err := h.Node(h.ctx, to.ID)
		if err != nil || got.Health.Reserved != (spec.Resources{}) {
			t.Errorf("after %d steps the target still has %+v, %v", n, got.Health.Reserved, err)
		}
	}
	past, _, err := h.MigrationHistory(h.ctx, c.ID, store.Page{Limit: 10})
	if err != nil || len(past) != 3 {
		t.Errorf("I14: %d are in the history, %v", len(past), err)
	}
}

// I7: a place that did not work out is given back when the migration looks for
// another; saving that twice gives it back once.
func TestI7_APlaceThatIsGivenUpIsFree(t *testing.T) {
	h := newSQLHouse(t)
	from, to := h.joined("from", big), h.joined("to", big)
	c := h.container("web", h.egg("demo"), from, tcp(8080))
	m := h.asked(c)
	reserve := stagesTo(to.ID, c.Spec.Ports)[0]
	want := h.next(m, reserve.state)
	h.do(func(tx *store.Tx) error { return reserve.do(h.ctx, tx, want) })
	again := h.next(m, fleet.MigrationQueued)
	again.To, again.Excluded = nil, []id.NodeID{to.ID}
	for _, saved := range []int{1, 0} {
		h.do(func(tx *store.Tx) error {
			got, err := tx.SaveMigrations(h.ctx, []fleet.Migration{again})
			if len(got) != saved {
				t.Errorf("%d were saved, want %d", len(got), saved)
			}
			return err
		})
		h.sound("queued again")
	}
}

// I14: what is over stays as it ended, even for who knows its newest version.
func TestI14_WhatIsOverStaysAsItEnded(t *testing.T) {
	h := newSQLHouse(t)
	from, to := h.joined("from", big), h.joined("to", big)
	m := h.asked(h.container("web", h.egg("demo"), from))
	end := h.next(m, fleet.MigrationCancelled)
	h.do(func(tx *store.Tx) error {
		_, _, err := tx.FinishMigrations(h.ctx, []fleet.Migration{end})
		return err
	})
	before := h.everything()
	reserve := stagesTo(to.ID, nil)[0]
	again, anew := h.next(m, fleet.MigrationQueued), h.next(m, reserve.state)
	again.FinishedAt, anew.FinishedAt = nil, nil
	h.do(func(tx *store.Tx) error {
		got, err := tx.SaveMigrations(h.ctx, []fleet.Migration{again})
		if len(got) != 0 {
			t.Errorf("%d were saved", len(got))
		}
		return err
	})
	h.refused(fleet.Conflict, func(tx *store.Tx) error { return reserve.do(h.ctx, tx, anew) }, "have gone on meanwhile")
	if after := h.everything(); after != before {
		t.Errorf("it is\n%s\nand was\n%s", after, before)
	}
}
