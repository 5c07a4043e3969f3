package reign_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/reign"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
)

const (
	patience = time.Minute
	short    = time.Second
)

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func contender(s *store.Store, name string, lease time.Duration) *reign.Reign {
	return reign.New(reign.Options{
		Store: s, ID: name, URL: "http://" + name, Version: "test", SigningKey: "sha256:aa", Lease: lease,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
}

func round(t *testing.T, r *reign.Reign) {
	t.Helper()
	if err := r.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func has(r *reign.Reign) bool { _, ok := r.Authority(time.Now()); return ok }

func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached within %s: %s", patience, what)
		}
	}
}

func TestOneBeginsAndTheOtherStandsBy(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	a, b := contender(s, "a", 0), contender(s, "b", 0)
	round(t, a)
	round(t, b)
	if !has(a) || !a.Begun() || has(b) || b.Begun() || b.Active() != "http://a" {
		t.Errorf("a has authority: %v, b: %v; b waits for %q", has(a), has(b), b.Active())
	}
	rows, err := s.Controllers(t.Context())
	if err != nil || len(rows) != 2 || rows[0].ID != "a" || rows[0].LeaseLeft > 15*time.Second || rows[1].LeaseLeft > 0 {
		t.Errorf("%+v, %v", rows, err)
	}
	if err := a.Resign(t.Context()); err != nil || has(a) {
		t.Errorf("it has resigned and still has authority: %v", err)
	}
	round(t, b)
	if !has(b) {
		t.Error("nobody reigns after one has resigned")
	}
}

// left is what the row of the newest reign still gives its holder.
func left(t *testing.T, s *store.Store) time.Duration {
	t.Helper()
	rows, err := s.Controllers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows[0].LeaseLeft
}

// A holder that is alone has a long lease; one that somebody waits for has a
// short one, from the first round that finds that one there.
func TestTheLeaseFollowsWhoIsThere(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	a, b := contender(s, "a", 0), contender(s, "b", 0)
	round(t, a)
	if got := left(t, s); got > 15*time.Second {
		t.Errorf("before anybody can have come, its lease is %s", got)
	}
	round(t, a)
	if got := left(t, s); got < 4*time.Minute {
		t.Errorf("alone, its lease is %s", got)
	}
	round(t, b)
	round(t, a)
	if got := left(t, s); got > 15*time.Second {
		t.Errorf("with another standing by, its lease is %s", got)
	}
	if _, ok := a.Authority(time.Now().Add(15 * time.Second)); ok {
		t.Error("it counts on the longer lease that it has had")
	}
}

// The holder gives up the longer lease before it writes the shorter one: of
// what it has sent it may never hear.
func TestTheHolderCutsItsCountBeforeItsRow(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	s := open(t, url)
	a, b := contender(s, "a", 0), contender(s, "b", 0)
	round(t, a)
	round(t, a)
	round(t, b)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `begin; select from controllers where id = 'a' for update`); err != nil {
		t.Fatal(err)
	}
	if err := a.Round(t.Context()); err == nil {
		t.Fatal("it wrote its row, which is locked")
	}
	if got := left(t, s); got < 4*time.Minute {
		t.Errorf("its row was cut to %s", got)
	}
	if _, ok := a.Authority(time.Now().Add(15 * time.Second)); ok || !has(a) {
		t.Error("it counts on the longer lease, or on none")
	}
}

func TestARestartWaitsForNobody(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	first := contender(s, "a", 0)
	round(t, first)
	again := contender(s, "a", 0)
	round(t, again)
	if !has(again) {
		t.Error("it waits for its own lease")
	}
	if err := first.Round(t.Context()); !errors.Is(err, reign.ErrTwin) || has(first) {
		t.Errorf("two processes with one identity: %v", err)
	}
}

