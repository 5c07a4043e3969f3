package httpapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// role makes a role as the bearer.
func (h *house) role(bearer, name string, parent *id.RoleID, permissions ...string) RoleBody {
	h.t.Helper()
	body := map[string]any{"name": name, "permissions": append([]string{}, permissions...)}
	if parent != nil {
		body["parentId"] = parent
	}
	var r RoleBody
	h.do(call{method: "POST", path: "/api/v1/roles", bearer: bearer, body: body}).want(h.t, 201).into(h.t, &r)
	return r
}

func (h *house) builtin(name string) (role id.RoleID) {
	h.t.Helper()
	if err := h.sql.QueryRow(h.t.Context(), `select id from roles where name = $1`, name).Scan(&role); err != nil {
		h.t.Fatal(err)
	}
	return role
}

func bindCall(bearer, user string, role id.RoleID, scope fleet.Scope, scopeID string) call {
	body := map[string]any{"userId": user, "roleId": role, "scope": scope}
	if scopeID != "" {
		body["scopeId"] = scopeID
	}
	return call{method: "POST", path: "/api/v1/roles/bindings", bearer: bearer, body: body}
}

func (h *house) bind(bearer, user string, role id.RoleID, scope fleet.Scope, scopeID string) BindingBody {
	h.t.Helper()
	var b BindingBody
	h.do(bindCall(bearer, user, role, scope, scopeID)).want(h.t, 201).into(h.t, &b)
	return b
}

func TestRoleOverHTTP(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	make := call{method: "POST", path: "/api/v1/roles", bearer: admin, header: map[string]string{"Idempotency-Key": "k"},
		body: map[string]any{"name": " Game master ", "permissions": []string{"container:start", "container.stop", "container.start"}}}
	var r, same, again RoleBody
	res := h.do(make).want(t, 201)
	res.into(t, &r)
	if r.Name != "Game master" || !slices.Equal(r.Permissions, []string{"container.start", "container.stop"}) || r.Builtin || res.Header.Get("ETag") != `"1"` {
		t.Errorf("made %s, ETag %s", res.body, res.Header.Get("ETag"))
	}
	h.do(make).want(t, 201).into(t, &same)
	if same.ID != r.ID {
		t.Error("the same Idempotency-Key made another role")
	}
	make.header = nil
	h.do(make).want(t, 409).problem(t) // the name
	for _, bad := range []map[string]any{
		{"name": ""}, {"name": "a\nb"}, {"name": "x", "permissions": []string{"no.such"}}, {"name": "x", "parentId": id.New[id.RoleID]()},
		{"name": "x", "permissions": []string{"auth.view"}},
	} {
		make.body = bad
		h.do(make).want(t, 422).problem(t)
	}
	child := h.role(admin, "Child", &r.ID, "container.logs")
	if !slices.Equal(child.Inherited, []string{"container.start", "container.stop"}) {
		t.Errorf("the child inherits %v", child.Inherited)
	}
	path := "/api/v1/roles/" + r.ID.String()
	edit := call{method: "PATCH", path: path, bearer: admin, body: map[string]any{"permissions": []string{"container.*"}}, header: map[string]string{"If-Match": `"4"`}}
	h.do(edit).want(t, 412)
	edit.header = map[string]string{"If-Match": `"1"`}
	h.do(edit).want(t, 200).into(t, &r)
	if r.Generation != 2 || !slices.Equal(r.Permissions, []string{"container.*"}) || r.Name != "Game master" {
		t.Errorf("edited %+v", r)
	}
	edit.header, edit.body = nil, map[string]any{"parentId": child.ID}
	if p := h.do(edit).want(t, 422).problem(t); len(p.Errors) != 1 || !strings.Contains(p.Errors[0].Message, "Game master → Child → Game master") {
		t.Errorf("a ring: %+v", p)
	}
	edit.body = map[string]any{"parentId": r.ID}
	h.do(edit).want(t, 422)
	if p := h.do(call{method: "DELETE", path: path, bearer: admin}).want(t, 409).problem(t); !strings.Contains(p.Detail, "parent of 1 others (Child)") {
		t.Error(p.Detail)
	}
	h.do(call{method: "PATCH", path: "/api/v1/roles/" + child.ID.String(), bearer: admin, body: map[string]any{"parentId": ""}}).want(t, 200).into(t, &again)
	if child = again; child.ParentID != nil || len(child.Inherited) != 0 {
		t.Errorf("without a parent: %+v", child)
	}
	jane := h.person("jane@example.org")
	b := h.bind(admin, jane.id, r.ID, fleet.Global, "")
	if p := h.do(call{method: "DELETE", path: path, bearer: admin}).want(t, 409).problem(t); !strings.Contains(p.Detail, "bound 1 times (to jane@example.org)") {
		t.Error(p.Detail)
	}
	h.do(call{method: "DELETE", path: "/api/v1/roles/bindings/" + b.ID.String(), bearer: admin}).want(t, 204)
	h.do(call{method: "DELETE", path: path, bearer: admin}).want(t, 204)
	h.do(call{method: "GET", path: path, bearer: admin}).want(t, 404).problem(t)
	var list page[RoleBody]
	h.do(call{method: "GET", path: "/api/v1/roles?q=CHI", bearer: admin}).want(t, 200).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != child.ID {
		t.Errorf("found %+v", list.Items)
	}
	if n := h.count(`select count(*) from audit_log where target_id = $1 and outcome = 'ok'`, r.ID); n != 3 {
		t.Errorf("%d audit entries, want one for each of create, edit, delete", n)
	}
}

