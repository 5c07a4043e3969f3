package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repeats are all routes that make something, in the order in which they are
// called: what is sent, what else under the same key is refused, and how the
// second answer to the same request is.
var repeats = []struct {
	route, body, other string
	once               string // what the second answer says where it is refused, as it cannot show a secret again
}{
	{"POST /api/v1/users", `{"email":"NAME@example.org","password":"grey geese over seven hills"}`, `{"email":"NAME@example.org","password":"grey geese over eight hills"}`, ""},
	{"POST /api/v1/users", `{"email":"NAME@example.org"}`, `{"email":"NAME@example.com"}`, "/password-reset"},
	{"POST /api/v1/users/:id/password-reset", "", "elsewhere", "new Idempotency-Key"},
	{"POST /api/v1/nodes", `{"name":"NAME"}`, `{"name":"NAME","description":"d"}`, ""},
	{"POST /api/v1/nodes/:id/credential/rotate", "", "elsewhere", ""},
	{"POST /api/v1/clusters", `{"name":"NAME"}`, `{"name":"NAME","profile":"fast"}`, ""},
	{"POST /api/v1/eggs/categories", `{"name":"NAME"}`, `{"name":"NAME","description":"d"}`, ""},
	{"POST /api/v1/eggs", `{"name":"NAME","images":[{"name":"one","image":"demo:1"}]}`, `{"name":"NAME","images":[{"name":"one","image":"demo:2"}]}`, ""},
	{"POST /api/v1/eggs/import", `{"meta":{"version":"PTDL_v2"},"name":"NAME","docker_images":{"one":"demo:1"},"startup":"go"}`,
		`{"meta":{"version":"PTDL_v2"},"name":"NAME","docker_images":{"one":"demo:2"},"startup":"go"}`, ""},
	{"POST /api/v1/roles", `{"name":"NAME","permissions":["node.view"]}`, `{"name":"NAME","permissions":["node.edit"]}`, ""},
	{"POST /api/v1/roles/bindings", `{"userId":"USER","roleId":"MORE","scope":"global"}`, `{"userId":"USER","roleId":"ROLE","scope":"global"}`, ""},
	{"POST /api/v1/auth/tokens", `{"name":"NAME","permissions":["container.view"]}`, `{"name":"NAME","permissions":["container.*"]}`, "DELETE /api/v1/auth/tokens/"},
	{"POST /api/v1/containers", `{"name":"NAME","eggId":"EGG","environment":{"GREETING":"hi"},"resources":{"cpu":0.1,"memory":"32m","disk":"1m"}}`,
		`{"name":"NAME","eggId":"EGG","environment":{"GREETING":"hi"},"resources":{"cpu":0.2,"memory":"32m","disk":"1m"}}`, ""},
	{"POST /api/v1/containers/:id/migrate", `{}`, `{"force":true}`, ""},
	{"POST /api/v1/migrations/:id/rollback", `{}`, `{"force":true}`, ""},
	{"POST /api/v1/nodes/:id/drain", `{}`, `{"timeoutSeconds":60}`, ""},
}

// makesNothing are all other routes that take a POST: they ask, or they bring
// what is there into a state in which it is left by the second request, too.
// Those that ask a node for something make a job each time, on purpose.
var makesNothing = []string{
	"POST /api/v1/auth/login", "POST /api/v1/auth/logout", "POST /api/v1/auth/refresh", "POST /api/v1/auth/password", "POST /api/v1/auth/password-reset",
	"POST /api/v1/auth/totp", "POST /api/v1/auth/totp/confirm", "POST /api/v1/auth/totp/recovery-codes", "POST /api/v1/authz/explain",
	"POST /api/v1/containers/:id/start", "POST /api/v1/containers/:id/stop", "POST /api/v1/containers/:id/restart", "POST /api/v1/containers/:id/kill",
	"POST /api/v1/containers/:id/command", "POST /api/v1/containers/:id/reinstall", "POST /api/v1/containers/:id/assign", "POST /api/v1/migrations/:id/cancel",
	"POST /api/v1/fleet/hold", "POST /api/v1/fleet/release", "POST /api/v1/users/:id/disable", "POST /api/v1/users/:id/enable",
	"POST /api/v1/eggs/update/:id", "POST /api/v1/nodes/:id/cordon", "POST /api/v1/nodes/:id/uncordon", "POST /api/v1/nodes/:id/confirm-dead",
}

