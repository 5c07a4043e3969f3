package store_test

import (
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func TestRepeatedRequestFindsItsAnswer(t *testing.T) {
	h := newHouse(t)
	user := id.New[id.UserID]()
	o := store.Once{User: user, Key: "k", Hash: []byte("request")}
	type answer struct{ Made string }
	recall := func(o store.Once) (done bool, got answer) {
		t.Helper()
		h.do(func(tx *store.Tx) (err error) {
			if done, err = tx.Recall(h.ctx, o, &got); done || err != nil {
				return err
			}
			return tx.Remember(h.ctx, o, answer{Made: "this"})
		})
		return done, got
	}
	if done, _ := recall(o); done {
		t.Error("the first request was taken for a repetition")
	}
	if done, got := recall(o); !done || got.Made != "this" {
		t.Errorf("the repetition got %v, %v", done, got)
	}
	if done, _ := recall(store.Once{User: id.New[id.UserID](), Key: "k", Hash: o.Hash}); done {
		t.Error("one user's key answered another")
	}
	if done, _ := recall(store.Once{}); done {
		t.Error("no key at all was taken for a repetition")
	}
	h.refused(fleet.Conflict, func(tx *store.Tx) error {
		_, err := tx.Recall(h.ctx, store.Once{User: user, Key: "k", Hash: []byte("another")}, nil)
		return err
	}, "Idempotency-Key")
}

func TestRequestThatFailedMayBeTriedAgain(t *testing.T) {
	h := newHouse(t)
	o := store.Once{User: id.New[id.UserID](), Key: "k", Hash: []byte("request")}
	h.refused(fleet.NoCapacity, func(tx *store.Tx) error {
		if _, err := tx.Recall(h.ctx, o, nil); err != nil {
			return err
		}
		return fleet.Errorf(fleet.NoCapacity, "no room")
	})
	h.do(func(tx *store.Tx) error {
		done, err := tx.Recall(h.ctx, o, nil)
		if done {
			t.Error("a request that failed is remembered as done")
		}
		return err
	})
}

func TestConcurrentRepetitionsDoTheWorkOnce(t *testing.T) {
	h := newHouse(t)
	o := store.Once{User: id.New[id.UserID](), Key: "k", Hash: []byte("request")}
	const racers = 6
	worked := make([]bool, racers)
	for i, err := range race(racers, func(i int) error {
		return h.InTx(h.ctx, func(tx *store.Tx) error {
			var got struct{ Made string }
			done, err := tx.Recall(h.ctx, o, &got)
			worked[i] = !done
			if done || err != nil {
				return err
			}
			got.Made = "done"
			return tx.Remember(h.ctx, o, got)
		})
	}) {
		if err != nil {
			t.Errorf("racer %d: %v", i, err)
		}
	}
	count := 0
	for _, w := range worked {
		if w {
			count++
		}
	}
	if count != 1 {
		t.Errorf("the work was done %d times, want once", count)
	}
}
