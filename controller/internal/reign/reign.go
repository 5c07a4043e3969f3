package reign

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lormas/lormas/controller/internal/store"
)

// Options is what a Reign needs.
type Options struct {
	// Store has a connection of its own: a renewal must not wait for others'.
	Store      *store.Store
	ID         string
	URL        string        // where people reach this controller
	Version    string        //
	SigningKey string        // fingerprint of the key that it signs tokens with
	ReplaceKey bool          // whatever others sign with
	Lease      time.Duration // 0: as it fits, see the package
	Now        func() time.Time
	Log        *slog.Logger
}

// Reign is a controller's place among those of its database. It is safe for
// concurrent use.
type Reign struct {
	options Options
	crowned chan struct{}

	mu     sync.Mutex
	term   int64
	tenure tenure
	over   bool // deposed or resigned: it never reigns again
	active store.Controller
	waits  string // for whom, as it was logged
}

// New makes a Reign that has not begun; Round or Run may begin it.
func New(o Options) *Reign {
	return &Reign{options: o, crowned: make(chan struct{})}
}

// Authority reports whether this controller may grant and decide at a moment,
// and under which term. It answers from memory.
func (r *Reign) Authority(now time.Time) (term int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.term, r.term > 0 && !r.over && r.tenure.runs(now)
}

// Crowned is closed when the reign begins.
func (r *Reign) Crowned() <-chan struct{} { return r.crowned }

// Begun reports whether the reign has begun.
func (r *Reign) Begun() bool {
	select {
	case <-r.crowned:
		return true
	default:
		return false
	}
}

// Active is where people reach the controller that reigns, as far as one that
// stands by knows; "" when it is not known.
func (r *Reign) Active() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active.URL
}

// afterEnd is how long after the end of somebody's lease it is looked at again.
const afterEnd = 100 * time.Millisecond

// Run comes round until ctx ends or the reign does. Rounds that fail are tried
// again soon: each costs some of what is left of the lease.
func (r *Reign) Run(ctx context.Context) error {
	for {
		timer := time.NewTimer(r.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		err := r.Round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrDeposed), errors.Is(err, ErrTwin), errors.Is(err, ErrKey):
			return err
		case err != nil:
			_, ok := r.Authority(r.options.Now())
			r.options.Log.Warn("the controller's lease was not renewed; it is tried again", "authority", ok, "error", err)
		}
	}
}

// pause is the time to the next round; one who waits for a lease to end looks
// again when it does.
func (r *Reign) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := pause(r.options.Lease)
	if r.term == 0 {
		p = min(p, max(r.active.LeaseLeft, 0)+afterEnd)
	}
	return p
}

// Round looks at all controllers and does what follows: begins a reign, renews
// it, or stands by. It returns ErrDeposed when the reign is over, and ErrTwin
// or ErrKey when this controller may not be one of this database.
func (r *Reign) Round(ctx context.Context) error {
	sent := r.options.Now()
	ctx, cancel := context.WithTimeout(ctx, max(MinLease, pause(r.options.Lease)))
	defer cancel()
	me := r.self()
	var is verdict
	var term int64
	var length time.Duration
	err := r.options.Store.InTx(ctx, func(tx *store.Tx) error {
		all, err := tx.LockControllers(ctx)
		if err != nil {
			return err
		}
		if is, err = decide(me, all); err != nil {
			return err
		}
		length = lengthOf(r.options.Lease, is.move, me.id, all)
		term, err = r.carryOut(ctx, tx, is.move, sent, length)
		return err
	})
	if err != nil {
		return r.failed(err)
	}
	r.succeeded(is, term, sent, length)
	return nil
}

func (r *Reign) self() self {
	r.mu.Lock()
	defer r.mu.Unlock()
	return self{id: r.options.ID, term: r.term, key: r.options.SigningKey, replaceKey: r.options.ReplaceKey}
}

// writing cuts our own count short, where the lease that is about to be
// written is shorter. It stays so however the transaction ends: its commit may
// be lost on the way back. A transaction that is tried again cuts nothing more.
func (r *Reign) writing(sent time.Time, length time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tenure = r.tenure.writing(sent, length)
}

func (r *Reign) carryOut(ctx context.Context, tx *store.Tx, m move, sent time.Time, length time.Duration) (term int64, err error) {
	p := store.Presence{ID: r.options.ID, URL: r.options.URL, Version: r.options.Version, SigningKey: r.options.SigningKey}
	switch m {
	case renew:
		r.writing(sent, length)
		return 0, tx.RenewReign(ctx, p, length)
	case begin:
		key := ""
		if r.options.ReplaceKey {
			key = p.SigningKey
		}
		if err := tx.ForgetControllers(ctx, forgottenAfter, key); err != nil {
			return 0, err
		}
		return tx.BeginReign(ctx, p, length)
	}
	return 0, tx.StandBy(ctx, p)
}

func (r *Reign) failed(err error) error {
	if errors.Is(err, ErrDeposed) || errors.Is(err, ErrTwin) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.over = true
	}
	return fmt.Errorf("reign: %w", err)
}

func (r *Reign) succeeded(is verdict, term int64, sent time.Time, length time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if is.move == standBy {
		r.active = is.active
		if r.waits != is.active.ID {
			r.waits = is.active.ID
			r.options.Log.Info("standing by", "active", is.active.ID, "url", is.active.URL, "term", is.active.Term,
				"its_lease_runs", is.active.LeaseLeft.Round(time.Second))
		}
		return
	}
	r.tenure = r.tenure.granted(sent, length)
	if is.move == begin {
		r.term, r.active = term, store.Controller{}
		r.options.Log.Info("this controller is active", "id", r.options.ID, "term", term)
		close(r.crowned)
	}
}

// Resign ends the reign, so that another controller need not wait for the
// lease to end. Call it when nothing relies on it any more; a controller that
// stands by has nothing to give up.
func (r *Reign) Resign(ctx context.Context) error {
	r.mu.Lock()
	term, over := r.term, r.over
	r.over = true
	r.mu.Unlock()
	if term == 0 || over {
		return nil
	}
	return r.options.Store.Resign(ctx, r.options.ID, term)
}
