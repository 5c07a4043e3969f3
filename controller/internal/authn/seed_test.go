package authn_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/testkit"
)

func TestSeedOnce(t *testing.T) {
	t.Parallel()
	s := testkit.Postgres(t)
	if _, err := authn.Seed(t.Context(), s, authn.SeedOptions{Password: "admin123"}); err == nil {
		t.Error("a weak password was taken")
	}
	const controllers = 3
	results := make(chan authn.Seeded, controllers)
	var wg sync.WaitGroup
	for range controllers {
		wg.Go(func() {
			seeded, err := authn.Seed(t.Context(), s, authn.SeedOptions{})
			if err != nil {
				t.Error(err)
			}
			results <- seeded
		})
	}
	wg.Wait()
	close(results)
	created := 0
	for seeded := range results {
		if seeded.Created != (seeded.Generated != "") {
			t.Errorf("seeded = %+v", seeded)
		}
		if seeded.Created {
			created++
		}
	}
	if created != 1 {
		t.Errorf("%d controllers made a superuser, want 1", created)
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "signing.key")
	first := must(authn.LoadOrCreateKey(path))(t)
	if second := must(authn.LoadOrCreateKey(path))(t); !first.Equal(second) {
		t.Error("the second start has another key")
	}
	if info := must(os.Stat(path))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o", info.Mode().Perm())
	}
	if left := must(filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")))(t); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := authn.LoadOrCreateKey(path); err == nil {
		t.Error("a key that others can read was used")
	}
	if err := os.WriteFile(path, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := authn.LoadOrCreateKey(path); err == nil {
		t.Error("a broken key was replaced or used")
	}
}

func TestOneKeyForControllersThatStartAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	const controllers = 8
	keys := make(chan string, controllers)
	var wg sync.WaitGroup
	for range controllers {
		wg.Go(func() {
			key, err := authn.LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
			}
			keys <- string(key)
		})
	}
	wg.Wait()
	close(keys)
	one := <-keys
	for key := range keys {
		if key != one {
			t.Fatal("two controllers have different keys")
		}
	}
}
