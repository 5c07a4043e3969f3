package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder of eggs is imported file by file; what is exported is the same egg.
func TestEggsAreImportedAndExported(t *testing.T) {
	s := signedIn(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const file = `{"meta":{"version":"PTDL_v2"},"name":"Game","uuid":"0d2c1c6e-0000-4000-8000-000000000001","docker_images":{"a":"a:1"},"startup":"go"}`
	game := write("game.json", file)
	if out := s.ok("egg", "import", dir, "--dry-run"); !strings.Contains(out, "game.json: created \"Game\"") {
		t.Errorf("dry run:\n%s", out)
	}
	s.fails(4, "there is no egg", "egg", "show", "Game")
	if out := s.ok("egg", "import", dir); !strings.Contains(out, "game.json: created \"Game\"") {
		t.Errorf("import:\n%s", out)
	}
	if out := s.ok("egg", "export", "Game", "--source"); out != file {
		t.Errorf("the source is\n%s", out)
	}
	exported := filepath.Join(dir, "exported.json")
	s.ok("egg", "export", "Game", "--format", "PTDL_v2", "--to", exported)
	if out := s.ok("egg", "import", exported); !strings.Contains(out, "exported.json: unchanged") {
		t.Errorf("the export is not the same egg:\n%s", out)
	}
	plain := write("plain.json", `{"meta":{"version":"PTDL_v2"},"name":"Plain","docker_images":{"a":"a:1"},"startup":"go"}`)
	s.ok("egg", "import", plain)
	write("plain.json", `{"meta":{"version":"PTDL_v2"},"name":"Plain","docker_images":{"a":"a:1"},"startup":"go on"}`)
	if out, _, code := s.run("egg", "import", plain); code != 1 || !strings.Contains(out, "--egg NAME") {
		t.Errorf("without a uuid: code %d\n%s", code, out)
	}
	if out := s.ok("egg", "import", plain, "--egg", "Plain"); !strings.Contains(out, "updated \"Plain\"") {
		t.Errorf("a newer file of the same: %s", out)
	}
	if out, _, code := s.run("egg", "import", "http://10.0.0.1/egg.json"); code != 1 || !strings.Contains(out, "--egg-networks") {
		t.Errorf("from an address of its own: code %d\n%s", code, out)
	}
	s.fails(5, "update_url", "egg", "update", "Plain")
	write("game.json", strings.Replace(file, "a:1", "a:2", 1))
	bad := write("bad.json", "{\"meta\":{\"version\":\"PTDL_v2\"},\n\"name\":\"Bad\"}")
	out, errs, code := s.run("egg", "import", bad, game)
	if code != 1 || !strings.Contains(errs, "1 of 2 files were not imported") ||
		!strings.Contains(out, "bad.json: failed:") || !strings.Contains(out, "line 1, images:") ||
		!strings.Contains(out, "game.json: updated \"Game\"") || !strings.Contains(out, "changed: images") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}

// An egg is fetched from an address, and brought up to what is there later.
func TestAnEggIsFetchedAndUpdated(t *testing.T) {
	s := signedIn(t)
	text := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	defer server.Close()
	text = `{"meta":{"version":"PTDL_v2","update_url":"` + server.URL + `"},"name":"Game","uuid":"0d2c1c6e-0000-4000-8000-000000000001","docker_images":{"a":"a:1"},"startup":"go"}`
	if out := s.ok("egg", "import", server.URL); !strings.Contains(out, `created "Game"`) {
		t.Errorf("import: %s", out)
	}
	if out := s.ok("egg", "update", "Game"); !strings.Contains(out, "is up to date") {
		t.Errorf("nothing new: %s", out)
	}
	text = strings.Replace(text, `"go"`, `"go faster"`, 1)
	for _, more := range [][]string{{"--dry-run"}, {"--yes"}} {
		if out := s.ok(append([]string{"egg", "update", "Game"}, more...)...); !strings.Contains(out, `go faster`) || !strings.Contains(out, "startup") {
			t.Errorf("%v: %s", more, out)
		}
	}
	text = strings.Replace(text, `"go faster"`, `"stop"`, 1)
	s.fails(1, "--yes", "egg", "update", "Game")
	if out := s.ok("egg", "export", "Game", "--source"); !strings.Contains(out, "go faster") {
		t.Errorf("unasked, it is %s", out)
	}
}
