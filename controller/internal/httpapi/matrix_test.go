package httpapi

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// matrixActors are the columns of the table. Owner owns the container, other
// owns another one; scoped is a viewer of the cluster that neither is in.
var matrixActors = []string{"nobody", "viewer", "operator", "owner", "other", "scoped", "superuser"}

// matrixRow is a route, what each actor gets from it, and what is sent.
type matrixRow struct{ route, want, body string }

// matrix is what everybody gets: 401, 403, 404, or ok for all that is none of
// these, be it done or be it in the way of something else. Rows are called in
// this order, so those that remove things come last.
var matrix = []matrixRow{
	{"GET /livez", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /readyz", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /metrics", "401 403 403 403 403 403 ok", ""},
	{"GET /mqtt", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/openapi.json", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/docs", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/docs/docs.js", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/docs/docs.css", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/auth/me", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/auth/sessions", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/auth/tokens", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/users", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/users/:id", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/users/:id/sessions", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/users/:id/tokens", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/audit", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/audit/export", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/nodes", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/nodes/:id", "401 ok  ok  403 403 404 ok", ""},
	{"GET /api/v1/nodes/:id/health", "401 ok  ok  403 403 404 ok", ""},
	{"GET /api/v1/health", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/clusters", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/clusters/:id", "401 ok  ok  403 403 404 ok", ""},
	{"GET /api/v1/eggs/categories", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/eggs", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/eggs/:id", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/eggs/export/:id", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/eggs/source/:id", "401 ok  ok  403 403 ok  ok", ""},
	{"GET /api/v1/containers", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/containers/:id", "401 ok  ok  ok  404 404 ok", ""},
	{"GET /api/v1/containers/:id/logs", "401 ok  ok  ok  404 404 ok", ""},
	{"GET /api/v1/containers/:id/secrets", "401 403 403 ok  404 404 ok", ""},
	{"GET /api/v1/containers/:id/stats", "401 ok  ok  ok  404 404 ok", ""},
	{"GET /api/v1/containers/:id/migration-history", "401 ok  ok  ok  404 404 ok", ""},
	{"GET /api/v1/jobs", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/jobs/:id", "401 ok  ok  ok  404 404 ok", ""},
	{"GET /api/v1/migrations", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/migrations/:id", "401 ok  ok  ok  404 404 ok", ""},
	{"GET /api/v1/fleet", "401 ok  ok  403 403 403 ok", ""},
	{"PATCH /api/v1/auth/me", "401 ok  ok  ok  ok  ok  ok", `{"theme":"dark"}`},
	{"PATCH /api/v1/users/:id", "401 403 403 403 403 403 ok", `{"name":"B"}`},
	{"PATCH /api/v1/nodes/:id", "401 403 ok  403 403 403 ok", `{"description":"d"}`},
	{"PATCH /api/v1/clusters/:id", "401 403 403 403 403 403 ok", `{"description":"d"}`},
	{"PATCH /api/v1/eggs/categories/:id", "401 403 ok  403 403 403 ok", `{"description":"d"}`},
	{"PUT /api/v1/eggs/:id", "401 403 ok  403 403 403 ok", `{"name":"Web","categoryId":"CATEGORY","images":[{"name":"one","image":"demo:1"}]}`},
	{"PATCH /api/v1/containers/:id", "401 403 ok  403 403 403 ok", `{"group":"g"}`},
	{"PATCH /api/v1/containers/:id/environment", "401 403 ok  ok  404 404 ok", `{"environment":{"GREETING":"hi"}}`},
	{"POST /api/v1/users", "401 403 403 403 403 403 ok", `{"email":"NAME@example.org"}`},
	{"POST /api/v1/nodes", "401 403 403 403 403 403 ok", `{"name":"NAME"}`},
	{"POST /api/v1/clusters", "401 403 403 403 403 403 ok", `{"name":"NAME"}`},
	{"POST /api/v1/eggs/categories", "401 403 ok  403 403 403 ok", `{"name":"NAME"}`},
	{"POST /api/v1/eggs", "401 403 ok  403 403 403 ok", `{"name":"NAME","images":[{"name":"one","image":"demo:1"}]}`},
	{"POST /api/v1/eggs/update/:id", "401 403 ok  403 403 403 ok", ""},
	{"POST /api/v1/eggs/import", "401 403 ok  403 403 403 ok", `{"meta":{"version":"PTDL_v2"},"name":"NAME","docker_images":{"one":"demo:1"},"startup":"go"}`},
	{"POST /api/v1/containers", "401 403 ok  403 403 403 ok", `{"name":"NAME","eggId":"EGG","resources":{"cpu":0.1,"memory":"32m","disk":"1m"}}`},
	{"POST /api/v1/containers/:id/start", "401 403 ok  ok  404 404 ok", ""},
	{"POST /api/v1/containers/:id/restart", "401 403 ok  ok  404 404 ok", ""},
	{"POST /api/v1/containers/:id/command", "401 403 ok  ok  404 404 ok", `{"command":"say hello"}`},
	{"POST /api/v1/containers/:id/stop", "401 403 ok  ok  404 404 ok", ""},
	{"POST /api/v1/containers/:id/kill", "401 403 ok  ok  404 404 ok", ""},
	{"POST /api/v1/containers/:id/reinstall", "401 403 ok  ok  404 404 ok", ""},
	{"POST /api/v1/containers/:id/assign", "401 403 403 403 403 403 ok", `{"ownerId":"USER"}`},
	{"POST /api/v1/containers/:id/migrate", "401 403 ok  403 403 403 ok", `{}`},
	{"POST /api/v1/migrations/:id/cancel", "401 403 ok  403 403 403 ok", ""},
	{"POST /api/v1/migrations/:id/rollback", "401 403 ok  403 403 403 ok", `{}`},
	{"POST /api/v1/nodes/:id/cordon", "401 403 ok  403 403 403 ok", `{"reason":"r"}`},
	{"POST /api/v1/nodes/:id/uncordon", "401 403 ok  403 403 403 ok", ""},
	{"POST /api/v1/nodes/:id/drain", "401 403 ok  403 403 403 ok", `{}`},
	{"DELETE /api/v1/nodes/:id/drain", "401 403 ok  403 403 403 ok", ""},
	{"POST /api/v1/nodes/:id/confirm-dead", "401 403 403 403 403 403 ok", `{"reason":"r"}`},
	{"POST /api/v1/nodes/:id/credential/rotate", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/nodes/:id/credential", "401 403 403 403 403 403 ok", ""},
	{"POST /api/v1/fleet/hold", "401 403 403 403 403 403 ok", `{"reason":"r"}`},
	{"POST /api/v1/fleet/release", "401 403 403 403 403 403 ok", `{}`},
	{"POST /api/v1/authz/explain", "401 ok  ok  ok  ok  ok  ok", `{"verb":"container.start"}`},
	{"GET /api/v1/permissions", "401 ok  ok  ok  ok  ok  ok", ""},
	{"GET /api/v1/roles", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/roles/:id", "401 403 403 403 403 403 ok", ""},
	{"GET /api/v1/roles/bindings", "401 403 403 403 403 403 ok", ""},
	{"POST /api/v1/roles", "401 403 403 403 403 403 ok", `{"name":"NAME","permissions":["node.view"]}`},
	{"PATCH /api/v1/roles/:id", "401 403 403 403 403 403 ok", `{"description":"d"}`},
	{"POST /api/v1/roles/bindings", "401 403 403 403 403 403 ok", `{"userId":"USER","roleId":"ROLE","scope":"global"}`},
	{"DELETE /api/v1/roles/bindings/:id", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/roles/:id", "401 403 403 403 403 403 ok", ""},
	{"POST /api/v1/users/:id/password-reset", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/users/:id/totp", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/users/:id/sessions/:session", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/users/:id/tokens/:token", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/users/:id/sessions", "401 403 403 403 403 403 ok", ""},
	{"POST /api/v1/users/:id/disable", "401 403 403 403 403 403 ok", ""},
	{"POST /api/v1/users/:id/enable", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/users/:id", "401 403 403 403 403 403 ok", ""},
	{"POST /api/v1/auth/tokens", "401 ok  ok  ok  ok  ok  ok", `{"name":"NAME","permissions":["container.view"]}`},
	{"POST /api/v1/auth/login", "401 401 401 401 401 401 401", `{"email":"x@example.org","password":"not this one"}`},
	{"POST /api/v1/auth/password-reset", "401 401 401 401 401 401 401", `{"token":"none","newPassword":"grey geese over seven hills"}`},
	{"POST /api/v1/auth/refresh", "401 401 401 401 401 401 401", ""},
	{"POST /api/v1/auth/logout", "ok  ok  ok  ok  ok  ok  ok", ""},
	{"POST /api/v1/auth/password", "401 ok  ok  ok  ok  ok  ok", `{"currentPassword":"correct horse battery","newPassword":"correct horse battery"}`},
	{"POST /api/v1/auth/totp", "401 ok  ok  ok  ok  ok  ok", `{"currentPassword":"correct horse battery"}`},
	{"POST /api/v1/auth/totp/confirm", "401 ok  ok  ok  ok  ok  ok", `{"code":"nothing"}`},
	{"POST /api/v1/auth/totp/recovery-codes", "401 404 404 404 404 404 404", `{"currentPassword":"correct horse battery","code":"nothing"}`},
	{"DELETE /api/v1/auth/totp", "401 404 404 404 404 404 404", `{"currentPassword":"correct horse battery","code":"nothing"}`},
	{"DELETE /api/v1/auth/tokens/:id", "401 404 404 404 404 404 ok", ""},
	{"DELETE /api/v1/auth/sessions/:id", "401 404 404 404 404 404 ok", ""},
	{"DELETE /api/v1/auth/sessions", "401 ok  ok  ok  ok  ok  ok", ""},
	{"DELETE /api/v1/containers/:id", "401 403 ok  403 403 403 ok", ""},
	{"DELETE /api/v1/eggs/:id", "401 403 ok  403 403 403 ok", ""},
	{"DELETE /api/v1/eggs/categories/:id", "401 403 ok  403 403 403 ok", ""},
	{"DELETE /api/v1/nodes/:id", "401 403 403 403 403 403 ok", ""},
	{"DELETE /api/v1/clusters/:id", "401 403 403 403 403 403 ok", ""},
}

// matrixHouse is a house with one of each thing, and everybody who may ask.
type matrixHouse struct {
	*fleetHouse
	ids     map[string]string // what stands for :id in a path that begins so
	people  map[string]person
	cluster string // the scoped viewer's
}

func newMatrixHouse(t *testing.T) *matrixHouse {
	t.Helper()
	h := &matrixHouse{fleetHouse: newFleetHouse(t, withBroker), people: map[string]person{}}
	nodes := liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
	h.Watch = watch.New(watch.Options{Publisher: &agent{}, Nodes: nodes, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	made := func(path, body string) string { return h.post(path, body, http.StatusCreated)["id"].(string) }
	h.cluster = made("/clusters", `{"name":"elsewhere"}`)
	home := made("/clusters", `{"name":"home"}`)
	node := h.another("node", home)
	egg := h.egg()
	h.exec(`update eggs set source = '{}' where id = $1`, egg)
	container := h.ha(egg, "web", node, "")
	theirs, moving := h.ha(egg, "theirs", node, ""), h.ha(egg, "moving", node, "")["id"].(string)
	h.another("spare", home)
	for _, name := range matrixActors[1:] {
		h.people[name] = h.person(name + "@example.org")
	}
	h.bind("viewer", fleet.RoleViewer, "global", nil)
	h.bind("operator", fleet.RoleOperator, "global", nil)
	h.bind("superuser", fleet.RoleSuperuser, "global", nil)
	h.bind("scoped", fleet.RoleViewer, "cluster", h.cluster)
	h.exec(`update containers set owner_id = $1 where id in ($2, $3)`, h.people["owner"].id, container["id"], moving)
	h.exec(`update containers set owner_id = $1 where id = $2`, h.people["other"].id, theirs["id"])
	category := made("/eggs/categories", `{"name":"Games"}`)
	bystander := h.person("bystander@example.org")
	h.exec(`update users set totp_secret = 'sealed', totp_since = now() where id = $1`, bystander.id)
	role, binding := id.New[id.RoleID]().String(), id.New[id.BindingID]().String()
	h.exec(`insert into roles (id, name) values ($1, 'some')`, role)
	h.exec(`insert into role_bindings (id, user_id, role_id, scope) values ($1, $2, $3, 'global')`, binding, bystander.id, role)
	h.ids = map[string]string{
		"roles": role, "bindings": binding,
		"nodes": node, "clusters": home, "eggs": egg, "export": egg, "source": egg, "update": egg, "containers": container["id"].(string),
		"jobs": container["job"].(map[string]any)["id"].(string), "migrations": h.migrate(moving, "{}"), "users": bystander.id,
		"categories": category,
		":session":   h.session(bystander), ":token": h.token(bystander, "auth.view"),
		"sessions": h.session(h.people["superuser"]), "tokens": h.token(h.people["superuser"], "*"),
	}
	return h
}

// session is the session that somebody is signed in with.
func (h *matrixHouse) session(p person) (key string) {
	h.t.Helper()
	if err := h.sql.QueryRow(h.t.Context(), `select id from sessions where user_id = $1`, p.id).Scan(&key); err != nil {
		h.t.Fatal(err)
	}
	return key
}

// token gives somebody an API token.
func (h *matrixHouse) token(p person, permission string) string {
	h.t.Helper()
	key := id.New[id.TokenID]().String()
	h.exec(`insert into api_tokens (id, user_id, name, token_hash, permissions) values ($1, $2, $3, $4, $5)`, key, p.id, "t", []byte(key), []string{permission})
	return key
}

// bind gives somebody a role.
func (h *matrixHouse) bind(name, role, scope string, scopeID any) {
	h.t.Helper()
	h.exec(`insert into role_bindings (user_id, role_id, scope, scope_id) select $1, id, $2, $3::uuid from roles where name = $4`, h.people[name].id, scope, scopeID, role)
}

// path is the path of a route with ids of things that are there.
func (h *matrixHouse) path(pattern string) string {
	levels := strings.Split(pattern, "/")
	for i, level := range levels {
		if strings.HasPrefix(level, ":") {
			levels[i] = cmp.Or(h.ids[level], h.ids[levels[i-1]])
		}
	}
	return strings.Join(levels, "/")
}

// ask is what an actor gets from a route.
func (h *matrixHouse) ask(row matrixRow, name string) string {
	h.t.Helper()
	method, pattern, _ := strings.Cut(row.route, " ")
	c := call{method: method, path: h.path(pattern), bearer: h.people[name].bearer, header: map[string]string{"X-Forwarded-For": "192.0.2.1", "X-Lormas-Client": "test"}}
	body := h.fill(row.body, name)
	if c.body = body; body == "" {
		c.body = nil
	}
	got := h.do(c)
	switch got.StatusCode {
	case http.StatusInternalServerError, http.StatusUnprocessableEntity, http.StatusBadRequest:
		if !strings.Contains(pattern, "/auth/") { // what one may is said by other words there
			h.t.Errorf("%s as %s: %d %s", row.route, name, got.StatusCode, got.body)
		}
	case http.StatusForbidden, http.StatusNotFound:
		h.audited(row.route, name, got)
		fallthrough
	case http.StatusUnauthorized:
		return fmt.Sprint(got.StatusCode)
	case http.StatusTooManyRequests: // of sign-ins with a wrong password
		return "401"
	}
	return "ok"
}

// audited wants a refusal to be in the audit trail. What is not there, or is
// another's own account, is not refused but not found.
func (h *matrixHouse) audited(route, name string, got answer) {
	h.t.Helper()
	if got.StatusCode == http.StatusNotFound && strings.Contains(route, "/auth/") {
		return
	}
	if h.count(`select count(*) from audit_log where outcome = 'denied' and request_id = $1`, got.Header.Get("X-Request-Id")) != 1 {
		h.t.Errorf("%s as %s: the refusal is not in the audit trail: %s", route, name, got.body)
	}
}

// TestTheMatrix calls every route as everybody.
func TestTheMatrix(t *testing.T) {
	h := newMatrixHouse(t)
	left := map[string]bool{}
	for _, r := range routesOf(t, h.house) {
		left[r.method+" "+r.path] = true
	}
	for _, row := range matrix {
		if !left[row.route] {
			t.Errorf("%s has a row, and is no route", row.route)
			continue
		}
		delete(left, row.route)
		want, got := strings.Fields(row.want), make([]string, len(matrixActors))
		for i, name := range matrixActors { // from the weakest: what they are refused is there still
			got[i] = h.ask(row, name)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s:\n  actors %v\n  got    %v\n  want   %v", row.route, matrixActors, got, want)
		}
		if strings.Contains(row.route, "/auth/") {
			h.signInAgain()
		}
	}
	for route := range left {
		t.Errorf("%s has no row in the matrix", route)
	}
}

// signInAgain gives everybody a session who has lost his.
func (h *matrixHouse) signInAgain() {
	h.t.Helper()
	for name, p := range h.people {
		if h.do(call{method: "GET", path: prefix + "/auth/me", bearer: p.bearer}).StatusCode == http.StatusOK {
			continue
		}
		signed, err := h.Auth.Login(h.t.Context(), authn.Login{Email: p.email, Password: adminPassword})
		if err != nil {
			h.t.Fatal(err)
		}
		p.bearer = signed.Access
		h.people[name] = p
	}
}
