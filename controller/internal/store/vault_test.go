package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// vaulted is a house with a ring in a file, and a look past the store.
type vaulted struct {
	house
	url  string
	ring *seal.Ring
	sql  *pgx.Conn
}

func newVaulted(t *testing.T) vaulted {
	t.Helper()
	t.Parallel()
	url := testkit.PostgresURL(t)
	ring, err := seal.LoadOrCreate(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	v := vaulted{url: url, ring: ring}
	v.house = house{t, v.unlock(t, ring), t.Context()}
	if v.sql, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.sql.Close(t.Context()) }) // its database goes with it
	return v
}

// unlock opens the database once more.
func (v vaulted) unlock(t *testing.T, ring *seal.Ring) *store.Store {
	t.Helper()
	locked, err := store.Open(t.Context(), v.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locked.Close)
	opened, err := locked.Unlock(t.Context(), ring)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

const planted = "planted-in-the-environment"

func (v vaulted) secretive(name string, n fleet.Node, e fleet.Egg) fleet.Container {
	v.Helper()
	c := newContainer(name, e, n)
	c.Spec.Env = map[string]string{"OPEN": "seen", "DB_PASSWORD": planted, "EMPTY": ""}
	c.Spec.Hide([]string{"DB_PASSWORD", "EMPTY"}, "salt of "+name)
	v.do(func(tx *store.Tx) error { return tx.InsertContainer(v.ctx, c) })
	return c
}

// load reads the ring as a controller that starts does.
func (v vaulted) load() *seal.Ring {
	v.Helper()
	ring, err := seal.Load(v.ring.Path())
	if err != nil {
		v.Fatal(err)
	}
	return ring
}

// row is a container as it lies there.
func (v vaulted) row(c id.ContainerID) (env map[string]string, salt, hash string) {
	v.Helper()
	err := v.sql.QueryRow(v.ctx, `select spec->'environment', spec->>'salt', spec_hash from containers where id = $1`, c).Scan(&env, &salt, &hash)
	if err != nil {
		v.Fatal(err)
	}
	return env, salt, hash
}

func TestSecretsOfASpecAreSealedInTheDatabaseOnly(t *testing.T) {
	v := newVaulted(t)
	n, e := v.joined("n1", big), v.egg("demo")
	c := v.secretive("web", n, e)
	env, salt, hash := v.row(c.ID)
	if env["OPEN"] != "seen" || seal.KeyOf(env["DB_PASSWORD"]) == "" || seal.KeyOf(env["EMPTY"]) == "" || seal.KeyOf(salt) == "" || hash != c.Spec.Hash() {
		t.Errorf("it lies there as %v, salt %s, hash %s", env, salt, hash)
	}
	got, err := v.Container(v.ctx, c.ID)
	if err != nil || cmp.Diff(c.Spec, got.Spec) != "" {
		t.Errorf("read: %v\n%s", err, cmp.Diff(c.Spec, got.Spec))
	}
	specs, err := v.Specs(v.ctx, n.ID, []string{hash})
	if err != nil || cmp.Diff(c.Spec, specs[hash]) != "" {
		t.Errorf("for its node: %v\n%s", err, cmp.Diff(c.Spec, specs[hash]))
	}
	c.Spec.Env["DB_PASSWORD"] = planted + " 2"
	v.do(func(tx *store.Tx) error { return tx.UpdateDesired(v.ctx, c) })
	if env, _, _ := v.row(c.ID); strings.Contains(env["DB_PASSWORD"], planted) {
		t.Errorf("after a change: %v", env)
	}
}

// The container of another row, or another entry of the same, opens nothing.
func TestASealedValueIsGoodInItsPlaceOnly(t *testing.T) {
	v := newVaulted(t)
	n, e := v.joined("n1", big), v.egg("demo")
	c, other := v.secretive("web", n, e), v.secretive("other", n, e)
	for _, move := range []string{
		`update containers set spec = (select spec from containers where id = $2) where id = $1`,
		`update containers set spec = jsonb_set(spec, '{environment,EMPTY}', spec#>'{environment,DB_PASSWORD}') where id = $1 and id <> $2`,
	} {
		tx, err := v.sql.Begin(v.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(v.ctx, move, c.ID, other.ID); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(v.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Container(v.ctx, c.ID); !errors.Is(err, seal.ErrBroken) {
			t.Errorf("%s: %v", move, err)
		}
	}
}

func TestAnotherKeyIsRefusedAtTheStart(t *testing.T) {
	v := newVaulted(t)
	stranger, err := seal.LoadOrCreate(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	locked, err := store.Open(t.Context(), v.url)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	if _, err := locked.Unlock(t.Context(), stranger); !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), v.ring.Newest()) {
		t.Errorf("got %v", err)
	}
	again, err := locked.Unlock(t.Context(), v.ring)
	if err != nil {
		t.Fatal(err)
	}
	if string(again.Digest([]byte("x"))) != string(v.Digest([]byte("x"))) || string(locked.Digest([]byte("x"))) == string(v.Digest([]byte("x"))) {
		t.Error("the digest does not depend on the key of the database alone")
	}
}

// What a rotation does, ended after each of its steps and begun again, beside
// a store that goes on working with the ring that it has read at its start.
func TestARotationMayEndAnywhere(t *testing.T) {
	v := newVaulted(t)
	n, e := v.joined("n1", big), v.egg("demo")
	user := fleet.User{ID: id.New[id.UserID](), Email: "a@lormas.local", Name: "A"}
	v.do(func(tx *store.Tx) error {
		if err := tx.InsertUser(v.ctx, user, "hash"); err != nil {
			return err
		}
		sealed, err := tx.Seal(v.ctx, store.TOTPOf(user.ID), planted)
		if err != nil {
			return err
		}
		return tx.BeginTOTP(v.ctx, user.ID, sealed)
	})
	var all []fleet.Container
	for i := range 5 {
		all = append(all, v.secretive("before"+string(rune('a'+i)), n, e))
	}
	rotating, err := seal.Load(v.ring.Path())
	if err != nil {
		t.Fatal(err)
	}
	db := v.unlock(t, rotating)
	works := func(step string) {
		t.Helper()
		all = append(all, v.secretive(step, n, e)) // the store that runs on
		for _, c := range all {
			for name, s := range map[string]*store.Store{"running": v.Store, "rotating": db, "new": v.unlock(t, v.load())} {
				if got, err := s.Container(v.ctx, c.ID); err != nil || got.Spec.Env["DB_PASSWORD"] != planted {
					t.Fatalf("%s: %s: %s reads %v", step, c.Name, name, err)
				}
			}
		}
		f, err := v.SecondFactor(v.ctx, user.ID)
		if err == nil {
			_, err = v.Unseal(store.TOTPOf(user.ID), f.Sealed)
		}
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	if err := rotating.Add(); err != nil {
		t.Fatal(err)
	}
	works("added")
	old, fresh := v.ring.Newest(), rotating.Newest()
	if err := db.InTx(v.ctx, func(tx *store.Tx) error { return tx.SealWith(v.ctx, fresh) }); err != nil {
		t.Fatal(err)
	}
	works("sealing")
	counts := map[string]int{}
	stopped := errors.New("killed")
	if err := db.Reseal(v.ctx, func(string, int) error { return stopped }); !errors.Is(err, stopped) {
		t.Fatalf("it was not ended: %v", err)
	}
	works("half")
	count := func(what string, n int) error { counts[what] = n; return nil }
	if err := db.Reseal(v.ctx, count); err != nil {
		t.Fatal(err)
	}
	if counts["containers"] != 6 || counts["second factors"] != 0 { // five before, and one while the key was only added
		t.Errorf("the second time %v were sealed anew", counts)
	}
	works("sealed")
	var left int
	err = v.sql.QueryRow(v.ctx, `select (select count(*) from containers where spec::text like '%'||$1||'%')
		+ (select count(*) from users where totp_secret like '%'||$1||'%') + (select count(*) from secret_key where canary like '%'||$1||'%')`, old).Scan(&left)
	if err != nil || left > 0 {
		t.Fatalf("%d rows are sealed with the old key (%v)", left, err)
	}
	if err := rotating.KeepOnly(fresh); err != nil {
		t.Fatal(err)
	}
	works("dropped")
	clear(counts)
	if err := db.Reseal(v.ctx, count); err != nil || len(counts) != 0 {
		t.Errorf("nothing was left to do, and %v were sealed anew (%v)", counts, err)
	}
}

func TestWithoutAKeyNothingSecretIsWritten(t *testing.T) {
	v := newVaulted(t)
	n, e := v.joined("n1", big), v.egg("demo")
	locked, err := store.Open(t.Context(), v.url)
	if err != nil {
		t.Fatal(err)
	}
	defer locked.Close()
	c := newContainer("web", e, n)
	c.Spec.Env = map[string]string{"A": planted}
	c.Spec.Hide([]string{"A"}, "salt")
	if err := locked.InTx(t.Context(), func(tx *store.Tx) error { return tx.InsertContainer(t.Context(), c) }); err == nil {
		t.Error("it was written")
	}
}

func TestTheHashTellsNothingOfASecret(t *testing.T) {
	one := spec.Container{Name: "web", Env: map[string]string{"PIN": "1234"}}
	two := one.Clone()
	one.Hide([]string{"PIN"}, "one")
	two.Hide([]string{"PIN"}, "two")
	if one.Hash() == two.Hash() {
		t.Error("who knows the rest can try the secret")
	}
	if spec.Diff(one, two) != spec.Update {
		t.Error("another salt makes the container anew")
	}
}
