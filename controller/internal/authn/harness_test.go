package authn_test

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
)

const (
	email    = "admin@lormas.local"
	password = "correct horse battery"
	home     = "192.0.2.1"
)

// house is a service on a real Postgres and Redis, with a superuser in it and
// a clock that only the test moves.
type house struct {
	*authn.Service
	t     *testing.T
	store *store.Store
	sql   *pgx.Conn // for what the product has no words for
	key   ed25519.PrivateKey

	mu     sync.Mutex
	now    time.Time
	kicked []uuid.UUID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	url := testkit.PostgresURL(t)
	h := &house{t: t, now: time.Now().Truncate(time.Second)}
	h.store = testkit.Unlock(t, must(store.Open(t.Context(), url))(t))
	t.Cleanup(h.store.Close)
	h.sql = must(pgx.Connect(t.Context(), url))(t)
	t.Cleanup(func() { _ = h.sql.Close(context.Background()) }) // its database goes with it
	client := redis.NewClient(must(redis.ParseURL(testkit.Redis(t).URL))(t))
	t.Cleanup(func() { _ = client.Close() }) // likewise
	_, h.key, _ = ed25519.GenerateKey(nil)   // never fails
	must(authn.Seed(t.Context(), h.store, authn.SeedOptions{Password: password}))(t)
	h.Service = must(authn.New(authn.Deps{
		Store: h.store, Key: h.key, Counter: authn.RedisCounter{Client: client},
		Kick: h.kick, Now: h.clock, Log: slog.New(slog.DiscardHandler),
	}))(t)
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) kick(credential uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kicked = append(h.kicked, credential)
}

func (h *house) wasKicked(credential uuid.UUID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.kicked, credential)
}

func (h *house) try(email, password, address string) (authn.Signed, error) {
	return h.Login(h.t.Context(), authn.Login{Email: email, Password: password, Address: address})
}

func (h *house) login() authn.Signed {
	h.t.Helper()
	return must(h.try(email, password, home))(h.t)
}

func (h *house) actor(bearer string) authz.Actor {
	h.t.Helper()
	return must(h.Authenticate(h.t.Context(), authn.Origin{Address: home}, bearer))(h.t)
}

func (h *house) refresh(cookie string) (authn.Signed, error) {
	return h.Refresh(h.t.Context(), authn.Origin{Address: home}, cookie)
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.sql.Exec(h.t.Context(), sql, args...); err != nil {
		h.t.Fatal(err)
	}
}

// audited counts the audit entries of a verb with an outcome.
func (h *house) audited(v fleet.Verb, o fleet.Outcome) int {
	h.t.Helper()
	entries, _, err := h.store.Audit(h.t.Context(), store.AuditFilter{Verb: string(v), Outcome: o})
	if err != nil {
		h.t.Fatal(err)
	}
	return len(entries)
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantKind(t *testing.T, err error, want fleet.Kind) {
	t.Helper()
	if err == nil || fleet.KindOf(err) != want {
		t.Errorf("got %v (kind %q), want kind %q", err, fleet.KindOf(err), want)
	}
}
