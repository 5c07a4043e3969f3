package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/spec"
)

// abandon runs the command with a key that is not the database's.
func (h *secretHouse) abandon(key string, more ...string) (code int, said string) {
	h.t.Helper()
	args := append([]string{"secrets", "abandon", "--database-url", h.url, "--secret-key", key}, more...)
	out, errs, code := run(h.t, args...)
	return code, out + errs
}

// count answers a query for one number.
func (h *secretHouse) count(query string, args ...any) (n int) {
	h.t.Helper()
	if err := h.sql.QueryRow(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

const (
	sealedFactors = `select count(*) from users where totp_secret is not null`
	toRun         = `select count(*) from containers where desired_power = 'running'`
)

// A key that is lost for ever costs what it sealed, and nothing else: a
// controller starts again, with another key.
func TestALostKeyIsAbandoned(t *testing.T) {
	h := newSecretHouse(t)
	key := filepath.Join(t.TempDir(), "new.key")

	if code, out := h.abandon(h.key, "--yes-the-key-is-lost"); code == 0 || !strings.Contains(out, "nothing is lost") {
		t.Errorf("with the right key: %d: %s", code, out)
	}
	code, out := h.abandon(key, "--dry-run")
	if code != 0 || !strings.Contains(out, "container web-1: DB_PASSWORD, and it stops") || !strings.Contains(out, "user 7@lormas.test: the second factor") {
		t.Errorf("the rehearsal: %d: %s", code, out)
	}
	if code, out := h.abandon(key); code == 0 || !strings.Contains(out, "--yes-the-key-is-lost") {
		t.Errorf("unasked: %d: %s", code, out)
	}
	if h.check("so far"); h.count(toRun) != 3 {
		t.Error("a rehearsal has stopped containers")
	}

	before := h.count(`select count(*) from node_changes`)
	if code, out := h.abandon(key, "--yes-the-key-is-lost"); code != 0 || !strings.Contains(out, "secrets of 3 containers") {
		t.Fatalf("%d: %s", code, out)
	}
	h.abandoned(key)
	if told := h.count(`select count(*) from node_changes`) - before; told != 3 {
		t.Errorf("the node is told of %d containers", told)
	}
	if n := h.count(`select count(*) from audit_log where verb = 'secrets.abandon' and outcome = 'ok'`); n != 1 {
		t.Errorf("%d entries in the audit trail", n)
	}
	if code, out := h.abandon(key, "--yes-the-key-is-lost"); code == 0 || !strings.Contains(out, "nothing is lost") {
		t.Errorf("a second time: %d: %s", code, out)
	}
}

// abandoned reads what is left, as a controller that starts with the new key.
func (h *secretHouse) abandoned(key string) {
	h.t.Helper()
	old := h.key
	h.key = key
	db, _ := h.open()
	for c := range h.containers {
		got, err := db.AnyContainer(h.t.Context(), c)
		if err != nil || got.Spec.Env["DB_PASSWORD"] != "" || got.Spec.Salt == "" || got.Power != spec.Stopped || got.Generation != 2 {
			h.t.Errorf("a container is %+v: %v", got, err)
		}
	}
	if n := h.count(sealedFactors); n != 0 {
		h.t.Errorf("%d second factors are left", n)
	}
	h.key = old
	ring, err := seal.Load(old)
	if err != nil {
		h.t.Fatal(err)
	}
	locked, err := store.Open(h.t.Context(), h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	defer locked.Close()
	if _, err := locked.Unlock(h.t.Context(), ring); err == nil || !strings.Contains(err.Error(), "lormas secrets abandon") {
		h.t.Errorf("the old key: %v", err)
	}
}

// A rotation that did not come to its end leaves what two keys have sealed:
// only what the lost one has is given up.
func TestWhatStillOpensIsNotAbandoned(t *testing.T) {
	h := newSecretHouse(t)
	ring, err := seal.LoadOrCreate(filepath.Join(t.TempDir(), "other.key"))
	if err != nil {
		t.Fatal(err)
	}
	for user, seed := range h.users {
		kept, err := ring.Seal(ring.Newest(), store.TOTPOf(user), seed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.sql.Exec(t.Context(), `update users set totp_secret = $2 where id = $1`, user, kept); err != nil {
			t.Fatal(err)
		}
	}
	if code, out := h.abandon(ring.Path(), "--yes-the-key-is-lost"); code != 0 || !strings.Contains(out, "second factors of 0 people") {
		t.Fatalf("%d: %s", code, out)
	}
	if n := h.count(sealedFactors); n != len(h.users) {
		t.Errorf("%d of %d second factors are left", n, len(h.users))
	}
}

// A controller that works has the key: it is not lost.
func TestNothingIsAbandonedUnderAController(t *testing.T) {
	h := newSecretHouse(t)
	_, err := h.sql.Exec(t.Context(), `
		insert into controllers (id, url, version, signing_key, seen_at, term, lease_until)
		values ('a', '', '', '', now(), 1, now() + interval '1 hour')`)
	if err != nil {
		t.Fatal(err)
	}
	code, out := h.abandon(filepath.Join(t.TempDir(), "new.key"), "--yes-the-key-is-lost")
	if code == 0 || !strings.Contains(out, "controller a works on this database") {
		t.Errorf("%d: %s", code, out)
	}
}
