package ledger

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

// Options says where the ledger is and whose it is.
type Options struct {
	Dir  string
	Node id.NodeID
	Log  *slog.Logger
	Now  func() time.Time // for the age of what may be forgotten; nil: time.Now
}

// Ledger is an open ledger. It is safe for concurrent use; what a method has
// returned from is on disk.
type Ledger struct {
	Options
	db   *bolt.DB
	lock *os.File
	id   string
	news loop.Wake

	mu       sync.Mutex // guards the two below
	session  uint64     // the last that was given
	reserved uint64     // the last that may be given without asking the disk
}

// Open opens the ledger in a directory, which it makes where it is missing,
// and claims the directory until Close.
func Open(o Options) (*Ledger, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory %s cannot be made: %w: run the agent as root, or choose another with --data-dir", o.Dir, err)
	}
	held, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	db, aside, err := openFile(o.Dir, o.Now())
	if err != nil {
		held.Close()
		return nil, err
	}
	if aside != "" {
		o.Log.Error("the ledger could not be read and was set aside; the controller is asked for everything anew, "+
			"and containers that run are left alone until it has answered", "set_aside", aside)
	}
	l := &Ledger{Options: o, db: db, lock: held, news: loop.NewWake()}
	if err := l.begin(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// begin writes the head of a new ledger and forgets what is too old.
func (l *Ledger) begin() error {
	err := l.db.Update(func(tx *bolt.Tx) error {
		m, known, err := get[meta](tx, bucketMeta, metaKey)
		if err != nil {
			return err
		}
		if known && m.Node != l.Node {
			return fmt.Errorf("data directory %s belongs to node %s, and the credential is for node %s: "+
				"choose another with --data-dir, or remove it if that node is gone", l.Dir, m.Node, l.Node)
		}
		if !known {
			m = meta{LedgerID: rand.Text(), Node: l.Node}
		}
		l.id = m.LedgerID
		return put(tx, bucketMeta, metaKey, m)
	})
	if err != nil {
		return err
	}
	return l.Tidy(nil)
}

// Close gives up the directory.
func (l *Ledger) Close() error {
	err := l.db.Close()
	l.lock.Close() // the lock goes with it
	if err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	return nil
}

// ID names the ledger: a new file has a new one.
func (l *Ledger) ID() string { return l.id }

// News is raised when the controller should hear something: an event in the
// outbox, or another applied revision. It has one reader.
func (l *Ledger) News() loop.Wake { return l.news }

// sessionsAtOnce are reserved with one write: an agent that cannot reach its
// controller for a year must not wear out its flash memory by counting.
const sessionsAtOnce = 100

// NextSession numbers a connection. Numbers grow, also over restarts, with
// gaps.
func (l *Ledger) NextSession() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session++
	if l.session <= l.reserved {
		return l.session, nil
	}
	err := l.changeMeta("reserve session numbers", func(m *meta) {
		l.session = max(l.session, m.Sessions+1)
		m.Sessions = l.session + sessionsAtOnce - 1
		l.reserved = m.Sessions
	})
	return l.session, err
}

// SetApplied writes down that the take-aways of a revision are done. An
// older one than before is ignored.
func (l *Ledger) SetApplied(rev int64) error {
	err := l.changeMeta("write the applied revision", func(m *meta) { m.Applied = max(m.Applied, min(rev, m.Accepted)) })
	l.news.Up()
	return err
}

// Met reports whether the controller has answered in this boot of the
// machine.
func (l *Ledger) Met(bootID string) (bool, error) {
	var met bool
	err := l.db.View(func(tx *bolt.Tx) error {
		m, _, err := get[meta](tx, bucketMeta, metaKey)
		met = m.MetBoot == bootID && bootID != ""
		return err
	})
	if err != nil {
		return false, fmt.Errorf("read the ledger: %w", err)
	}
	return met, nil
}

// SetMet writes down that it has.
func (l *Ledger) SetMet(bootID string) error {
	return l.changeMeta("write that the controller has answered", func(m *meta) { m.MetBoot = bootID })
}

func (l *Ledger) changeMeta(step string, change func(*meta)) error {
	err := l.db.Update(func(tx *bolt.Tx) error {
		m, _, err := get[meta](tx, bucketMeta, metaKey)
		if err != nil {
			return err
		}
		change(&m)
		return put(tx, bucketMeta, metaKey, m)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return nil
}

// Summary is what heartbeats and hellos tell of the ledger.
type Summary struct {
	Accepted   int64
	Applied    int64
	Digest     string // of the desired set
	OutboxHead uint64 // the newest number given
}

// Summary reads how far the ledger has come.
func (l *Ledger) Summary() (Summary, error) {
	var s Summary
	err := l.db.View(func(tx *bolt.Tx) error {
		m, _, err := get[meta](tx, bucketMeta, metaKey)
		if err != nil {
			return err
		}
		set, err := desired(tx)
		s = Summary{
			Accepted: m.Accepted, Applied: m.Applied, Digest: wire.Digest(set),
			OutboxHead: tx.Bucket([]byte(bucketOutbox)).Sequence(),
		}
		return err
	})
	if err != nil {
		return s, fmt.Errorf("read the ledger: %w", err)
	}
	return s, nil
}

func desired(tx *bolt.Tx) ([]wire.DesiredContainer, error) {
	var set []wire.DesiredContainer
	err := each(tx, bucketDesired, func(_ []byte, c wire.DesiredContainer) error {
		set = append(set, c)
		return nil
	})
	return set, err
}
