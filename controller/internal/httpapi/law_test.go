package httpapi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/valyala/fasthttp"
)

// operation is an operation as the document tells of it.
type operation struct {
	OperationID string           `json:"operationId"`
	Verb        fleet.Verb       `json:"x-permission"`
	Access      authz.Access     `json:"x-access"`
	Security    []map[string]any `json:"security"`
	Summary     string           `json:"summary"`
	Description string           `json:"description"`
	Responses   map[string]any   `json:"responses"`
}

// lawful is a route as Fiber knows it, with its entry in the document.
type lawful struct {
	method, path string
	operation
}

func (l lawful) call(bearer string) call {
	c := call{method: l.method, path: parameter.ReplaceAllString(l.path, uuid.NewString()), bearer: bearer}
	c.header = map[string]string{"X-Forwarded-For": "192.0.2.1"} // not from this machine
	return c
}

var parameter = regexp.MustCompile(`:[a-zA-Z]+`)

func withBroker(d *Deps) {
	d.MQTT = func(ctx *fasthttp.RequestCtx) { ctx.Error("no upgrade", fasthttp.StatusUpgradeRequired) }
}

// routesOf are all routes that Fiber has, each of which must be in the
// document; what is only in the document would be an error too.
func routesOf(t *testing.T, h *house) []lawful {
	t.Helper()
	var document struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	h.do(call{method: "GET", path: "/api/v1/openapi.json"}).want(t, http.StatusOK).into(t, &document)
	var routes []lawful
	for _, r := range h.app.GetRoutes(true) {
		path := parameter.ReplaceAllStringFunc(r.Path, func(name string) string { return "{" + name[1:] + "}" })
		op, ok := document.Paths[path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not in the OpenAPI document", r.Method, r.Path)
			continue
		}
		delete(document.Paths[path], strings.ToLower(r.Method))
		routes = append(routes, lawful{r.Method, r.Path, op})
	}
	for path, left := range document.Paths {
		for method := range left {
			t.Errorf("%s %s is documented and does not exist", method, path)
		}
	}
	return routes
}

func TestEveryRouteHasAVerbAndAnEntry(t *testing.T) {
	h := newHouse(t, houseOptions{change: withBroker})
	routes := routesOf(t, h)
	if len(routes) < 15 {
		t.Fatalf("only %d routes were found", len(routes))
	}
	ids := map[string]string{}
	for _, r := range routes {
		name := r.method + " " + r.path
		rule, ok := authz.RuleOf(r.Verb)
		if !ok {
			t.Errorf("%s: %q has no row in authz.Rules", name, r.Verb)
		}
		if r.Access != rule.Access || len(r.Security) != 1 || (r.Security[0]["bearer"] != nil) != (rule.Access != authz.Public) {
			t.Errorf("%s: the document says access %q, security %v; the table %q", name, r.Access, r.Security, rule.Access)
		}
		// refresh changes only what the caller holds; everything else that is
		// not a GET must be a verb that leaves an audit entry, and no GET may be
		if changes := r.method != http.MethodGet; changes != rule.Changes && r.Verb != fleet.AuthRefresh && r.Verb != fleet.AuthzExplain {
			t.Errorf("%s: the row of %s says Changes %v", name, r.Verb, rule.Changes)
		}
		if other, twice := ids[r.OperationID]; twice {
			t.Errorf("%s and %s are both called %s", name, other, r.OperationID)
		}
		ids[r.OperationID] = name
		if r.Summary == "" || r.Description == "" || r.Responses["default"] == nil {
			t.Errorf("%s: the entry lacks its summary, description or error answer", name)
		}
		if rule.Access == authz.Permission && !strings.Contains(r.Description, string(r.Verb)) {
			t.Errorf("%s: the description does not name the permission", name)
		}
	}
}

// public are all routes that answer to strangers. A new one belongs here only
// after somebody thought about it.
var public = []string{
	"GET /api/v1/docs", "GET /api/v1/docs/docs.css", "GET /api/v1/docs/docs.js", "GET /api/v1/openapi.json",
	"GET /livez", "GET /readyz", "GET /mqtt",
	"POST /api/v1/auth/login", "POST /api/v1/auth/password-reset", "POST /api/v1/auth/refresh", "POST /api/v1/auth/logout",
}

