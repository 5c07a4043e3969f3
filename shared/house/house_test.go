package house_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lormas/lormas/"

// owners names the rooms that may import a library; all others may not. A
// library that is swapped one day is then swapped in one room.
var owners = map[string][]string{
	"github.com/mochi-mqtt/server":        {"broker"},
	"github.com/eclipse/paho.mqtt.golang": {"shared/mqttlink"},
	"github.com/docker/docker":            {"agent/internal/docker"},
	"github.com/jackc/pgx":                {"controller/internal/store", "migrations"},
	"github.com/pressly/goose":            {"migrations"},
	"github.com/redis/go-redis":           {"controller/internal/presence", "controller/internal/authn"},
	"github.com/golang-jwt/jwt":           {"controller/internal/authn"},
	"github.com/alexedwards/argon2id":     {"controller/internal/authn"},
	"github.com/gofiber/fiber":            {"controller/internal/httpapi"},
	"github.com/danielgtaylor/huma":       {"controller/internal/httpapi"},
	"go.etcd.io/bbolt":                    {"agent/internal/ledger"},
	"github.com/alecthomas/kong":          {"controller/internal/cli", "controller/internal/config", "controller/internal/dev", "agent/internal/app", "deploy/cmd"},
	"github.com/prometheus/client_golang": {"broker", "controller"},
}

// rooms is who may know whom: the rooms of this house that each room may
// import. Test files are free, as they stand on both sides of a wall.
var rooms = map[string][]string{}

func TestRoomsImportOnlyWhatTheTableAllows(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range imports(t) {
		room := filepath.ToSlash(filepath.Dir(file))
		seen[room] = true
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s: room %s has no row in the table of rooms", file, room)
			continue
		}
		for _, path := range imports {
			other, ours := strings.CutPrefix(path, module)
			if ours && !slices.Contains(allowed, other) {
				t.Errorf("%s: %s may not import %s", file, room, other)
			}
		}
	}
	for room := range rooms {
		if !seen[room] {
			t.Errorf("the table has a row for %s, which has no code", room)
		}
	}
}

func TestLibrariesStayWithTheirOwners(t *testing.T) {
	for file, imports := range imports(t) {
		room := filepath.ToSlash(filepath.Dir(file))
		for _, path := range imports {
			for library, allowed := range owners {
				if within(path, library) && !slices.ContainsFunc(allowed, func(o string) bool { return within(room, o) }) {
					t.Errorf("%s: only %s may import %s", file, strings.Join(allowed, ", "), library)
				}
			}
		}
	}
}

func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// imports maps every Go file of the house, tests left out, to what it
// imports.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		out[rel] = []string{}
		for _, spec := range parsed.Imports {
			value, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			out[rel] = append(out[rel], value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no source files were found: the test looks in the wrong place")
	}
	return out
}
