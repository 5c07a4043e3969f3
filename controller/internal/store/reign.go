package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// Controller is one of the controllers of this database. Its times are
// distances on Postgres' clock, so that no controller's own clock is in them.
type Controller struct {
	ID         string
	Term       int64         // of its last reign; 0: it never had one
	LeaseLeft  time.Duration // 0 or less: it has no lease
	Unseen     time.Duration // since it last said that it is there
	URL        string
	Version    string
	SigningKey string // fingerprint
}

// Presence is what a controller says of itself with every round.
type Presence struct {
	ID         string
	URL        string
	Version    string
	SigningKey string
}

// LockControllers lists the controllers and keeps every other one from
// changing its row until the transaction ends: who reigns is decided by one
// of them at a time.
func (tx *Tx) LockControllers(ctx context.Context) ([]Controller, error) {
	if _, err := tx.tx.Exec(ctx, `lock table controllers in share row exclusive mode`); err != nil {
		return nil, fmt.Errorf("lock controllers: %w", err)
	}
	return tx.Controllers(ctx)
}

// Controllers lists the controllers, the newest reign first. The clock is read
// anew, as the transaction may have waited for its lock.
func (s *Store) Controllers(ctx context.Context) ([]Controller, error) {
	rows, err := s.db.Query(ctx, `
		with clock as materialized (select clock_timestamp() as now)
		select id, term, coalesce((extract(epoch from lease_until - now) * 1000000)::bigint, 0),
		       (extract(epoch from now - seen_at) * 1000000)::bigint, url, version, signing_key
		from controllers, clock order by term desc, id`)
	if err != nil {
		return nil, fmt.Errorf("list controllers: %w", err)
	}
	defer rows.Close()
	var list []Controller
	for rows.Next() {
		var c Controller
		var left, unseen int64
		if err := rows.Scan(&c.ID, &c.Term, &left, &unseen, &c.URL, &c.Version, &c.SigningKey); err != nil {
			return nil, fmt.Errorf("list controllers: %w", err)
		}
		c.LeaseLeft, c.Unseen = time.Duration(left)*time.Microsecond, time.Duration(unseen)*time.Microsecond
		list = append(list, c)
	}
	return list, rows.Err()
}

// StandBy notes that a controller is there without reigning. Call it, and the
// three below, after LockControllers.
func (tx *Tx) StandBy(ctx context.Context, p Presence) error {
	_, err := tx.tx.Exec(ctx, `
		insert into controllers (id, url, version, signing_key, seen_at) values ($1, $2, $3, $4, clock_timestamp())
		on conflict (id) do update set url = $2, version = $3, signing_key = $4, seen_at = clock_timestamp(), lease_until = null`,
		p.ID, p.URL, p.Version, p.SigningKey)
	if err != nil {
		return fmt.Errorf("stand by: %w", err)
	}
	return nil
}

// BeginReign gives a controller a new term and the lease, and ends that of all
// others. Transactions that rely on an older reign (Reigns) end first.
func (tx *Tx) BeginReign(ctx context.Context, p Presence, lease time.Duration) (term int64, err error) {
	// The lock is the one that Reigns is in the way of; the update alone is not.
	if _, err := tx.tx.Exec(ctx, `select from controllers where term > 0 order by id for update`); err != nil {
		return 0, fmt.Errorf("await the end of earlier reigns: %w", err)
	}
	if _, err := tx.tx.Exec(ctx, `update controllers set lease_until = null where term > 0`); err != nil {
		return 0, fmt.Errorf("end earlier reigns: %w", err)
	}
	err = tx.tx.QueryRow(ctx, `
		insert into controllers as c (id, url, version, signing_key, seen_at, term, lease_until)
		values ($1, $2, $3, $4, clock_timestamp(), nextval('controller_terms'), clock_timestamp() + $5)
		on conflict (id) do update set url = $2, version = $3, signing_key = $4,
			seen_at = excluded.seen_at, term = excluded.term, lease_until = excluded.lease_until
		returning term`, p.ID, p.URL, p.Version, p.SigningKey, lease).Scan(&term)
	if err != nil {
		return 0, fmt.Errorf("begin reign: %w", err)
	}
	return term, nil
}

