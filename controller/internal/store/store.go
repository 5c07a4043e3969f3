// Package store is the truth: the only room that speaks SQL. Nouns of fleet
// go in and come out; each file holds the queries of one noun.
//
// A verb is one transaction (InTx): the change, its job, its audit entry and
// its outbox rows are committed together or not at all. Reads that need no
// transaction are methods of Store, writes are methods of Tx. Nothing here
// decides anything: it checks with constraints and conditional updates what
// others decided, and says in fleet's error kinds when that did not hold.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// Store reads, and opens transactions. It is safe for concurrent use.
type Store struct {
	pool      *pgxpool.Pool
	db        querier
	authority func() (term int64, ok bool) // that its transactions need; see Reigning
	vault     *vault                       // nil: secrets stay sealed; see Unlock
}

// Tx is a transaction: all reads of Store, and the writes.
type Tx struct {
	Store
	tx      pgx.Tx
	sealKey string // that this transaction seals with; "": it has sealed nothing yet
}

// querier is what reads need: a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Open connects to the database behind url. The schema must be up to date
// (migrations.Up).
func Open(ctx context.Context, url string) (*Store, error) {
	return open(ctx, url, func(*pgxpool.Config) {})
}

// OpenOne is Open with a single connection, for what must not wait until
// others have done with theirs.
func OpenOne(ctx context.Context, url string) (*Store, error) {
	return open(ctx, url, func(c *pgxpool.Config) { c.MaxConns, c.MinConns = 1, 0 })
}

// OpenTraced is Open with somebody who is told of every statement, for tests
// that count them or end them.
func OpenTraced(ctx context.Context, url string, tracer pgx.QueryTracer) (*Store, error) {
	return open(ctx, url, func(c *pgxpool.Config) { c.ConnConfig.Tracer = tracer })
}

// idleTimeout ends transactions whose controller is frozen: what they have
// locked must not hold up the one that takes over.
const idleTimeout = "idle_in_transaction_session_timeout"

// connections is how many a store has at least, unless the URL says otherwise
// (pool_max_conns): while many containers are moved at once, over several, the
// rest of the controller goes on.
const connections = 8

func open(ctx context.Context, url string, with func(*pgxpool.Config)) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("store: database url: %w", err)
	}
	if params := config.ConnConfig.RuntimeParams; params[idleTimeout] == "" {
		params[idleTimeout] = "5s"
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = max(config.MaxConns, connections)
	}
	with(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("store: connect: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store: connect: %w", err)
	}
	return &Store{pool: pool, db: pool}, nil
}

// Close gives all connections back.
func (s *Store) Close() { s.pool.Close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// InTx runs work in one transaction: committed when it returns nil, undone
// otherwise. A serialisation failure or deadlock is tried again, so work must
// have no effects outside the transaction.
func (s *Store) InTx(ctx context.Context, work func(*Tx) error) error {
	const tries = 3
	var err error
	for range tries {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			begun := &Tx{Store: Store{pool: s.pool, db: tx, vault: s.vault}, tx: tx}
			if err := s.fence(ctx, begun); err != nil {
				return err
			}
			return work(begun)
		})
		if !retryable(err) {
			return err
		}
	}
	return err
}

func retryable(err error) bool {
	var pg *pgconn.PgError
	// class 40 is "transaction rollback": serialization_failure, deadlock_detected
	return errors.As(err, &pg) && pg.Code[:2] == "40"
}

// Away reports whether err says that the database cannot be spoken with at the
// moment, and nothing about what was asked of it.
func Away(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// 57Pxx: it shuts down, has ended us, or starts; class 08 is "connection exception"
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08")
	}
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// violates reports whether err broke the named constraint or unique index.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

// one turns "no rows" into a not-found error that names what was looked for.
func one(err error, what string, key any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fleet.Errorf(fleet.NotFound, "there is no %s %v", what, key)
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", what, err)
	}
	return nil
}

// wrap names the step of an error, if there is one.
func wrap(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", step, err)
}
