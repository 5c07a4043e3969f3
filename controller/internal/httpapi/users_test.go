package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// person is somebody with an account, signed in.
type person struct {
	id, email, bearer string
}

const anyPassword = "grey geese over seven hills"

// person makes a user by SQL, who is granted permissions everywhere.
func (h *house) person(email string, permissions ...string) person {
	h.t.Helper()
	p := person{id: id.New[id.UserID]().String(), email: email}
	h.exec(`insert into users (id, email, password_hash) select $1, $2, password_hash from users where password_hash <> '' limit 1`, p.id, email)
	if len(permissions) > 0 {
		role := id.New[id.RoleID]()
		h.exec(`insert into roles (id, name) values ($1, $2)`, role, "of "+email)
		h.exec(`insert into role_permissions (role_id, permission) select $1, unnest($2::text[])`, role, permissions)
		h.exec(`insert into role_bindings (user_id, role_id, scope) values ($1, $2, 'global')`, p.id, role)
	}
	signed, err := h.Auth.Login(h.t.Context(), authn.Login{Email: email, Password: adminPassword})
	if err != nil {
		h.t.Fatal(err)
	}
	p.bearer = signed.Access
	return p
}

func (h *house) count(sql string, args ...any) (n int) {
	h.t.Helper()
	if err := h.sql.QueryRow(h.t.Context(), sql, args...).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	return n
}

type shownUser struct {
	ShownUserBody
	PasswordReset *linkBody `json:"passwordReset"`
}

func TestUserOverHTTP(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	make := call{method: "POST", path: "/api/v1/users", bearer: admin, body: map[string]any{"email": " Jane@Example.org ", "name": "Jane", "password": anyPassword}}
	var jane shownUser
	res := h.do(make).want(t, 201)
	res.into(t, &jane)
	if jane.Email != "jane@example.org" || !jane.MustChangePassword || jane.PasswordReset != nil || res.Header.Get("ETag") != `"1"` || strings.Contains(string(res.body), "argon2") {
		t.Errorf("made %s, ETag %s", res.body, res.Header.Get("ETag"))
	}
	h.do(make).want(t, 409).problem(t)
	for _, bad := range []map[string]any{
		{"email": "jane", "password": anyPassword}, {"email": "a@b", "password": "short"}, {"email": "ä@b.de"}, {"email": "a b@c"}, {"email": "a@b", "name": "x\ny"}, {"email": "a\u0000@b"},
	} {
		h.do(call{method: "POST", path: "/api/v1/users", bearer: admin, body: bad}).want(t, 422).problem(t)
	}
	path := "/api/v1/users/" + jane.ID.String()
	edit := call{method: "PATCH", path: path, bearer: admin, body: map[string]any{"name": "Jane Doe"}, header: map[string]string{"If-Match": `"7"`}}
	h.do(edit).want(t, 412)
	edit.header = map[string]string{"If-Match": `"1"`}
	h.do(edit).want(t, 200).into(t, &jane)
	if jane.Name != "Jane Doe" || jane.Generation != 2 {
		t.Errorf("edited %+v", jane)
	}
	edit.header, edit.body = nil, map[string]any{"email": adminEmail}
	h.do(edit).want(t, 409)
	var list page[ShownUserBody]
	h.do(call{method: "GET", path: "/api/v1/users?q=DOE", bearer: admin}).want(t, 200).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != jane.ID {
		t.Errorf("found %+v", list.Items)
	}
	h.do(call{method: "GET", path: "/api/v1/users?limit=1", bearer: admin}).want(t, 200).into(t, &list)
	if len(list.Items) != 1 || list.NextCursor == "" {
		t.Errorf("the first page: %+v", list)
	}
	h.do(call{method: "DELETE", path: path, bearer: admin}).want(t, 204)
	h.do(call{method: "GET", path: path, bearer: admin}).want(t, 404).problem(t)
	h.do(call{method: "DELETE", path: path, bearer: admin}).want(t, 404).problem(t)
	if n := h.count(`select count(*) from audit_log where target_id = $1 and outcome = 'ok'`, jane.ID); n != 3 {
		t.Errorf("%d audit entries, want one for each of create, edit, delete", n)
	}
}

