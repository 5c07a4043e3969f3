package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// A second factor, from its seed until an administrator takes it away.
func TestASecondFactorFromBeginningToEnd(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin, jane := h.admin(), h.person("jane@example.org", "node.view")
	ask := func(method, path string, body map[string]string) answer {
		return h.do(call{method: method, path: "/api/v1/auth" + path, bearer: jane.bearer, body: body})
	}
	login := func(code string) answer {
		body := map[string]string{"email": "jane@example.org", "password": adminPassword, "code": code}
		if code == "" {
			delete(body, "code")
		}
		return h.do(call{method: "POST", path: "/api/v1/auth/login", body: body})
	}
	me := func() (on bool, left int) {
		var body meBody
		ask("GET", "/me", nil).want(t, http.StatusOK).into(t, &body)
		return body.User.TOTP, body.RecoveryCodes
	}
	var token struct{ Token string }
	h.do(call{method: "POST", path: "/api/v1/auth/tokens", bearer: jane.bearer, body: map[string]any{"name": "ci", "permissions": []string{"node.view"}}}).want(t, http.StatusCreated).into(t, &token)
	h.do(call{method: "POST", path: "/api/v1/auth/totp", bearer: token.Token, body: map[string]string{"currentPassword": adminPassword}}).want(t, http.StatusForbidden)

	var begun seedBody
	ask("POST", "/totp", map[string]string{"currentPassword": adminPassword}).want(t, http.StatusOK).into(t, &begun)
	login("").want(t, http.StatusOK) // not confirmed
	code := must(totp.GenerateCode(begun.Secret, time.Now()))(t)
	var codes recoveryCodesBody
	ask("POST", "/totp/confirm", map[string]string{"code": code}).want(t, http.StatusOK).into(t, &codes)
	if on, left := me(); !on || left != 10 {
		t.Errorf("on %v, %d recovery codes left", on, left)
	}
	if p := login("").want(t, http.StatusUnauthorized).problem(t); p.Type != problemPrefix+"totp_required" {
		t.Errorf("%+v", p)
	}
	if p := login(code).want(t, http.StatusUnauthorized).problem(t); p.Type != problemPrefix+"unauthenticated" {
		t.Errorf("%+v", p)
	}
	login(codes.RecoveryCodes[0]).want(t, http.StatusOK)
	if _, left := me(); left != 9 {
		t.Errorf("%d recovery codes left, want 9", left)
	}
	proof := map[string]string{"currentPassword": adminPassword, "code": codes.RecoveryCodes[0]}
	ask("DELETE", "/totp", proof).want(t, http.StatusUnprocessableEntity)
	proof["code"] = codes.RecoveryCodes[1]
	ask("POST", "/totp/recovery-codes", proof).want(t, http.StatusOK).into(t, &codes)
	h.do(call{method: "DELETE", path: "/api/v1/users/" + jane.id + "/totp", bearer: admin}).want(t, http.StatusNoContent)
	if on, left := me(); on || left != 0 {
		t.Errorf("on %v, %d recovery codes left", on, left)
	}
	login("").want(t, http.StatusOK)
}
