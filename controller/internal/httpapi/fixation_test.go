package httpapi

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/shared/id"
)

// Whoever plants the cookie of a session of his own in somebody's browser
// neither gets into what that person starts by signing in, nor keeps him in
// his.
func TestAPlantedCookieIsNotUsedAfterSigningIn(t *testing.T) {
	h := newHouse(t, houseOptions{})
	h.nobodyInParticular()
	planted, err := h.Auth.Login(t.Context(), authn.Login{Email: "new@lormas.local", Password: adminPassword})
	if err != nil {
		t.Fatal(err)
	}
	for name, cookie := range map[string]string{"of a session": planted.Refresh, "of no session": "AAAA" + planted.Refresh[4:], "of nonsense": "planted"} {
		browser := h.browser()
		at := must(url.Parse(h.url + "/api/v1/auth/login"))(t)
		browser.Jar.SetCookies(at, []*http.Cookie{{Name: refreshCookie, Value: cookie, Path: refreshPath}})
		var signed signedBody
		doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200).into(t, &signed)
		left := browser.Jar.Cookies(at)
		if len(left) != 1 || left[0].Value == cookie {
			t.Errorf("%s: the browser has %v", name, left)
		}
		doOver(t, browser, h.url, call{method: "POST", path: "/api/v1/auth/refresh", header: map[string]string{client: "test"}}).want(t, 200).into(t, &signed)
		if signed.User.Email != adminEmail {
			t.Errorf("%s: after signing in it is %s", name, signed.User.Email)
		}
	}
	next, err := h.Auth.Refresh(t.Context(), authn.Origin{}, planted.Refresh)
	if err != nil || next.User.Email != "new@lormas.local" {
		t.Errorf("who planted it is %s: %v", next.User.Email, err)
	}
}

// A cookie for a longer path comes before ours.
func TestTwoRefreshCookiesAreRefused(t *testing.T) {
	h := newHouse(t, houseOptions{})
	cookie := func() string {
		return refreshCookie + "=" + h.do(call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200).Cookies()[0].Value
	}
	ours, planted := cookie(), cookie()
	for _, path := range []string{"/api/v1/auth/refresh", "/api/v1/auth/logout"} {
		for _, both := range []string{planted + "; " + ours, ours + "; " + planted, ours + "; a=b; " + ours} {
			h.do(call{method: "POST", path: path, header: map[string]string{client: "test", "Cookie": both}}).want(t, 401).problem(t)
		}
	}
	h.do(call{method: "POST", path: "/api/v1/auth/refresh", header: map[string]string{client: "test", "Cookie": "theme=dark; " + ours}}).want(t, 200)
}

// Every sign-in is a session of its own, and a family of refresh tokens of its
// own: what ends one leaves the other alone.
func TestEverySignInIsANewSession(t *testing.T) {
	h := newHouse(t, houseOptions{})
	sessions := map[id.SessionID]bool{}
	cookies := map[string]bool{}
	var kept, last authn.Signed
	for range 3 {
		kept, last = last, must(h.Auth.Login(t.Context(), authn.Login{Email: adminEmail, Password: adminPassword}))(t)
		actor := must(h.Auth.Authenticate(t.Context(), authn.Origin{}, last.Access))(t)
		sessions[actor.SessionID], cookies[last.Refresh] = true, true
	}
	if len(sessions) != 3 || len(cookies) != 3 {
		t.Errorf("%d sessions and %d cookies of 3", len(sessions), len(cookies))
	}
	must(h.Auth.Refresh(t.Context(), authn.Origin{}, last.Refresh))(t)
	h.exec(`update sessions set rotated_at = rotated_at - interval '1 minute'`)
	if _, err := h.Auth.Refresh(t.Context(), authn.Origin{}, last.Refresh); err == nil {
		t.Error("a refresh token is good twice")
	}
	must(h.Auth.Refresh(t.Context(), authn.Origin{}, kept.Refresh))(t)
}

// The cookie proves nothing but to the two routes that ask for a header with
// it: another site that has a browser send it gets what a stranger gets.
func TestTheCookieAloneOpensNothing(t *testing.T) {
	h := newHouse(t, houseOptions{change: withBroker})
	cookie := h.do(call{method: "POST", path: "/api/v1/auth/login", body: credentials}).want(t, 200).Cookies()[0]
	tried := 0
	for _, route := range routesOf(t, h) {
		if route.Access == authz.Public {
			continue
		}
		tried++
		c := route.call("")
		c.header["Cookie"], c.header[client], c.header["Idempotency-Key"] = cookie.Name+"="+cookie.Value, "test", uuid.NewString()
		h.do(c).want(t, http.StatusUnauthorized)
	}
	if tried < 50 {
		t.Errorf("only %d routes were tried", tried)
	}
}
