package actions_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fetch"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

// house is the service on a real database, and what it told the others.
type house struct {
	*testing.T
	*actions.Service
	ctx   context.Context
	store *store.Store
	sql   *pgxpool.Pool
	admin authz.Actor

	mu     sync.Mutex
	woken  []id.NodeID
	kicked []id.NodeID
	ended  []uuid.UUID
	onKick func(id.NodeID)
	moves  int // times that the migrator was woken
	told   []fleet.MigrationState
	warden warden
}

// warden is a judge of nodes that does as it is told.
type warden struct {
	said   []string
	refuse error // of ConfirmDead
}

func (w *warden) Hold(reason string) { w.said = append(w.said, "hold "+reason) }
func (w *warden) Release()           { w.said = append(w.said, "release") }
func (w *warden) ConfirmDead(n id.NodeID) error {
	w.said = append(w.said, "dead "+n.String())
	return w.refuse
}
func (w *warden) Forgive(n id.NodeID)      { w.said = append(w.said, "forgive "+n.String()) }
func (w *warden) Fleet() actions.FleetView { return actions.FleetView{Authority: true} }
func (w *warden) Outlook(id.NodeID) (actions.Outlook, bool) {
	return actions.Outlook{}, false
}

func newHouse(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	url := testkit.PostgresURL(t)
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s = testkit.Unlock(t, s)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	h := &house{T: t, ctx: t.Context(), store: s, sql: pool, admin: authz.System("test"), onKick: func(id.NodeID) {}}
	h.Service = actions.New(actions.Deps{
		Store: s, Credentials: authn.NewSigner(key, now), Kick: h, AgentURL: "mqtt://controller:1883", Now: now,
		Log: slog.New(slog.DiscardHandler), Wake: h.wake, WakeMigrator: h.wakeMigrator, TellMoves: h.tellMoves, Warden: &h.warden, Profile: lease.Standard(), Passwords: passwords(t, s, key), EndCredential: h.end, Changed: func() {}, PublicURL: "https://lormas.example", Fetch: fetch.New(egg.MaxFile, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Get,
	})
	return h
}

// passwords are the real ones; nobody signs in here.
func passwords(t *testing.T, s *store.Store, key ed25519.PrivateKey) actions.Passwords {
	t.Helper()
	p, err := authn.New(authn.Deps{Store: s, Key: key, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) end(credential uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = append(h.ended, credential)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (h *house) wake(n id.NodeID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.woken = append(h.woken, n)
}

func (h *house) tellMoves(_ context.Context, list []fleet.Migration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range list {
		h.told = append(h.told, m.State)
	}
}

func (h *house) wakeMigrator() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moves++
}

// KickNode implements actions.Kicker.
func (h *house) KickNode(n id.NodeID, _ error) {
	h.onKick(n)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kicked = append(h.kicked, n)
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	if _, err := h.sql.Exec(h.ctx, sql, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) count(sql string, args ...any) (n int) {
	h.Helper()
	if err := h.sql.QueryRow(h.ctx, sql, args...).Scan(&n); err != nil {
		h.Fatal(err)
	}
	return n
}

// everything is all that a verb could have left behind, in one text. Audit
// entries are not in it: a refusal writes one.
func (h *house) everything() (all string) {
	h.Helper()
	err := h.sql.QueryRow(h.ctx, `select concat_ws(' ',
		(select jsonb_agg(to_jsonb(x) order by x.id) from containers x), (select jsonb_agg(to_jsonb(x) order by x.id) from nodes x),
		(select jsonb_agg(to_jsonb(x) order by x.node_id) from node_health x), (select jsonb_agg(to_jsonb(x) order by x.id) from eggs x),
		(select jsonb_agg(to_jsonb(x) order by x.id) from clusters x), (select jsonb_agg(to_jsonb(x) order by x.id) from egg_categories x),
		(select jsonb_agg(to_jsonb(x) order by x.id) from node_credentials x),
		(select jsonb_agg(to_jsonb(x) order by x.port) from allocations x), (select count(*) from egg_variables),
		(select count(*) from jobs), (select count(*) from commands), (select count(*) from outbox),
		(select count(*) from node_changes), (select count(*) from idempotency_keys))`).Scan(&all)
	if err != nil {
		h.Fatal(err)
	}
	return all
}

// lastAudit is the newest entry: verb, outcome and the name of its target.
func (h *house) lastAudit() (verb fleet.Verb, outcome fleet.Outcome, target string) {
	h.Helper()
	err := h.sql.QueryRow(h.ctx, `select verb, outcome, target_name from audit_log order by id desc limit 1`).Scan(&verb, &outcome, &target)
	if err != nil {
		h.Fatal(err)
	}
	return verb, outcome, target
}

func (h *house) wantAudit(verb fleet.Verb, outcome fleet.Outcome, target string) {
	h.Helper()
	if v, o, name := h.lastAudit(); v != verb || o != outcome || name != target {
		h.Errorf("the newest audit entry is %s %s %q, want %s %s %q", v, o, name, verb, outcome, target)
	}
}

// node is one that never joined.
func (h *house) node(name string) fleet.Node {
	h.Helper()
	e, err := h.CreateNode(h.ctx, h.admin, actions.NewNode{Name: name})
	if err != nil {
		h.Fatal(err)
	}
	return e.Node
}

// joined is a healthy node that offers this much.
func (h *house) joined(name string, offer spec.Resources) fleet.Node {
	h.Helper()
	n := h.node(name)
	h.exec(`update nodes set joined_at = now() where id = $1`, n.ID)
	h.exec(`update node_health set status = 'healthy', offer_cpu = $2, offer_memory = $3, offer_disk = $4 where node_id = $1`,
		n.ID, int64(offer.CPU), int64(offer.Memory), int64(offer.Disk))
	return n
}

func (h *house) egg() fleet.Egg {
	h.Helper()
	e, err := h.CreateEgg(h.ctx, h.admin, actions.NewEgg{Egg: demo()})
	if err != nil {
		h.Fatal(err)
	}
	return e
}

func demo() egg.Egg {
	return egg.Egg{
		Name:   "demo",
		Images: []egg.Image{{Name: "one", Image: "demo:1"}, {Name: "two", Image: "demo:2"}},
		Ports:  []egg.Port{{Container: 80}},
		Variables: []egg.Variable{
			{Name: "Greeting", Env: "GREETING", Viewable: true, Editable: true, Rules: []string{"required", "max:20"}},
			{Name: "Level", Env: "LEVEL", Viewable: true, Editable: true, Default: "1", Rules: []string{"integer"}},
		},
	}
}

var (
	small = spec.Resources{CPU: 500, Memory: 256 * spec.MiB, Disk: spec.GiB}
	big   = spec.Resources{CPU: 16000, Memory: 64 * spec.GiB, Disk: 1000 * spec.GiB}
)

// wish is a request that is fine.
func wish(name string, e fleet.Egg) actions.NewContainer {
	return actions.NewContainer{Name: name, EggID: e.ID, Resources: small, Environment: map[string]string{"GREETING": "hello"}}
}

func (h *house) container(name string, e fleet.Egg) actions.Created {
	h.Helper()
	c, err := h.CreateContainer(h.ctx, h.admin, wish(name, e))
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// with is somebody who was granted one permission in one scope.
func with(permission string, scope authz.Scope, scopeID [16]byte) authz.Actor {
	return authz.Actor{
		Kind: fleet.ActorUser, Name: "somebody",
		Grants: []authz.Grant{{Permission: permission, Scope: scope, ScopeID: uuid.UUID(scopeID)}},
	}
}

// nobody may do nothing at all.
var nobody = authz.Actor{Kind: fleet.ActorUser, Name: "nobody"}

func wantError(t *testing.T, err error, kind fleet.Kind, words ...string) {
	t.Helper()
	if fleet.KindOf(err) != kind {
		t.Errorf("error is %v of kind %q, want kind %q", err, fleet.KindOf(err), kind)
		return
	}
	text := err.Error()
	var e *fleet.Error
	errors.As(err, &e)
	for _, f := range e.Faults {
		text += " | " + f.Field + ": " + f.Message
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("error %q does not say %q", text, word)
		}
	}
}

func ptr[T any](v T) *T { return &v }