// own are the routes that need no grant, only an account.
var own = []string{
	"GET /api/v1/auth/me", "PATCH /api/v1/auth/me", "POST /api/v1/auth/password",
	"GET /api/v1/auth/sessions", "DELETE /api/v1/auth/sessions", "DELETE /api/v1/auth/sessions/:id",
	"POST /api/v1/auth/totp", "POST /api/v1/auth/totp/confirm", "POST /api/v1/auth/totp/recovery-codes", "DELETE /api/v1/auth/totp",
	"GET /api/v1/auth/tokens", "POST /api/v1/auth/tokens", "DELETE /api/v1/auth/tokens/:id",
	"GET /api/v1/permissions", "POST /api/v1/authz/explain",
}

func TestNobodyGetsIn(t *testing.T) {
	h := newHouse(t, houseOptions{change: withBroker})
	for _, r := range routesOf(t, h) {
		name := r.method + " " + r.path
		for _, bearer := range []string{"", "garbage", "lormas_" + strings.Repeat("0", 64)} {
			got := h.do(r.call(bearer))
			if slices.Contains(public, name) {
				if bearer == "" && got.StatusCode == http.StatusUnauthorized && r.Verb != fleet.AuthRefresh {
					t.Errorf("%s is public and asks who is there", name)
				}
				continue
			}
			p := got.want(t, http.StatusUnauthorized).problem(t)
			if p.Type != problemPrefix+"unauthenticated" || got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %+v, WWW-Authenticate %q", name, p, got.Header.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestWithoutGrantsThereIsNothingToSee(t *testing.T) {
	h := newHouse(t, houseOptions{change: withBroker})
	bearer := h.nobodyInParticular()
	var owner []string
	if err := h.sql.QueryRow(t.Context(), `select array_agg(permission) from role_permissions where role_id = $1`, h.builtin(fleet.RoleOwner)).Scan(&owner); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, r := range routesOf(t, h) {
		name := r.method + " " + r.path
		if slices.Contains(public, name) || slices.Contains(own, name) {
			continue
		}
		got := h.do(r.call(bearer))
		if authz.Allows(owner, r.Verb) { // he may do this with what is his, and nothing is
			if text := string(got.body); got.StatusCode < 400 && !strings.Contains(text, `"items":[]`) {
				t.Errorf("%s: somebody who owns nothing gets %s", name, text)
			}
			continue
		}
		refused++
		p := got.want(t, http.StatusForbidden).problem(t)
		if !strings.Contains(p.Detail, string(r.Verb)) {
			t.Errorf("%s: the refusal does not name the permission: %s", name, p.Detail)
		}
	}
	var audited int
	err := h.sql.QueryRow(t.Context(), `select count(*) from audit_log where outcome = 'denied' and actor_name = 'new@lormas.local'`).Scan(&audited)
	if err != nil || audited != refused {
		t.Errorf("%d refusals, %d in the audit trail (%v)", refused, audited, err)
	}
}

func TestBeforeThePasswordIsChangedNothingElseIs(t *testing.T) {
	h := newHouse(t, houseOptions{change: withBroker, seed: authn.SeedOptions{Dev: true}})
	signed := h.login(authn.DefaultPassword)
	if !signed.User.MustChangePassword {
		t.Fatal("the default password need not be changed")
	}
	for _, r := range routesOf(t, h) {
		name := r.method + " " + r.path
		if slices.Contains(public, name) || r.Verb == fleet.AuthView || r.Verb == fleet.AuthPasswordChange {
			continue
		}
		p := h.do(r.call(signed.AccessToken)).want(t, http.StatusForbidden).problem(t)
		if p.Type != problemPrefix+"password_must_change" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	change := call{method: "POST", path: "/api/v1/auth/password", bearer: signed.AccessToken,
		body: map[string]string{"currentPassword": authn.DefaultPassword, "newPassword": authn.DefaultPassword}}
	h.do(change).want(t, http.StatusUnprocessableEntity)
	change.body = map[string]string{"currentPassword": authn.DefaultPassword, "newPassword": adminPassword}
	h.do(change).want(t, http.StatusNoContent)
	h.do(call{method: "GET", path: "/api/v1/audit", bearer: signed.AccessToken}).want(t, http.StatusOK)
}
