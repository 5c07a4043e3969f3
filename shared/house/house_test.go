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
	"github.com/jackc/pgx":                {"controller/internal/store", "controller/internal/testkit", "migrations"},
	"github.com/pressly/goose":            {"migrations"},
	"github.com/redis/go-redis":           {"controller/internal/presence", "controller/internal/authn", "controller/internal/app", "controller/internal/testkit"},
	"github.com/golang-jwt/jwt":           {"controller/internal/authn"},
	"github.com/alexedwards/argon2id":     {"controller/internal/authn"},
	"github.com/pquerna/otp":              {"controller/internal/authn"},
	"github.com/trustelem/zxcvbn":         {"controller/internal/authn"},
	"github.com/boombuler/barcode":        {"controller/internal/cli"},
	"github.com/gofiber/fiber":            {"controller/internal/httpapi"},
	"github.com/danielgtaylor/huma":       {"controller/internal/httpapi"},
	"go.etcd.io/bbolt":                    {"agent/internal/ledger"},
	"github.com/tailscale/hujson":         {"agent/internal/configfile"},
	"github.com/pelletier/go-toml":        {"agent/internal/configfile"},
	"github.com/alecthomas/kong":          {"controller/internal/cli", "controller/internal/config", "controller/internal/dev", "agent/internal/app", "deploy/cmd"},
	"github.com/prometheus/client_golang": {"broker", "controller"},
}