// A holder that stood still is deposed when it wakes, and grants nothing in
// between.
func TestAPausedHolderIsDeposed(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	a, b := contender(s, "a", short), contender(s, "b", short)
	round(t, a)
	eventually(t, "the other begins", func() bool { round(t, b); return b.Begun() })
	if has(a) {
		t.Error("the one that was paused has authority beside the other")
	}
	if err := a.Round(t.Context()); !errors.Is(err, reign.ErrDeposed) || !strings.Contains(err.Error(), "http://b") {
		t.Errorf("it woke and was told %v", err)
	}
	if has(a) {
		t.Error("deposed, and still in authority")
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	round(t, contender(s, "a", 0))
	o := reign.Options{Store: s, ID: "b", URL: "http://b", SigningKey: "sha256:bb", Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if err := reign.New(o).Round(t.Context()); !errors.Is(err, reign.ErrKey) {
		t.Errorf("it was let in: %v", err)
	}
}

// What an older reign writes is refused once a later one has begun, and a
// later one does not begin in the middle of it.
func TestWritesAreFencedByTerm(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	a, b := contender(s, "a", short), contender(s, "b", short)
	round(t, a)
	old, _ := a.Authority(time.Now())
	err := s.InTx(t.Context(), func(tx *store.Tx) error {
		if err := tx.Reigns(t.Context(), old); err != nil {
			return err
		}
		deadline, cancel := context.WithTimeout(t.Context(), short+short/2)
		defer cancel()
		for deadline.Err() == nil {
			_ = b.Round(deadline) // it waits for us, or is too early
		}
		if b.Begun() {
			t.Error("another reign began in the middle of a transaction of this one")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other begins", func() bool { _ = b.Round(t.Context()); return b.Begun() })
	ruled := s.Reigning(func() (int64, bool) { return old, true })
	if err := ruled.InTx(t.Context(), func(*store.Tx) error { return nil }); err == nil {
		t.Error("a store of an old reign commits")
	}
	err = s.InTx(t.Context(), func(tx *store.Tx) error { return tx.Reigns(t.Context(), old) })
	if fleet.KindOf(err) != fleet.Unavailable {
		t.Errorf("an older reign may write: %v", err)
	}
}

// One that is frozen in the middle of its transaction holds nobody up for long.
func TestAFrozenTransactionIsEnded(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	mine, others := open(t, url), open(t, url)
	a, b := contender(mine, "a", short), contender(others, "b", short)
	round(t, a)
	term, _ := a.Authority(time.Now())
	began, thaw := make(chan struct{}), make(chan struct{})
	frozen := make(chan error, 1)
	go func() {
		frozen <- mine.InTx(context.Background(), func(tx *store.Tx) error {
			err := tx.Reigns(context.Background(), term)
			close(began)
			<-thaw
			return err
		})
	}()
	<-began
	eventually(t, "the other begins", func() bool { _ = b.Round(t.Context()); return b.Begun() })
	close(thaw)
	if err := <-frozen; err == nil {
		t.Error("the transaction of an older reign was committed after a later one began")
	}
}

// history is what contenders were told, to be judged afterwards.
type history struct {
	mu     sync.Mutex
	begins map[int64]time.Time // by term: when authority began
	ends   map[int64]time.Time // when it was last seen
}

// Three contenders, with pauses, and connections that are cut all the time:
// terms grow, and no two have authority at once.
func TestThreeContendersUnderTrouble(t *testing.T) {
	t.Parallel()
	url := testkit.PostgresURL(t)
	h := &history{begins: map[int64]time.Time{}, ends: map[int64]time.Time{}}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for i := range 3 {
		s := open(t, url)
		group.Go(func() { h.contend(ctx, t, s, fmt.Sprintf("c%d", i)) })
	}
	group.Go(func() { cutConnections(ctx, t, url) })
	eventually(t, "five reigns", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.begins) >= 5
	})
	stop()
	group.Wait()
	for term, began := range h.begins {
		for earlier, end := range h.ends {
			if earlier < term && end.After(began) {
				t.Errorf("term %d had authority %s after term %d began", earlier, end.Sub(began), term)
			}
		}
	}
}

// contend reigns, gets stuck, wakes and comes back, as a process would.
func (h *history) contend(ctx context.Context, t *testing.T, s *store.Store, name string) {
	for ctx.Err() == nil {
		r := contender(s, name, short)
		stuck, unstick := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- r.Run(stuck) }()
		var begun time.Time
		for ; ; time.Sleep(time.Millisecond) {
			now := time.Now()
			term, ok := r.Authority(now)
			if ok {
				h.note(term, now)
				if begun.IsZero() {
					begun = now
				}
			}
			// Half a lease into its reign it hears and renews nothing more.
			if stuck.Err() != nil && !ok || ctx.Err() != nil {
				break
			}
			if !begun.IsZero() && now.Sub(begun) > short/2 {
				unstick()
			}
		}
		unstick()
		if err := <-done; err != nil && !errors.Is(err, reign.ErrDeposed) {
			t.Error(err)
		}
		name += "x" // as another machine: its own name would wait for nobody
	}
}

func (h *history) note(term int64, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.begins[term]; !ok {
		h.begins[term] = now
	}
	h.ends[term] = now
}

func cutConnections(ctx context.Context, t *testing.T, url string) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for ctx.Err() == nil {
		_, err := conn.Exec(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
		if err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	first, err := reign.Assume(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reign.Assume(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second process has the same identity: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := reign.Assume(dir)
	if err != nil || again.ID != first.ID || again.ID == "" {
		t.Errorf("%+v, %v; it was %s", again, err, first.ID)
	}
	_ = again.Release()
}
