package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

func TestExplainNamesWhereAPermissionComesFrom(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	parent := made(t, h, admin, "/api/v1/roles", map[string]any{"name": "Starter", "permissions": []string{"node:view"}})
	role := made(t, h, admin, "/api/v1/roles", map[string]any{"name": "Night shift", "permissions": []string{"node.cordon"}, "parentId": parent})
	user := made(t, h, admin, "/api/v1/users", map[string]any{"email": "jane@example.org"})
	node := made(t, h, admin, "/api/v1/nodes", map[string]any{"name": "edge-1"})
	other := made(t, h, admin, "/api/v1/nodes", map[string]any{"name": "edge-2"})
	binding := made(t, h, admin, "/api/v1/roles/bindings", map[string]any{"userId": user, "roleId": role, "scope": "node", "scopeId": node})
	ask := func(bearer string, body map[string]any) (e explanationBody) {
		h.do(call{method: "POST", path: "/api/v1/authz/explain", bearer: bearer, body: body}).want(t, http.StatusOK).into(t, &e)
		return e
	}
	on := func(id string) map[string]any { return map[string]any{"kind": "node", "id": id} }
	e := ask(admin, map[string]any{"userId": user, "verb": "node:view", "target": on(node)})
	if !e.Allowed || len(e.By) != 1 || strings.Join(e.By[0].Path, ">") != "Night shift>Starter" || e.By[0].BindingID != binding || e.By[0].ScopeID != node || e.By[0].ScopeName != "edge-1" {
		t.Errorf("allowed through %+v", e)
	}
	e = ask(admin, map[string]any{"userId": user, "verb": "node.view", "target": on(other)})
	if e.Allowed || len(e.Near) != 1 || !strings.Contains(e.Summary, "Night shift → Starter for the node edge-1") {
		t.Errorf("refused with %+v", e)
	}
	e = ask(h.person("clerk@example.org", "user.view").bearer, map[string]any{"userId": user, "verb": "node.view"})
	if len(e.Near) != 1 || e.Near[0].ScopeName != "" || strings.Contains(e.Summary, "edge-1") {
		t.Errorf("who does not see the node hears %+v", e)
	}
	nobody := h.nobodyInParticular()
	if e := ask(nobody, map[string]any{"verb": "node.view"}); e.Allowed || !strings.Contains(e.Summary, "no role") {
		t.Errorf("of himself he hears %+v", e)
	}
	for name, c := range map[string]struct {
		status int
		body   map[string]any
	}{
		"of somebody else":      {http.StatusForbidden, map[string]any{"userId": user, "verb": "node.view"}},
		"of what he cannot see": {http.StatusNotFound, map[string]any{"verb": "node.view", "target": on(node)}},
	} {
		if got := h.do(call{method: "POST", path: "/api/v1/authz/explain", bearer: nobody, body: c.body}); got.StatusCode != c.status {
			t.Errorf("%s: %d, want %d: %s", name, got.StatusCode, c.status, got.body)
		}
	}
}

// made makes something and answers its id.
func made(t *testing.T, h *house, bearer, path string, body map[string]any) string {
	t.Helper()
	var out struct{ ID string }
	h.do(call{method: "POST", path: path, bearer: bearer, body: body}).want(t, http.StatusCreated).into(t, &out)
	return out.ID
}