func TestRolesStandAtMostSoDeep(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	above := h.role(admin, "0", nil)
	for i := 1; i < 8; i++ {
		above = h.role(admin, string(rune('0'+i)), &above.ID)
	}
	h.do(call{method: "POST", path: "/api/v1/roles", bearer: admin, body: map[string]any{"name": "deep", "parentId": above.ID}}).want(t, 422)
	top := h.role(admin, "top", nil)
	p := h.do(call{method: "PATCH", path: "/api/v1/roles/" + h.builtinRole("0"), bearer: admin, body: map[string]any{"parentId": top.ID}}).want(t, 422).problem(t)
	if !strings.Contains(p.Errors[0].Message, "9 roles would stand above one another") {
		t.Errorf("%+v", p.Errors)
	}
}

func (h *house) builtinRole(name string) string { return h.builtin(name).String() }

func TestBuiltinRolesStay(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	for _, name := range []string{fleet.RoleSuperuser, fleet.RoleOperator, fleet.RoleViewer, fleet.RoleOwner} {
		path := "/api/v1/roles/" + h.builtinRole(name)
		for _, c := range []call{{method: "DELETE"}, {method: "PATCH", body: map[string]any{"permissions": []string{}}}} {
			c.path, c.bearer = path, admin
			if p := h.do(c).want(t, 409).problem(t); !strings.Contains(p.Detail, "a role of your own") {
				t.Errorf("%s %s: %s", c.method, name, p.Detail)
			}
		}
	}
}

func TestPermissionsAreListed(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	var list page[permissionBody]
	h.do(call{method: "GET", path: "/api/v1/permissions", bearer: h.nobodyInParticular()}).want(t, 200).into(t, &list)
	at := slices.IndexFunc(list.Items, func(p permissionBody) bool { return p.Permission == "container.ha.create" })
	if at < 0 || list.Items[at].Colons != "container:ha:create" || list.Items[at].Description == "" || !slices.Equal(list.Items[at].Roles, []string{"Superuser", "Operator"}) {
		t.Errorf("%+v", list.Items)
	}
	if slices.ContainsFunc(list.Items, func(p permissionBody) bool { return p.Permission == "auth.login" }) {
		t.Error("what nobody is granted is in the list")
	}
}

