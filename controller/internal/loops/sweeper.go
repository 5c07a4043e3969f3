package loops

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/live"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/loop"
)

const (
	expireEvery  = time.Second
	requeueEvery = 10 * time.Second
	sweepEvery   = 10 * time.Minute
	// patience is how long past its deadline the result of a command is
	// waited for that an agent has begun.
	patience = time.Minute
	// fadeAtOnce is how many containers become idle in one sweep, at most.
	fadeAtOnce = 1000
	// forgetAtOnce is how many audit entries go in one transaction, and
	// forgetRounds how many transactions there are in one sweep.
	forgetAtOnce, forgetRounds = 1000, 100
)

// Sweeper ends what is late, sends again what was lost on the way, has moves
// forgotten that went well, and deletes what is old.
type Sweeper struct {
	Store *store.Store
	Nodes *liveness.Registry
	Live  *live.Live
	Wake  func() // the outbox has rows
	Now   func() time.Time
	Log   *slog.Logger

	KeepAudit time.Duration // how long entries of the audit trail are kept; 0: for ever

	requeued, swept time.Time
}

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	return loop.Run(ctx, expireEvery, loop.NewWake(), s.sweep, func(err error) {
		s.Log.Error("sweep not finished; it is tried again", "error", err)
	})
}

func (s *Sweeper) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	now := s.Now()
	if err := s.expire(ctx, now); err != nil {
		return err
	}
	if err := s.fade(ctx, now); err != nil {
		return err
	}
	if now.Sub(s.requeued) >= requeueEvery {
		if err := s.requeue(ctx, now); err != nil {
			return err
		}
		s.requeued = now
	}
	if now.Sub(s.swept) < sweepEvery {
		return nil
	}
	s.swept = now
	keep := store.Keep{Idempotency: 24 * time.Hour, Jobs: 30 * 24 * time.Hour, Transitions: 30 * 24 * time.Hour, Revisions: 1000}
	if err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.Sweep(ctx, now, keep) }); err != nil {
		return err
	}
	return s.forgetAudit(ctx, now)
}

func (s *Sweeper) expire(ctx context.Context, now time.Time) error {
	var news store.News
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		news, err = tx.ExpireCommands(ctx, now, patience)
		return err
	})
	if err != nil {
		return err
	}
	s.Live.Tell(news)
	return nil
}

// fade makes containers idle again that moved a while ago.
func (s *Sweeper) fade(ctx context.Context, now time.Time) error {
	moved, err := s.Store.CompletedMoves(ctx, fadeAtOnce)
	if err != nil {
		return err
	}
	past := slices.DeleteFunc(moved, func(m store.CompletedMove) bool {
		return fleet.MigrationCompleted.At(now, &m.At) == fleet.MigrationCompleted
	})
	if len(past) == 0 {
		return nil
	}
	var ended []fleet.Container
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		ended, err = tx.EndCompleted(ctx, past)
		return err
	})
	if err != nil {
		return err
	}
	s.Live.Tell(store.News{Containers: ended})
	return nil
}

func (s *Sweeper) requeue(ctx context.Context, now time.Time) error {
	present := s.Nodes.Greeted()
	if len(present) == 0 {
		return nil
	}
	var lost int
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		lost, err = tx.Requeue(ctx, present, now.Add(-requeueEvery))
		return err
	})
	if err != nil || lost == 0 {
		return err
	}
	s.Log.Info("commands sent again that were not confirmed", "count", lost)
	s.Wake()
	return nil
}

// forgetAudit deletes audit entries that are older than they are kept. What
// is too much for one sweep goes with the next.
func (s *Sweeper) forgetAudit(ctx context.Context, now time.Time) error {
	if s.KeepAudit == 0 {
		return nil
	}
	for range forgetRounds {
		var gone int64
		err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.ForgetAudit(ctx, now.Add(-s.KeepAudit), forgetAtOnce)
			return err
		})
		if err != nil || gone < forgetAtOnce {
			return err
		}
	}
	return nil
}