// RenewReign lets the lease run anew.
func (tx *Tx) RenewReign(ctx context.Context, p Presence, lease time.Duration) error {
	_, err := tx.tx.Exec(ctx, `
		update controllers set url = $2, version = $3, seen_at = clock_timestamp(), lease_until = clock_timestamp() + $4
		where id = $1`, p.ID, p.URL, p.Version, lease)
	if err != nil {
		return fmt.Errorf("renew reign: %w", err)
	}
	return nil
}

// ForgetControllers drops those that were not seen for so long, and those that
// sign with another key than the given one where that is not "". One that has
// a lease stays.
func (tx *Tx) ForgetControllers(ctx context.Context, unseen time.Duration, exceptKey string) error {
	_, err := tx.tx.Exec(ctx, `
		delete from controllers
		where coalesce(lease_until, '-infinity') < clock_timestamp()
		  and (seen_at < clock_timestamp() - $1::interval or ($2 <> '' and signing_key <> $2))`, unseen, exceptKey)
	if err != nil {
		return fmt.Errorf("forget controllers: %w", err)
	}
	return nil
}

// Resign gives the lease back, so that nobody has to wait for its end.
func (s *Store) Resign(ctx context.Context, controller string, term int64) error {
	_, err := s.pool.Exec(ctx, `update controllers set lease_until = null where id = $1 and term = $2`, controller, term)
	if err != nil {
		return fmt.Errorf("resign: %w", err)
	}
	return nil
}

// ErrDeposed is why a reign has ended that another one follows.
var ErrDeposed = errors.New("another controller has taken over")

// fencedFor is how long a transaction of a reign may stand idle: one whose
// controller is frozen must not keep the next reign from beginning.
const fencedFor = 3 * time.Second

// Reigns makes the transaction good only while the term is the newest: it
// fails with ErrDeposed when a later reign has begun, and a later one that
// begins waits for its end. Renewals of this one do not wait. Call it first in
// what only the active controller may write.
func (tx *Tx) Reigns(ctx context.Context, term int64) error {
	var reigning bool
	err := tx.tx.QueryRow(ctx, `
		with mine as (select id from controllers where term = $1 and lease_until is not null for key share)
		select exists (select from mine) and set_config('idle_in_transaction_session_timeout', $2, true) <> ''`,
		term, strconv.FormatInt(fencedFor.Milliseconds(), 10)).Scan(&reigning)
	if err != nil {
		return fmt.Errorf("fence by term: %w", err)
	}
	if !reigning {
		return fleet.Errorf(fleet.Unavailable, "another controller reigns since: this one (term %d) may decide nothing more", term).Because(ErrDeposed)
	}
	return nil
}

// ErrPowerless is why nothing is written by a controller that does not reign.
var ErrPowerless = errors.New("this controller does not reign")

// Reigning is the same store, whose transactions are good only while the term
// is the newest: what a controller decided before it was deposed, or stood
// still, is not committed afterwards. One that has no term yet begins none. A
// term whose authority has lapsed is as good as its row: until another begins
// it is the newest. Term 0 with authority, of a controller that no other can
// follow, needs nothing.
func (s *Store) Reigning(authority func() (term int64, ok bool)) *Store {
	ruled := *s
	ruled.authority = authority
	return &ruled
}

func (s *Store) fence(ctx context.Context, tx *Tx) error {
	if s.authority == nil {
		return nil
	}
	switch term, ok := s.authority(); {
	case term > 0:
		return tx.Reigns(ctx, term)
	case !ok:
		return fleet.Errorf(fleet.Unavailable, "this controller does not reign, and may decide nothing").Because(ErrPowerless)
	}
	return nil
}