func TestADisabledUserIsOutAtOnce(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin, jane := h.admin(), h.person("jane@example.org", "node.view")
	var token struct{ Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: jane.bearer, body: map[string]any{"name": "t", "permissions": []string{"node.view"}}}).want(t, 201).into(t, &token)
	me := func(bearer string, status int) {
		t.Helper()
		h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: bearer}).want(t, status)
	}
	me(jane.bearer, 200)
	me(token.Token, 200)
	path := "/api/v1/users/" + jane.id
	for range 2 { // the second time there is nothing to do
		h.do(call{method: "POST", path: path + "/disable", bearer: admin}).want(t, 200)
	}
	me(jane.bearer, 401)
	me(token.Token, 401)
	h.do(call{method: "POST", path: path + "/password-reset", bearer: admin}).want(t, 409)
	h.do(call{method: "POST", path: path + "/enable", bearer: admin}).want(t, 200)
	me(jane.bearer, 401) // that session is over
	me(token.Token, 200) // the token was kept
}

func TestTheLastSuperuserStays(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	first, second := h.person("a@example.org", "*"), h.person("b@example.org", "*")
	h.exec(`delete from users where email = $1`, adminEmail)
	me := "/api/v1/users/" + first.id
	h.do(call{method: "POST", path: me + "/disable", bearer: first.bearer}).want(t, 409)
	h.do(call{method: "DELETE", path: me, bearer: first.bearer}).want(t, 409)
	h.do(call{method: "POST", path: "/api/v1/users/" + second.id + "/disable", bearer: first.bearer}).want(t, 200)
	h.do(call{method: "POST", path: "/api/v1/users/" + second.id + "/enable", bearer: first.bearer}).want(t, 200)
	done := make(chan int, 2)
	second = h.again(second)
	for one, other := range map[string]string{first.bearer: second.id, second.bearer: first.id} {
		go func() {
			res, err := http.DefaultClient.Do(h.request(call{method: "DELETE", path: "/api/v1/users/" + other, bearer: one}))
			if err != nil {
				done <- 0
				return
			}
			_ = res.Body.Close()
			done <- res.StatusCode
		}()
	}
	got := []int{<-done, <-done}
	if n := h.count(`select count(*) from users where disabled_at is null`); n != 1 {
		t.Errorf("two superusers who delete each other at once: %v, %d are left, want 1", got, n)
	}
}

// again signs somebody in anew.
func (h *house) again(p person) person {
	h.t.Helper()
	signed, err := h.Auth.Login(h.t.Context(), authn.Login{Email: p.email, Password: adminPassword})
	if err != nil {
		h.t.Fatal(err)
	}
	p.bearer = signed.Access
	return p
}

func (h *house) request(c call) *http.Request {
	req := must(http.NewRequest(c.method, h.url+c.path, nil))(h.t)
	req.Header.Set("Authorization", "Bearer "+c.bearer)
	return req
}

// Whoever manages users must not become a superuser by way of one.
func TestAUserManagerCannotTakeOverASuperuser(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	super, manager, plain := h.person("super@example.org", "*"), h.person("manager@example.org", "user.*"), h.person("plain@example.org", "user.view")
	session := h.count(`select count(*) from sessions where user_id = $1`, super.id)
	calls := map[string]call{
		"edit":        {method: "PATCH", body: map[string]any{"email": "mine@example.org"}},
		"disable":     {method: "POST", path: "/disable"},
		"enable":      {method: "POST", path: "/enable"},
		"reset":       {method: "POST", path: "/password-reset"},
		"totp":        {method: "DELETE", path: "/totp"},
		"sessions":    {method: "DELETE", path: "/sessions"},
		"one session": {method: "DELETE", path: "/sessions/" + id.New[id.SessionID]().String()},
		"token":       {method: "DELETE", path: "/tokens/" + id.New[id.TokenID]().String()},
		"delete":      {method: "DELETE"},
	}
	for name, c := range calls {
		c.path, c.bearer = "/api/v1/users/"+super.id+c.path, manager.bearer
		p := h.do(c).want(t, 403).problem(t)
		if !strings.Contains(p.Detail, "permission *") {
			t.Errorf("%s: the refusal does not say what is missing: %s", name, p.Detail)
		}
	}
	if n := h.count(`select count(*) from audit_log where outcome = 'denied' and target_name = 'super@example.org' and actor_name = 'manager@example.org'`); n != len(calls) {
		t.Errorf("%d refusals in the audit trail, want %d", n, len(calls))
	}
	if n := h.count(`select count(*) from sessions where user_id = $1 and revoked_at is null`, super.id); n != session {
		t.Errorf("%d of %d sessions are left", n, session)
	}
	h.do(call{method: "POST", path: "/api/v1/users/" + plain.id + "/password-reset", bearer: manager.bearer}).want(t, 201)
	// and by an API token that is held to less than its owner
	var token struct{ Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: super.bearer, body: map[string]any{"name": "t", "permissions": []string{"user.*"}}}).want(t, 201).into(t, &token)
	h.do(call{method: "POST", path: "/api/v1/users/" + super.id + "/password-reset", bearer: token.Token}).want(t, 403)
}

