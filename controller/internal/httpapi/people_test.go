package httpapi

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
)

const client = "X-Lormas-Client"

// browser is a client that keeps cookies.
func (h *house) browser() *http.Client {
	h.t.Helper()
	return &http.Client{Jar: must(cookiejar.New(nil))(h.t)}
}

var credentials = map[string]string{"email": adminEmail, "password": adminPassword}

func TestASessionInABrowser(t *testing.T) {
	h := newHouse(t, houseOptions{})
	browser := h.browser()
	login := doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200)
	cookie := login.Cookies()[0]
	if cookie.Name != "lormas_refresh" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/api/v1/auth" || cookie.Secure {
		t.Errorf("cookie %v", cookie)
	}
	if strings.Contains(string(login.body), cookie.Value) {
		t.Error("the refresh token is in the body, where scripts can read it")
	}
	if login.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", login.Header.Get("Cache-Control"))
	}
	var signed signedBody
	for range 2 {
		doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/refresh", header: map[string]string{client: "test"}}).want(t, 200).into(t, &signed)
		h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: signed.AccessToken}).want(t, 200)
	}
	doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/logout", header: map[string]string{client: "test"}}).want(t, 204)
	if left := browser.Jar.Cookies(must(url.Parse(h.url + "/api/v1/auth"))(t)); len(left) > 0 {
		t.Errorf("cookies are left: %v", left)
	}
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: signed.AccessToken}).want(t, 401)
	doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/refresh", header: map[string]string{client: "test"}}).want(t, 401)
}

func TestAnotherSiteCannotUseTheCookie(t *testing.T) {
	h := newHouse(t, houseOptions{})
	browser := h.browser()
	doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200)
	for _, path := range []string{"/api/v1/auth/refresh", "/api/v1/auth/logout"} {
		doOver(t, browser, h.url, call{method: "POST", path: path}).want(t, 403).problem(t)
	}
	doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/refresh", header: map[string]string{client: "test"}}).want(t, 200)
	// what a page elsewhere would need to ask for, and does not get
	preflight := h.do(call{method: "OPTIONS", path: "/api/v1/auth/refresh", header: map[string]string{
		"Origin": "https://evil.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": client,
	}})
	if preflight.StatusCode < 400 || preflight.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight %d %v", preflight.StatusCode, preflight.Header)
	}
}

func TestCookieIsSecureBehindHTTPS(t *testing.T) {
	h := newHouse(t, houseOptions{change: func(d *Deps) { d.PublicURL = "https://lormas.example" }})
	login := h.do(call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200)
	if !login.Cookies()[0].Secure {
		t.Error("the cookie would travel in the clear")
	}
}

func TestAnswersDoNotTellWhoHasAnAccount(t *testing.T) {
	h := newHouse(t, houseOptions{})
	try := func(email string) Problem {
		p := h.do(call{method: "POST", path: "/api/v1/auth/login", body: map[string]string{"email": email, "password": "wrong"}}).
			want(t, 401).problem(t)
		p.RequestID = ""
		return p
	}
	if known, unknown := try(adminEmail), try("nobody@lormas.local"); known.Detail != unknown.Detail || known.Type != unknown.Type {
		t.Errorf("known: %+v, unknown: %+v", known, unknown)
	}
}

func TestThrottledLoginSaysWhenToComeBack(t *testing.T) {
	h := newHouse(t, houseOptions{})
	wrong := call{method: "POST", path: "/api/v1/auth/login", body: map[string]string{"email": adminEmail, "password": "wrong"}}
	for range 5 {
		h.do(wrong).want(t, 401)
	}
	got := h.do(wrong).want(t, 429)
	wait := must(strconv.Atoi(got.Header.Get("Retry-After")))(t)
	if p := got.problem(t); p.Type != problemPrefix+"too_many" || wait <= 0 || wait > 900 {
		t.Errorf("%+v, Retry-After %d", p, wait)
	}
}