func TestNobodyGivesWhatHeDoesNotHave(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	manager, plain := h.person("manager@example.org", "role.*", "node.view"), h.person("plain@example.org")
	viewer := h.role(admin, "Sees nodes", nil, "node.view")
	super := h.role(admin, "All", nil, "*")
	refused := []call{
		{method: "POST", path: "/api/v1/roles", body: map[string]any{"name": "x", "permissions": []string{"*"}}},
		{method: "POST", path: "/api/v1/roles", body: map[string]any{"name": "x", "permissions": []string{"node.*"}}},
		{method: "POST", path: "/api/v1/roles", body: map[string]any{"name": "x", "parentId": super.ID}},
		{method: "PATCH", path: "/api/v1/roles/" + viewer.ID.String(), body: map[string]any{"permissions": []string{"node.view", "node.edit"}}},
		{method: "PATCH", path: "/api/v1/roles/" + viewer.ID.String(), body: map[string]any{"parentId": super.ID}},
		{method: "PATCH", path: "/api/v1/roles/" + super.ID.String(), body: map[string]any{"permissions": []string{}}},
		{method: "DELETE", path: "/api/v1/roles/" + super.ID.String()},
		bindCall("", manager.id, h.builtin(fleet.RoleSuperuser), fleet.Global, ""),
		bindCall("", manager.id, super.ID, fleet.Global, ""),
		bindCall("", plain.id, h.role(admin, "Below", &super.ID).ID, fleet.Global, ""),
	}
	for _, c := range refused {
		c.bearer = manager.bearer
		if p := h.do(c).want(t, 403).problem(t); !strings.Contains(p.Detail, "nobody gives or takes more than he has") {
			t.Errorf("%s %s: %s", c.method, c.path, p.Detail)
		}
	}
	if n := h.count(`select count(*) from audit_log where outcome = 'denied' and actor_name = 'manager@example.org'`); n != len(refused) {
		t.Errorf("%d refusals in the audit trail, want %d", n, len(refused))
	}
	h.bind(manager.bearer, plain.id, viewer.ID, fleet.Global, "")
	h.role(manager.bearer, "mine", &viewer.ID, "role.view")
	if n := h.count(`select count(*) from role_bindings where user_id = $1`, manager.id); n != 1 {
		t.Errorf("the manager has %d roles", n)
	}
	// nor with an API token that is held to less
	var token struct{ Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: admin, body: map[string]any{"name": "t", "permissions": []string{"role.*"}}}).want(t, 201).into(t, &token)
	h.do(bindCall(token.Token, plain.id, viewer.ID, fleet.Global, "")).want(t, 403)
	// and only one's own cluster is one's own
	home, away := id.New[id.ClusterID]().String(), id.New[id.ClusterID]().String()
	h.exec(`insert into clusters (id, name) values ($1, 'home'), ($2, 'away')`, home, away)
	local := h.person("local@example.org")
	h.bind(admin, local.id, h.role(admin, "Landlord", nil, "role.binding.*", "node.view", "cluster.view").ID, fleet.OfCluster, home)
	b := h.bind(local.bearer, plain.id, viewer.ID, fleet.OfCluster, home)
	elsewhere := h.bind(admin, plain.id, viewer.ID, fleet.OfCluster, away)
	for _, c := range []call{
		bindCall(local.bearer, plain.id, viewer.ID, fleet.OfCluster, away),
		bindCall(local.bearer, plain.id, viewer.ID, fleet.OfCluster, id.New[id.ClusterID]().String()),
		bindCall(local.bearer, local.id, super.ID, fleet.OfCluster, home),
		bindCall(local.bearer, plain.id, viewer.ID, fleet.Global, ""),
	} {
		h.do(c).want(t, 403).problem(t)
	}
	var list page[BindingBody]
	h.do(call{method: "GET", path: "/api/v1/roles/bindings", bearer: local.bearer}).want(t, 200).into(t, &list)
	if len(list.Items) != 2 || list.Items[0].ID != b.ID || list.Items[0].ScopeName != "home" || list.Items[0].Email != plain.email {
		t.Errorf("he sees %+v", list.Items)
	}
	h.do(call{method: "DELETE", path: "/api/v1/roles/bindings/" + elsewhere.ID.String(), bearer: local.bearer}).want(t, 404)
	h.do(call{method: "DELETE", path: "/api/v1/roles/bindings/" + b.ID.String(), bearer: local.bearer}).want(t, 204)
}