func TestSessionsAndTokensOfOthers(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin, jane := h.admin(), h.person("jane@example.org", "node.view")
	path := "/api/v1/users/" + jane.id
	var token struct{ ID, Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: jane.bearer, body: map[string]any{"name": "ci", "permissions": []string{"node.view"}}}).want(t, 201).into(t, &token)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: token.Token}).want(t, 200)
	var tokens page[TokenBody]
	h.do(call{method: "GET", path: path + "/tokens", bearer: admin}).want(t, 200).into(t, &tokens)
	if len(tokens.Items) != 1 || tokens.Items[0].LastUsedBy != "127.0.0.1" || time.Since(*tokens.Items[0].LastUsedAt) > time.Hour {
		t.Errorf("tokens %+v", tokens.Items)
	}
	var sessions page[SessionBody]
	h.do(call{method: "GET", path: path + "/sessions", bearer: admin}).want(t, 200).into(t, &sessions)
	if len(sessions.Items) != 1 || sessions.Items[0].Current {
		t.Errorf("sessions %+v", sessions.Items)
	}
	// not through the path of another
	h.do(call{method: "DELETE", path: "/api/v1/users/" + h.person("eve@example.org").id + "/tokens/" + token.ID, bearer: admin}).want(t, 404)
	h.do(call{method: "DELETE", path: path + "/tokens/" + token.ID, bearer: admin}).want(t, 204)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: token.Token}).want(t, 401)
	h.do(call{method: "DELETE", path: path + "/sessions/" + sessions.Items[0].ID.String(), bearer: admin}).want(t, 204)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: jane.bearer}).want(t, 401)
	jane = h.again(jane)
	h.do(call{method: "DELETE", path: path + "/sessions", bearer: admin}).want(t, 204)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: jane.bearer}).want(t, 401)
}

func TestOnesOwnAccount(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	jane := h.person("jane@example.org")
	edit := call{method: "PATCH", path: "/api/v1/auth/me", bearer: jane.bearer, body: map[string]any{"name": "Jane", "theme": "dark", "timeZone": "Europe/Berlin"}}
	var shown ShownUserBody
	h.do(edit).want(t, 200).into(t, &shown)
	var me meBody
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: jane.bearer}).want(t, 200).into(t, &me)
	if me.User.Name != "Jane" || me.User.Theme != "dark" || me.User.TimeZone != "Europe/Berlin" || me.User.Generation != 2 || shown != me.User {
		t.Errorf("me = %+v, answered %+v", me.User, shown)
	}
	for _, bad := range []map[string]any{
		{"timeZone": "Mars/Olympus"}, {"timeZone": "Local"}, {"timeZone": "../../etc/passwd"}, {"theme": "pink"}, {"name": strings.Repeat("x", 101)},
		{"email": "new@example.org"}, {"email": "new@example.org", "currentPassword": "not it"},
	} {
		edit.body = bad
		h.do(edit).want(t, 422).problem(t)
	}
	edit.body = map[string]any{"email": "New@Example.org", "currentPassword": adminPassword}
	h.do(edit).want(t, 200)
	h.again(person{email: "new@example.org"})

	var sessions page[SessionBody]
	h.do(call{method: "GET", path: "/api/v1/auth/sessions", bearer: jane.bearer}).want(t, 200).into(t, &sessions)
	if len(sessions.Items) != 2 || sessions.Items[0].Current || !sessions.Items[1].Current {
		t.Errorf("sessions %+v", sessions.Items)
	}
	eve := h.person("eve@example.org")
	h.do(call{method: "DELETE", path: "/api/v1/auth/sessions/" + sessions.Items[0].ID.String(), bearer: eve.bearer}).want(t, 404)
	h.do(call{method: "DELETE", path: "/api/v1/auth/sessions/" + sessions.Items[0].ID.String(), bearer: jane.bearer}).want(t, 204)
	other := h.again(person{email: "new@example.org"})
	h.do(call{method: "DELETE", path: "/api/v1/auth/sessions", bearer: jane.bearer}).want(t, 204)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: other.bearer}).want(t, 401)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: jane.bearer}).want(t, 200)
}

