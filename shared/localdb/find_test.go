package localdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// installed makes directories as if these versions were installed.
func installed(t *testing.T, versions ...string) (pattern string) {
	t.Helper()
	root := t.TempDir()
	for _, version := range versions {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// A client alone, without a server.
	if err := os.MkdirAll(filepath.Join(root, "99", "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "*/bin")
}

// madeBy is a data directory of a version.
func madeBy(t *testing.T, version string) string {
	t.Helper()
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(version+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPostgresBin(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, data string
		want, missing string
	}{
		"new data: the newest":       {installed(t, "9.6", "13", "15"), "/no/data", "15/bin", ""},
		"the version of the data":    {installed(t, "9.6", "13", "15"), madeBy(t, "13"), "13/bin", ""},
		"the data's version is gone": {installed(t, "15"), madeBy(t, "13"), "", "apt-get install -y --no-install-recommends postgresql-13"},
		"none at all":                {installed(t), "/no/data", "", "apt-get install -y --no-install-recommends postgresql"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := postgresBin(c.pattern, c.data)
			if c.missing == "" {
				if err != nil || !strings.HasSuffix(got, c.want) {
					t.Errorf("got %s, %v; want %s", got, err, c.want)
				}
				return
			}
			var missing *NotInstalledError
			if !errors.As(err, &missing) || !strings.HasSuffix(err.Error(), c.missing) {
				t.Errorf("got %v, want it to end with %s", err, c.missing)
			}
		})
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
