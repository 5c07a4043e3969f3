package localdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPostgresBinTakesTheNewest(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "13", "15", "16"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if version == "16" {
			continue // the client alone, without a server
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := postgresBin(filepath.Join(root, "*/bin"))
	if want := filepath.Join(root, "15/bin"); got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestMissingPostgresNamesTheCommand(t *testing.T) {
	_, err := postgresBin(filepath.Join(t.TempDir(), "*/bin"))
	var missing *NotInstalledError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "apt-get install -y --no-install-recommends postgresql") {
		t.Errorf("got %v", err)
	}
}

func TestMissingRedisNamesTheCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := StartRedis(t.Context(), RedisOptions{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "apt-get install -y --no-install-recommends redis-server") {
		t.Errorf("got %v", err)
	}
}

func TestLastWordsKeepsTheEnd(t *testing.T) {
	w := &lastWords{}
	for range 100 {
		if _, err := w.Write([]byte(strings.Repeat("x", 100))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	if got := w.String(); len(got) > maxLastWords || !strings.HasSuffix(got, "the end") {
		t.Errorf("kept %d bytes ending in %q", len(got), got[len(got)-10:])
	}
}