// TestEveryCreateMayBeRepeated sends each request that makes something twice
// under one key, and another one under the same. A new route has to be in one
// of the two lists.
func TestEveryCreateMayBeRepeated(t *testing.T) {
	h := newMatrixHouse(t)
	left := map[string]bool{}
	for _, one := range contractsOf(t, h.Server).all {
		keyed := slices.ContainsFunc(one.Parameters, func(p parameterOf) bool { return p.Name == "Idempotency-Key" })
		switch still := slices.Contains(makesNothing, one.route); {
		case one.method != http.MethodPost && keyed, still && keyed:
			t.Errorf("%s takes an Idempotency-Key, and is not among those that make something", one.route)
		case one.method == http.MethodPost && !still && !keyed:
			t.Errorf("%s is new: give it an Idempotency-Key (RepeatableInput, Recall, Remember) and a row here, or say that it makes nothing", one.route)
		case keyed:
			left[one.route] = true
		}
	}
	h.readyForRepeats()
	for i, row := range repeats {
		delete(left, row.route)
		_, path, _ := strings.Cut(row.route, " ")
		c := call{method: http.MethodPost, path: h.path(path), bearer: h.people["superuser"].bearer, header: map[string]string{"Idempotency-Key": "key " + string(rune('a'+i))}}
		name := "again" + string(rune('a'+i))
		fill := func(body string) any {
			if body == "" {
				return nil
			}
			return strings.NewReplacer("NAME", name, "MORE", h.builtinRole("Viewer")).Replace(h.fill(strings.ReplaceAll(body, "NAME", name), ""))
		}
		c.body = fill(row.body)
		first := h.do(c)
		if first.StatusCode/100 != 2 {
			t.Errorf("%s: %d %s", row.route, first.StatusCode, first.body)
			continue
		}
		before := h.everything()
		again := h.do(c)
		if row.once == "" && (again.StatusCode != first.StatusCode || idOf(t, again) != idOf(t, first)) {
			t.Errorf("%s: first %d %s\nthen %d %s", row.route, first.StatusCode, first.body, again.StatusCode, again.body)
		}
		if row.once != "" {
			if p := again.want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, row.once) || !strings.Contains(p.Detail, "before") {
				t.Errorf("%s: the second answer does not say what to do: %s", row.route, p.Detail)
			}
		}
		if c.body = fill(row.other); row.other == "elsewhere" {
			c.body, c.path = nil, strings.NewReplacer(h.ids["nodes"], h.node, h.ids["users"], h.people["viewer"].id).Replace(c.path)
		}
		if p := h.do(c).want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "this Idempotency-Key was used for a different request") {
			t.Errorf("%s: another request under the same key: %s", row.route, p.Detail)
		}
		if diff := cmp.Diff(before, h.everything()); diff != "" {
			t.Errorf("%s: what was repeated changed something:\n%s", row.route, diff)
		}
	}
	for route := range left {
		t.Errorf("%s takes an Idempotency-Key and has no row", route)
	}
}

// readyForRepeats has a move that can be rolled back.
func (h *matrixHouse) readyForRepeats() {
	h.t.Helper()
	m := h.ids["migrations"]
	h.exec(`update container_migrations set state = 'completed', to_node_id = (select id from nodes where name = 'spare'), to_epoch = 2,
		switched_at = now(), running_at = now(), finished_at = now() where id = $1`, m)
	h.exec(`update containers c set node_id = m.to_node_id, epoch = 2, migration_status = 'completed', last_migration_at = now()
		from container_migrations m where m.id = $1 and c.id = m.container_id`, m)
}

// everything is a digest of each table of the house.
func (h *house) everything() map[string]string {
	h.t.Helper()
	rows, err := h.sql.Query(h.t.Context(), `
		select table_name, query_to_xml(format('select md5(string_agg(t::text, '','' order by t::text)) from %I t', table_name), false, true, '')::text
		from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'`)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	digests := map[string]string{}
	for rows.Next() {
		var table, digest string
		if err := rows.Scan(&table, &digest); err != nil {
			h.t.Fatal(err)
		}
		digests[table] = digest
	}
	if err := rows.Err(); err != nil || len(digests) < 20 {
		h.t.Fatalf("%d tables: %v", len(digests), err)
	}
	return digests
}

func idOf(t *testing.T, a answer) any {
	t.Helper()
	var got struct {
		ID  string
		Egg struct{ ID string } // of an import
	}
	err := json.Unmarshal(a.body, &got)
	if got.ID += got.Egg.ID; err != nil || got.ID == "" {
		t.Errorf("no id in %s", a.body)
	}
	return got.ID
}
