package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// throne begins reigns, past the wait for the end of a lease.
func (h house) throne(who string) (term int64) {
	h.Helper()
	h.do(func(tx *store.Tx) (err error) {
		term, err = crown(h.ctx, tx, who)
		return err
	})
	return term
}

func crown(ctx context.Context, tx *store.Tx, who string) (int64, error) {
	if _, err := tx.LockControllers(ctx); err != nil {
		return 0, err
	}
	return tx.BeginReign(ctx, store.Presence{ID: who}, time.Minute)
}

// aMove is a container, and what moves it under a term.
func (h sqlHouse) aMove() (c fleet.Container, to id.NodeID, under func(ctx context.Context, tx *store.Tx, term int64) error) {
	h.Helper()
	from, target := h.joined("from", big), h.joined("to", big)
	c = h.container("web", h.egg("demo"), from)
	want := h.next(h.asked(c), fleet.MigrationStarting)
	return c, target.ID, func(ctx context.Context, tx *store.Tx, term int64) error {
		if err := tx.Reigns(ctx, term); err != nil {
			return err
		}
		_, err := tx.Switch(ctx, []store.Placed{{Migration: want, Node: target.ID}})
		return err
	}
}

func (h sqlHouse) isOn(c fleet.Container, node id.NodeID) {
	h.Helper()
	if got, err := h.Container(h.ctx, c.ID); err != nil || got.NodeID != node {
		h.Errorf("the container is on %s, want %s, %v", got.NodeID, node, err)
	}
	h.sound("afterwards")
}

// I1: a takeover that comes first defeats the switch.
func TestI1_ASwitchAfterATakeoverIsRefused(t *testing.T) {
	h := newSQLHouse(t)
	c, _, switchUnder := h.aMove()
	old := h.throne("a")
	err := h.InTx(h.ctx, func(tx *store.Tx) error {
		if _, err := tx.Container(h.ctx, c.ID); err != nil { // it has begun
			return err
		}
		h.throne("b")
		return switchUnder(h.ctx, tx, old)
	})
	wantError(t, err, fleet.Unavailable, "another controller reigns since")
	if !errors.Is(err, store.ErrDeposed) {
		t.Errorf("%v is not ErrDeposed", err)
	}
	h.isOn(c, c.NodeID)
}

// I1: a takeover in the middle of a switch waits for its end; a renewal of the
// reign itself does not.
func TestI1_ATakeoverWaitsForASwitch(t *testing.T) {
	h := newSQLHouse(t)
	c, to, switchUnder := h.aMove()
	old := h.throne("a")
	took := make(chan error, 1)
	h.do(func(tx *store.Tx) error {
		if err := switchUnder(h.ctx, tx, old); err != nil {
			return err
		}
		renewal, cancel := context.WithTimeout(h.ctx, 2*time.Second)
		defer cancel()
		if err := h.InTx(renewal, func(tx *store.Tx) error { return tx.RenewReign(renewal, store.Presence{ID: "a"}, time.Minute) }); err != nil {
			t.Errorf("the renewal waited: %v", err)
		}
		go func() {
			took <- h.InTx(h.ctx, func(tx *store.Tx) error { _, err := crown(h.ctx, tx, "b"); return err })
		}()
		h.blocked(took)
		return nil
	})
	if err := <-took; err != nil {
		t.Fatal(err)
	}
	h.isOn(c, to)
	h.refused(fleet.Unavailable, func(tx *store.Tx) error { return tx.Reigns(h.ctx, old) })
}

// blocked waits until a backend of the test's database waits for a lock; what
// should wait must not come to its end before.
func (h sqlHouse) blocked(ended <-chan error) {
	h.Helper()
	for waits := false; !waits; {
		select {
		case err := <-ended:
			h.Fatalf("it did not wait: it ended with %v", err)
		default:
		}
		if err := h.sql.QueryRow(h.ctx, `select exists (select from pg_stat_activity
			where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0)`).Scan(&waits); err != nil {
			h.Fatal(err)
		}
	}
}

// I1: a controller that freezes between its switch and the commit holds nobody
// up, and its commit is refused when it wakes.
func TestI1_AFrozenSwitchIsNotCommitted(t *testing.T) {
	h := newSQLHouse(t)
	c, _, switchUnder := h.aMove()
	old := h.throne("a")
	err := h.InTx(h.ctx, func(tx *store.Tx) error {
		if err := switchUnder(h.ctx, tx, old); err != nil {
			return err
		}
		h.throne("b") // returns when our transaction was ended for us
		return nil
	})
	if err == nil {
		t.Error("the switch of a deposed controller was committed")
	}
	h.isOn(c, c.NodeID)
}

// A controller that has no term yet writes nothing. One without authority for
// a moment is judged by its term, and one that nobody can follow not at all.
func TestWithoutATermNothingIsWritten(t *testing.T) {
	h := newHouse(t)
	term := h.throne("a")
	for _, row := range []struct {
		term    int64
		ok, may bool
	}{{0, false, false}, {0, true, true}, {term, false, true}, {term, true, true}} {
		ruled := h.Reigning(func() (int64, bool) { return row.term, row.ok })
		began := false
		err := ruled.InTx(h.ctx, func(*store.Tx) error { began = true; return nil })
		if began != row.may || errors.Is(err, store.ErrPowerless) == row.may {
			t.Errorf("term %d, authority %v: begun %v, %v", row.term, row.ok, began, err)
		}
	}
}
