package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

// A one-time link, from the administrator who makes it to the user who signs
// in with the password that he set.
func TestAOneTimeLinkSetsThePasswordOnce(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	admin := h.admin()
	var jane shownUser
	h.do(call{method: "POST", path: "/api/v1/users", bearer: admin, body: map[string]any{"email": "jane@example.org"}}).want(t, http.StatusCreated).into(t, &jane)
	first := secretOf(t, jane.PasswordReset.Link)
	set := func(token, password string) answer {
		return h.do(call{method: "POST", path: "/api/v1/auth/password-reset", body: map[string]string{"token": token, "newPassword": password}})
	}
	login := func(password string) answer {
		return h.do(call{method: "POST", path: "/api/v1/auth/login", body: map[string]string{"email": "jane@example.org", "password": password}})
	}
	set(first, "short").want(t, http.StatusUnprocessableEntity) // and the link is still good
	set(first, anyPassword).want(t, http.StatusNoContent)
	set(first, anyPassword+"!").want(t, http.StatusUnauthorized)
	var signed signedBody
	login(anyPassword).want(t, http.StatusOK).into(t, &signed)
	if signed.User.MustChangePassword {
		t.Error("a password that he chose himself has to be changed")
	}

	var link linkBody
	again := call{method: "POST", path: "/api/v1/users/" + jane.ID.String() + "/password-reset", bearer: admin}
	h.do(again).want(t, http.StatusCreated).into(t, &link)
	older := secretOf(t, link.Link)
	h.do(again).want(t, http.StatusCreated).into(t, &link)
	set(older, anyPassword+" 2").want(t, http.StatusUnauthorized)
	login(anyPassword).want(t, http.StatusOK) // the old one works until then
	set(secretOf(t, link.Link), anyPassword+" 2").want(t, http.StatusNoContent)
	h.do(call{method: "GET", path: "/api/v1/auth/me", bearer: signed.AccessToken}).want(t, http.StatusUnauthorized)
	login(anyPassword).want(t, http.StatusUnauthorized)
	login(anyPassword+" 2").want(t, http.StatusOK)

	h.do(again).want(t, http.StatusCreated).into(t, &link)
	h.exec(`update password_resets set expires_at = now() where used_at is null`)
	set(secretOf(t, link.Link), anyPassword+" 3").want(t, http.StatusUnauthorized)
	h.do(again).want(t, http.StatusCreated).into(t, &link)
	h.do(call{method: "POST", path: "/api/v1/users/" + jane.ID.String() + "/disable", bearer: admin}).want(t, http.StatusOK)
	set(secretOf(t, link.Link), anyPassword+" 3").want(t, http.StatusUnauthorized)
	if n := h.count(`select count(*) from audit_log where verb = 'auth.password.reset' and actor_name = 'jane@example.org'`); n != 2 {
		t.Errorf("%d entries in the audit trail, want 2", n)
	}
}

func TestGuessingLinksIsThrottled(t *testing.T) {
	h := newHouse(t, houseOptions{change: withFleet(views{})})
	guess := call{method: "POST", path: "/api/v1/auth/password-reset", body: map[string]string{"token": strings.Repeat("0", 64), "newPassword": anyPassword}}
	for range 5 {
		h.do(guess).want(t, http.StatusUnauthorized)
	}
	h.do(guess).want(t, http.StatusTooManyRequests)
}

func secretOf(t *testing.T, link string) string {
	t.Helper()
	_, secret, ok := strings.Cut(link, "/reset#token=")
	if !ok {
		t.Fatalf("%q is no link", link)
	}
	return secret
}