// explained asks an API token, or somebody, whether it may do a thing.
func (h *house) explained(bearer string, v fleet.Verb) (e explanationBody) {
	h.t.Helper()
	h.do(call{method: "POST", path: "/api/v1/authz/explain", bearer: bearer, body: map[string]any{"verb": v}}).want(h.t, 200).into(h.t, &e)
	return e
}

// What an API token is told that it may do is what the routes let it do.
func TestAnAPITokenIsToldWhatItMayNotDo(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	var token struct{ ID, Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: admin, body: map[string]any{"name": "some", "permissions": []string{"node.view"}}}).want(t, 201).into(t, &token)
	h.exec(`update api_tokens set permissions = '{authz.explain,node.view}' where id = $1`, token.ID) // who may ask at all is given * by the API
	for _, one := range []struct {
		verb   fleet.Verb
		call   call
		status int
	}{
		{fleet.TokenCreate, call{method: "POST", path: "/auth/tokens", body: map[string]any{"name": "more", "permissions": []string{"node.view"}}}, 403}, // in person
		{fleet.AuthEdit, call{method: "PATCH", path: "/auth/me", body: map[string]any{"theme": "light"}}, 403},                                           // its limit
		{fleet.TokenView, call{method: "GET", path: "/auth/tokens"}, 403},
		{fleet.AuthView, call{method: "GET", path: "/auth/me"}, 200},
		{fleet.NodeView, call{method: "GET", path: "/nodes"}, 200},
		{fleet.ClusterView, call{method: "GET", path: "/clusters"}, 403},
	} {
		c := one.call
		c.path, c.bearer = prefix+c.path, token.Token
		h.do(c).want(t, one.status)
		if e := h.explained(token.Token, one.verb); e.Allowed != (one.status == 200) || !e.Allowed && !strings.Contains(e.Summary, "API token") {
			t.Errorf("%s answers %d, and is explained as %+v", one.verb, one.status, e)
		}
		if e := h.explained(admin, one.verb); !e.Allowed {
			t.Errorf("its owner may not do %s: %s", one.verb, e.Summary)
		}
	}
}

// What decides who holds the account is not for programs.
func TestAnAPITokenIsNotItsOwner(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	var token struct{ ID, Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: admin, body: map[string]any{"name": "all", "permissions": []string{"*"}}}).want(t, 201).into(t, &token)
	for _, c := range []call{
		{method: "POST", path: "/auth/password", body: map[string]any{"currentPassword": adminPassword, "newPassword": anyPassword}},
		{method: "DELETE", path: "/auth/sessions"},
		{method: "DELETE", path: "/auth/sessions/" + id.New[id.SessionID]().String()},
		{method: "POST", path: "/auth/tokens", body: map[string]any{"name": "more", "permissions": []string{"*"}}},
		{method: "PATCH", path: "/auth/me", body: map[string]any{"email": "x@example.org", "currentPassword": adminPassword}},
	} {
		c.path, c.bearer = "/api/v1"+c.path, token.Token
		if p := h.do(c).want(t, 403).problem(t); !strings.Contains(p.Detail, "API token") {
			t.Errorf("%s %s: %s", c.method, c.path, p.Detail)
		}
	}
	h.do(call{method: "PATCH", path: "/api/v1/auth/me", bearer: token.Token, body: map[string]any{"theme": "light"}}).want(t, 200)
}
