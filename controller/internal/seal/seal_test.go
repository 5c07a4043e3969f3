package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lormas/lormas/controller/internal/seal"
)

const (
	of     = "user/7/totp"
	secret = "a planted secret"
)

func newRing(t *testing.T) *seal.Ring {
	t.Helper()
	r, err := seal.LoadOrCreate(filepath.Join(t.TempDir(), "state", "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealed(t *testing.T, r *seal.Ring, of, plain string) string {
	t.Helper()
	text, err := r.Seal(r.Newest(), of, plain)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatIsSealedOpensAsWhatItIsOf(t *testing.T) {
	r := newRing(t)
	for _, plain := range []string{"", secret, strings.Repeat("x", 100_000), "sealed:v1:a:b", "\x00\xff"} {
		text := sealed(t, r, of, plain)
		if plain != "" && strings.Contains(text, plain) {
			t.Errorf("%.40q shows in %.80q", plain, text)
		}
		got, err := r.Open(of, text)
		if err != nil || got != plain {
			t.Errorf("got %.40q, %v", got, err)
		}
		if got, err := r.Open("user/8/totp", text); !errors.Is(err, seal.ErrBroken) || got != "" {
			t.Errorf("it opened as another's: %q, %v", got, err)
		}
	}
	if sealed(t, r, of, secret) == sealed(t, r, of, secret) {
		t.Error("equal secrets look equal")
	}
}

func TestEveryChangeIsNoticed(t *testing.T) {
	r := newRing(t)
	text := sealed(t, r, of, secret)
	for i := range text {
		for _, c := range []byte{'A', 'b', '0', ':'} {
			changed := text[:i] + string(c) + text[i+1:]
			// base64 has bits at its end that mean nothing
			if changed == text || i == len(text)-1 {
				continue
			}
			if got, err := r.Open(of, changed); err == nil || got != "" {
				t.Fatalf("%q was opened", changed)
			}
		}
	}
	for _, none := range []string{"", secret, "sealed:v1:", "sealed:v1:" + r.Newest(), "sealed:v1:" + r.Newest() + ":", text[:len(text)-8]} {
		if _, err := r.Open(of, none); err == nil {
			t.Errorf("%q was opened", none)
		}
	}
}

func TestErrorsHoldNothingOfIt(t *testing.T) {
	r, other := newRing(t), newRing(t)
	text := sealed(t, other, of, secret)
	_, err := r.Open(of, text)
	if !errors.Is(err, seal.ErrUnknownKey) || !strings.Contains(err.Error(), other.Newest()) || strings.Contains(err.Error(), text[30:]) {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatOthersCanReadIsRefused(t *testing.T) {
	r := newRing(t)
	info, err := os.Stat(r.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("it was made with %v, %v", info.Mode(), err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(r.Path(), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Load(r.Path()); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestWhatIsNoRing(t *testing.T) {
	const good = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	for _, text := range []string{"", "# nothing", "short", "MDEy", good + "\n" + good, good + "\nnonsense"} {
		if _, err := seal.Parse(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	r, err := seal.Parse("# a comment\n\n  " + good + "  \r\n")
	if err != nil || len(r.IDs()) != 1 {
		t.Errorf("a ring with comments: %v", err)
	}
}

// The setting is keys or a file; only a file can be made.
func TestTheSettingIsKeysOrAFile(t *testing.T) {
	const good = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	dir := t.TempDir()
	r, err := seal.Use(good+"\n", filepath.Join(dir, "not made"))
	if err != nil || r.Path() != "" {
		t.Errorf("keys: %v", err)
	}
	if err := r.Add(); !errors.Is(err, seal.ErrInEnvironment) {
		t.Errorf("a key was added to the environment: %v", err)
	}
	for setting, file := range map[string]string{"": "default", filepath.Join(dir, "named"): "named"} {
		r, err := seal.Use(setting, filepath.Join(dir, "default"))
		if err != nil || r.Path() != filepath.Join(dir, file) {
			t.Errorf("%q: %v", setting, err)
		}
	}
	if _, err := seal.Find("", filepath.Join(dir, "not made")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a ring that should be there: %v", err)
	}
}

func TestManyStartsMakeOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	ids := make([]string, 16)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			if r, err := seal.LoadOrCreate(path); err == nil {
				ids[i] = r.Newest()
			}
		})
	}
	all.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("keys %v", ids)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Another process rotates; this ring follows by itself.
func TestARingFollowsARotation(t *testing.T) {
	running := newRing(t)
	old := sealed(t, running, of, secret)
	rotating, err := seal.Load(running.Path())
	if err != nil {
		t.Fatal(err)
	}
	release, err := rotating.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := running.Lock(); err == nil {
		t.Error("two rotate at once")
	}
	if err := rotating.Add(); err != nil {
		t.Fatal(err)
	}
	fresh := sealed(t, rotating, of, secret)
	if got, err := rotating.Open(of, old); err != nil || got != secret {
		t.Errorf("the old one in the new ring: %q, %v", got, err)
	}
	if got, err := running.Open(of, fresh); err != nil || got != secret {
		t.Errorf("the new one in the running ring: %q, %v", got, err)
	}
	if seal.KeyOf(fresh) != rotating.Newest() || seal.KeyOf(old) == seal.KeyOf(fresh) {
		t.Errorf("keys %s and %s", seal.KeyOf(old), seal.KeyOf(fresh))
	}
	if err := rotating.KeepOnly(rotating.Newest()); err != nil {
		t.Fatal(err)
	}
	if _, err := rotating.Open(of, old); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("the old key is still good: %v", err)
	}
	if err := rotating.KeepOnly(seal.KeyOf(old)); err == nil {
		t.Error("a ring was left without a key")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(running.Path())
	if err != nil || bytes.Count(text, []byte("=\n")) != 1 {
		t.Errorf("the file: %s, %v", text, err)
	}
}