func TestTokensOverHTTP(t *testing.T) {
	h := newHouse(t, houseOptions{})
	admin := h.admin()
	make := call{method: "POST", path: "/api/v1/auth/tokens", bearer: admin, body: map[string]any{"name": "ci", "permissions": []string{"container:*"}}}
	var made struct{ ID, Token string }
	h.do(make).want(t, 201).into(t, &made)
	listed := h.do(call{method: "GET", path: "/api/v1/auth/tokens", bearer: admin}).want(t, 200)
	if !strings.Contains(string(listed.body), made.ID) || strings.Contains(string(listed.body), made.Token) {
		t.Errorf("the list: %s", listed.body)
	}
	var me meBody
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: made.Token}).want(t, 200).into(t, &me)
	if me.Kind != fleet.ActorToken || len(me.Limit) != 1 || me.Limit[0] != "container.*" {
		t.Errorf("me = %+v", me)
	}
	// it can neither read beyond its limit nor make itself a stronger one
	make.bearer = made.Token
	h.do(make).want(t, 403)
	h.do(call{method: "GET", path: "/api/v1/audit", bearer: made.Token}).want(t, 403)
	h.do(call{method: "POST", path: "/api/v1/auth/password", bearer: made.Token, body: map[string]string{"currentPassword": adminPassword, "newPassword": "another fine one"}}).want(t, 403)
	revoke := call{method: "DELETE", path: "/api/v1/auth/tokens/" + made.ID, bearer: admin}
	h.do(revoke).want(t, 204)
	h.do(revoke).want(t, 404).problem(t)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: made.Token}).want(t, 401)
}

func TestAuditTrail(t *testing.T) {
	h := newHouse(t, houseOptions{})
	admin := h.admin()
	h.do(call{method: "GET", path: "/api/v1/audit", bearer: h.nobodyInParticular()}).want(t, 403)
	for range 4 {
		h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: admin, body: map[string]any{"name": "t", "permissions": []string{"*"}}}).want(t, 201)
	}
	read := func(query string) page[auditBody] {
		t.Helper()
		var got page[auditBody]
		h.do(call{method: "GET", path: "/api/v1/audit?" + query, bearer: admin}).want(t, 200).into(t, &got)
		return got
	}
	denied := read("outcome=denied").Items
	if len(denied) != 1 || denied[0].Verb != fleet.AuditView || denied[0].Actor.Name != "new@lormas.local" || denied[0].Address != "127.0.0.1" || denied[0].RequestID == "" {
		t.Errorf("denied: %+v", denied)
	}
	seen, cursor := map[string]bool{}, ""
	for range 2 {
		got := read("verb=token.create&limit=2&cursor=" + cursor)
		for _, e := range got.Items {
			seen[e.ID.String()] = true
		}
		cursor = got.NextCursor
	}
	if len(seen) != 4 || cursor != "" {
		t.Errorf("%d entries on two pages of 2, then cursor %q; want 4 and the end", len(seen), cursor)
	}
	if none := read("until=2020-01-01T00:00:00Z").Items; none == nil || len(none) != 0 {
		t.Errorf("before our time: %v, want []", none)
	}
	target := read("verb=token.create&limit=1").Items[0].Target
	if got := read("target=" + target.ID).Items; len(got) != 1 {
		t.Errorf("%d entries of one target", len(got))
	}
	for _, bad := range []string{"cursor=x", "limit=201", "actor=me", "since=yesterday", "outcome=maybe", "' or true --=1"} {
		h.do(call{method: "GET", path: "/api/v1/audit?" + url.PathEscape(bad), bearer: admin}).want(t, 422).problem(t)
	}
}

// What must stay secret is in no log line, no audit entry and no answer but
// the one that hands it out.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	h := newHouse(t, houseOptions{})
	login := h.do(call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200)
	var signed signedBody
	login.into(t, &signed)
	var made struct{ Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens?", bearer: signed.AccessToken, body: map[string]any{"name": "ci", "permissions": []string{"*"}}}).into(t, &made)
	h.do(call{method: "GET", path: "/api/v1/auth/me?token=" + made.Token, bearer: made.Token}).want(t, 422)
	h.do(call{method: "GET", path: "/nowhere?password=" + adminPassword[:7]})
	h.do(call{method: "POST", path: "/api/v1/auth/login", body: map[string]string{"email": adminPassword, "password": "planted-guess"}}).want(t, 401)

	var hash string
	if err := h.sql.QueryRow(t.Context(), `select password_hash from users limit 1`).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	var trail string
	if err := h.sql.QueryRow(t.Context(), `select coalesce(string_agg(a::text, ' '), '') from audit_log a`).Scan(&trail); err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, path := range []string{"/api/v1/auth/me", "/api/v1/auth/tokens", "/api/v1/audit", "/metrics", "/readyz"} {
		shown += string(h.do(call{method: "GET", path: path, bearer: signed.AccessToken}).want(t, 200).body)
	}
	secrets := map[string]string{
		"password": adminPassword, "part of a query": "password=" + adminPassword[:7], "guess": "planted-guess", "hash": hash, "argon2": "argon2",
		"access token": signed.AccessToken, "api token": made.Token, "refresh token": login.Cookies()[0].Value,
	}
	for what, secret := range secrets {
		for where, text := range map[string]string{"log": h.log.String(), "audit trail": trail, "answers": shown} {
			if strings.Contains(text, secret) {
				t.Errorf("the %s is in the %s", what, where)
			}
		}
	}
}