func TestBindings(t *testing.T) {
	h := newFleetHouse(t)
	plain, viewer := h.person("plain@example.org"), h.builtin(fleet.RoleViewer)
	h.do(call{method: "GET", path: "/api/v1/nodes/" + h.node, bearer: plain.bearer}).want(t, 403)
	b := h.bind(h.bearer, plain.id, viewer, fleet.OfNode, h.node)
	h.do(call{method: "GET", path: "/api/v1/nodes/" + h.node, bearer: plain.bearer}).want(t, 200)
	h.do(bindCall(h.bearer, plain.id, viewer, fleet.OfNode, h.node)).want(t, 409).problem(t)
	for _, bad := range []call{
		bindCall(h.bearer, plain.id, viewer, "planet", h.node), bindCall(h.bearer, plain.id, viewer, fleet.OfNode, ""),
		bindCall(h.bearer, plain.id, viewer, fleet.Global, h.node), bindCall(h.bearer, plain.id, viewer, fleet.OfCluster, h.node),
		bindCall(h.bearer, id.New[id.UserID]().String(), viewer, fleet.Global, ""), bindCall(h.bearer, plain.id, id.New[id.RoleID](), fleet.Global, ""),
	} {
		if p := h.do(bad).want(t, 422).problem(t); len(p.Errors) == 0 {
			t.Errorf("%v: no field is named: %+v", bad.body, p)
		}
	}
	for query, want := range map[string]int{
		"": 2, "?userId=" + plain.id: 1, "?roleId=" + viewer.String(): 1, "?scope=node": 1, "?scopeId=" + h.node: 1, "?scope=cluster": 0, "?limit=1": 1,
	} {
		var list page[BindingBody]
		h.do(call{method: "GET", path: "/api/v1/roles/bindings" + query, bearer: h.bearer}).want(t, 200).into(t, &list)
		if len(list.Items) != want || (query == "?limit=1") != (list.NextCursor != "") {
			t.Errorf("%s lists %+v", query, list)
		}
	}
	h.request("DELETE", "/nodes/"+h.node, "").want(t, 204)
	if n := h.count(`select count(*) from role_bindings where id = $1`, b.ID); n != 0 {
		t.Error("the binding outlives its node")
	}
	h.do(bindCall(h.bearer, plain.id, viewer, fleet.OfNode, h.node)).want(t, 422)
}

func TestTheLastSuperuserKeepsHisRole(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	var list page[BindingBody]
	h.do(call{method: "GET", path: "/api/v1/roles/bindings", bearer: admin}).want(t, 200).into(t, &list)
	unbind := call{method: "DELETE", path: "/api/v1/roles/bindings/" + list.Items[0].ID.String(), bearer: admin}
	h.do(unbind).want(t, 409).problem(t)
	// one who is superuser through a parent of his role
	top := h.role(admin, "Top", nil, "*")
	below := h.role(admin, "Below", &top.ID)
	second := h.person("second@example.org")
	h.bind(admin, second.id, below.ID, fleet.Global, "")
	h.do(unbind).want(t, 204)
	h.do(unbind).want(t, 403) // he has nothing any more
	for _, c := range []call{
		{method: "PATCH", path: "/api/v1/roles/" + below.ID.String(), body: map[string]any{"parentId": ""}},
		{method: "PATCH", path: "/api/v1/roles/" + top.ID.String(), body: map[string]any{"permissions": []string{"node.*"}}},
	} {
		c.bearer = second.bearer
		h.do(c).want(t, 409).problem(t)
	}
}