// rooms is who may know whom: the rooms of this house that each room may
// import. Test files are free, as they stand on both sides of a wall.
var rooms = map[string][]string{
	// shared: the contract, and tools that know nothing of Lormas
	"shared/house":                  {},
	"shared/id":                     {},
	"shared/loop":                   {},
	"shared/spec":                   {},
	"shared/egg":                    {"shared/spec"},
	"shared/lease":                  {"shared/id"},
	"shared/wire":                   {"shared/id", "shared/spec"},
	"shared/mqttlink":               {},
	"shared/child":                  {},
	"shared/localdb":                {"shared/child"},
	"shared/dockerd":                {"shared/child"},
	"shared/mqttlink/mosquittotest": {},
	"shared/mqttlink/natstest":      {"shared/mqttlink/mosquittotest"},

	"broker":     {"shared/id", "shared/wire"},
	"migrations": {},
	"frontend":   {},

	// controller: nouns, then pure decisions
	"controller/internal/fleet":     {"shared/egg", "shared/id", "shared/spec", "shared/wire"},
	"controller/internal/authz":     {"controller/internal/fleet", "shared/id", "shared/wire"},
	"controller/internal/placement": {"controller/internal/fleet", "shared/id", "shared/spec"},
	"controller/internal/failover":  {"controller/internal/fleet", "shared/id", "shared/spec", "shared/wire"},
	"controller/internal/liveness":  {"controller/internal/fleet", "shared/id", "shared/lease", "shared/loop", "shared/spec", "shared/wire"},
	// the decisions of all parts, tried against each other in virtual time
	"controller/internal/sim":   {"controller/internal/failover", "controller/internal/fleet", "controller/internal/liveness", "controller/internal/placement", "controller/internal/reign", "controller/internal/store", "shared/id", "shared/lease", "shared/spec", "shared/wire"},
	"controller/cmd/lormas-sim": {"controller/internal/sim"},
	// truth and view
	"controller/internal/store":    {"controller/internal/authz", "controller/internal/fleet", "controller/internal/placement", "controller/internal/seal", "shared/egg", "shared/id", "shared/lease", "shared/spec", "shared/wire"},
	"controller/internal/seal":     {},
	"controller/internal/presence": {"shared/id", "shared/wire"},
	"controller/internal/reign":    {"controller/internal/store", "shared/lease"},
	// people ─▶ httpapi ─▶ actions ─▶ store ─▶ dispatch ─▶ agents
	"controller/internal/httpapi":  {"controller/internal/actions", "controller/internal/authn", "controller/internal/authz", "controller/internal/fleet", "controller/internal/presence", "controller/internal/store", "controller/internal/watch", "shared/egg", "shared/id", "shared/lease", "shared/spec", "shared/wire"},
	"controller/internal/authn":    {"controller/internal/authz", "controller/internal/fleet", "controller/internal/store", "shared/id", "shared/loop", "shared/spec", "shared/wire"},
	"controller/internal/fetch":    {"controller/internal/fleet", "shared/spec"},
	"controller/internal/actions":  {"controller/internal/authz", "controller/internal/failover", "controller/internal/fleet", "controller/internal/placement", "controller/internal/store", "shared/egg", "shared/id", "shared/lease", "shared/spec", "shared/wire"},
	"controller/internal/dispatch": {"controller/internal/live", "controller/internal/liveness", "controller/internal/store", "shared/id", "shared/loop", "shared/spec", "shared/wire"},
	// people ◀─ live ◀─ intake ◀─ agents
	"controller/internal/intake": {"broker", "controller/internal/dispatch", "controller/internal/fleet", "controller/internal/live", "controller/internal/liveness", "controller/internal/presence", "controller/internal/store", "controller/internal/watch", "shared/id", "shared/spec", "shared/wire"},
	"controller/internal/live":   {"controller/internal/fleet", "controller/internal/store", "shared/id", "shared/spec", "shared/wire"},
	"controller/internal/roster": {"shared/wire"},
	"controller/internal/uplink": {"broker", "shared/id", "shared/mqttlink", "shared/wire"},
	"controller/internal/watch":  {"controller/internal/fleet", "controller/internal/liveness", "shared/id", "shared/loop", "shared/wire"},
	"controller/internal/loops":  {"controller/internal/failover", "controller/internal/fleet", "controller/internal/live", "controller/internal/liveness", "controller/internal/placement", "controller/internal/store", "shared/id", "shared/lease", "shared/loop", "shared/spec", "shared/wire"},
	// wiring and doors
	"controller/internal/config":  {},
	"controller/internal/app":     {"broker", "controller/internal/actions", "controller/internal/authn", "controller/internal/authz", "controller/internal/config", "controller/internal/dispatch", "controller/internal/failover", "controller/internal/fetch", "controller/internal/fleet", "controller/internal/httpapi", "controller/internal/intake", "controller/internal/live", "controller/internal/liveness", "controller/internal/loops", "controller/internal/presence", "controller/internal/reign", "controller/internal/store", "controller/internal/uplink", "controller/internal/watch", "frontend", "migrations", "shared/id", "shared/lease", "shared/loop", "shared/wire", "controller/internal/seal", "shared/egg"},
	"controller/internal/dev":     {"controller/internal/actions", "controller/internal/app", "controller/internal/authn", "controller/internal/authz", "controller/internal/config", "controller/internal/fleet", "controller/internal/store", "shared/child", "shared/egg", "shared/dockerd", "shared/id", "shared/localdb", "shared/spec"},
	"controller/internal/client":  {"shared/mqttlink"},
	"controller/internal/cli":     {"controller/internal/app", "controller/internal/authn", "controller/internal/client", "controller/internal/config", "controller/internal/dev", "controller/internal/httpapi", "controller/internal/reign", "controller/internal/roster", "controller/internal/seal", "controller/internal/store", "migrations", "shared/egg"},
	"controller/internal/testkit": {"controller/internal/seal", "controller/internal/store", "migrations", "shared/child", "shared/localdb"},
	"controller/cmd/lormas":       {"controller/internal/cli"},

	// agent
	"agent/internal/runtime":         {"shared/id", "shared/spec", "shared/wire"},
	"agent/internal/console":         {"agent/internal/runtime", "shared/id", "shared/loop"},
	"agent/internal/configfile":      {"shared/spec"},
	"agent/internal/docker":          {"agent/internal/configfile", "agent/internal/runtime", "shared/id", "shared/lease", "shared/spec", "shared/wire"},
	"agent/internal/runtimetest":     {"agent/internal/runtime", "shared/id", "shared/spec", "shared/wire"},
	"agent/internal/telemetry":       {"shared/spec", "shared/wire"},
	"agent/internal/usage":           {"agent/internal/runtime", "shared/id", "shared/loop", "shared/spec", "shared/wire"},
	"agent/internal/ledger":          {"shared/id", "shared/loop", "shared/spec", "shared/wire"},
	"agent/internal/guard":           {"shared/id", "shared/lease"},
	"agent/internal/guard/guardtest": {"agent/internal/guard", "shared/id", "shared/lease"},
	"agent/internal/permit":          {"agent/internal/guard", "agent/internal/ledger", "shared/id", "shared/lease", "shared/loop", "shared/spec"},
	"agent/internal/reconcile":       {"agent/internal/guard", "agent/internal/ledger", "agent/internal/permit", "agent/internal/runtime", "shared/id", "shared/lease", "shared/loop", "shared/spec", "shared/wire"},
	"agent/internal/link":            {"agent/internal/console", "agent/internal/ledger", "agent/internal/permit", "agent/internal/reconcile", "agent/internal/runtime", "shared/id", "shared/lease", "shared/loop", "shared/mqttlink", "shared/spec", "shared/wire"},
	"agent/internal/app":             {"agent/internal/console", "agent/internal/docker", "agent/internal/guard", "agent/internal/permit", "agent/internal/ledger", "agent/internal/link", "agent/internal/reconcile", "agent/internal/runtime", "agent/internal/telemetry", "agent/internal/usage", "shared/id", "shared/mqttlink", "shared/spec", "shared/wire"},
	"agent/cmd/lormas-agent":         {"agent/internal/app"},
	"agent/cmd/lormas-guard":         {"agent/internal/guard", "shared/id"},
	"agent/agenttest":                {"agent/internal/console", "agent/internal/guard/guardtest", "agent/internal/ledger", "agent/internal/link", "agent/internal/permit", "agent/internal/reconcile", "agent/internal/runtime", "agent/internal/runtimetest", "shared/id", "shared/lease", "shared/mqttlink", "shared/spec", "shared/wire"},

	// deploy knows the programs from outside only
	"deploy":                    {},
	"deploy/demo":               {},
	"deploy/witness":            {},
	"deploy/cmd/witness":        {"deploy/witness"},
	"deploy/e2e":                {"deploy/witness", "shared/child", "shared/dockerd", "shared/localdb"},
	"deploy/cmd/lab":            {"deploy/e2e"},
	"deploy/e2e/bench":          {"deploy/e2e"},
	"deploy/e2e/chaos":          {"deploy/e2e", "deploy/witness"},
	"deploy/e2e/crowd":          {"shared/id", "shared/mqttlink", "shared/spec", "shared/wire"},
	"deploy/cmd/chaos":          {"deploy/e2e", "deploy/e2e/chaos"},
	"deploy/cmd/bench-failover": {"deploy/e2e", "deploy/e2e/bench"},
}

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
