package authn_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func TestLogin(t *testing.T) {
	h := newHouse(t)
	signed := must(h.try(" Admin@Lormas.Local ", password, home))(t)
	actor := h.actor(signed.Access)
	if actor.Kind != fleet.ActorUser || actor.Name != email || !actor.CanAnywhere(fleet.NodeDelete) {
		t.Errorf("actor = %+v", actor)
	}
	if n := h.audited(fleet.AuthLogin, fleet.OutcomeOK); n != 1 {
		t.Errorf("%d audit entries, want 1", n)
	}
}

func TestLoginSaysNothingOfWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	_, wrong := h.try(email, "not the password", home)
	_, unknown := h.try("nobody@lormas.local", password, home)
	h.exec(`update users set disabled_at = now()`)
	_, disabled := h.try(email, password, home)
	wantKind(t, wrong, fleet.Unauthenticated)
	for _, err := range []error{unknown, disabled} {
		if err == nil || err.Error() != wrong.Error() || fleet.KindOf(err) != fleet.KindOf(wrong) {
			t.Errorf("%v, for a wrong password %v", err, wrong)
		}
	}
	if n := h.audited(fleet.AuthLogin, fleet.OutcomeDenied); n != 3 {
		t.Errorf("%d denied sign-ins in the audit trail, want 3", n)
	}
}

// How long an answer takes tells nothing, as the same is worked out whatever
// is wrong. It is the work that is compared: a clock would prove nothing here.
func TestEverySignInHashesAsMuch(t *testing.T) {
	h := newHouse(t)
	var work []argon2id.Params
	h.WatchHashing(func(p argon2id.Params) { work = append(work, p) })
	const other, invited = "disabled@lormas.local", "invited@lormas.local"
	add := `insert into users (id, email, password_hash, disabled_at) select $1, $2, case when $3 then password_hash else '' end, $4 from users where email = $5`
	h.exec(add, id.New[id.UserID](), other, true, h.clock(), email)
	h.exec(add, id.New[id.UserID](), invited, false, nil, email)
	tests := map[string]struct {
		email, password string
		good            bool
	}{
		"a right password":            {email, password, true},
		"a wrong password":            {email, "not the password", false},
		"no password":                 {email, "", false},
		"a long password":             {email, strings.Repeat("long", 64), false},
		"an unknown user":             {"nobody@lormas.local", password, false},
		"nothing at all":              {"", "", false},
		"a disabled user":             {other, password, false},
		"a disabled user, wrongly":    {other, "not the password", false},
		"a user without a password":   {invited, password, false},
		"a user without one, for one": {invited, "", false},
		"the password of the dummy":   {invited, "nobody's password", false},
	}
	for name, tt := range tests {
		work = nil
		_, err := h.try(tt.email, tt.password, home)
		if (err == nil) != tt.good || !tt.good && fleet.KindOf(err) != fleet.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(work, []argon2id.Params{authn.Hashing}) {
			t.Errorf("%s: hashed %+v, want once with %+v", name, work, authn.Hashing)
		}
	}
}

func TestDisabledUserIsOutAtOnce(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	h.exec(`update users set disabled_at = now()`)
	_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, signed.Access)
	wantKind(t, err, fleet.Unauthenticated)
	_, err = h.refresh(signed.Refresh)
	wantKind(t, err, fleet.Unauthenticated)
}

func TestThrottleStopsTheGuesserOnly(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		_, err := h.try(email, "guess", "203.0.113.9")
		wantKind(t, err, fleet.Unauthenticated)
	}
	_, err := h.try(email, password, "203.0.113.9")
	wantKind(t, err, fleet.TooMany)
	must(h.try(email, password, home))(t) // the owner is elsewhere
	_, err = h.try("other@lormas.local", "guess", "203.0.113.9")
	wantKind(t, err, fleet.Unauthenticated)
}

func TestSuccessForgivesEarlierAttempts(t *testing.T) {
	h := newHouse(t)
	for range 3 {
		for range 4 {
			_, err := h.try(email, "typo", home)
			wantKind(t, err, fleet.Unauthenticated)
		}
		h.login()
	}
}

func TestDefaultPasswordWorksOnTheMachineOnly(t *testing.T) {
	h := newHouse(t)
	h.exec(`delete from role_bindings`)
	h.exec(`delete from users`)
	seeded := must(authn.Seed(t.Context(), h.store, authn.SeedOptions{Dev: true}))(t)
	if !seeded.Created || seeded.Generated != "" {
		t.Fatalf("seeded = %+v", seeded)
	}
	_, err := h.try(email, authn.DefaultPassword, home)
	wantKind(t, err, fleet.Forbidden)
	_, nobody := h.try("nobody@lormas.local", authn.DefaultPassword, home)
	if nobody.Error() != err.Error() {
		t.Errorf("the answer tells whether it is the password: %v", nobody)
	}
	signed := must(h.Login(t.Context(), authn.Login{Email: email, Password: authn.DefaultPassword, Address: "127.0.0.1", Local: true}))(t)
	if !signed.User.MustChangePassword || !h.actor(signed.Access).MustChangePassword {
		t.Error("the default password need not be changed")
	}
	_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, "", signed.Access)
	wantKind(t, err, fleet.Forbidden)
}

func TestChangePassword(t *testing.T) {
	h := newHouse(t)
	h.exec(`update users set must_change_password = true`)
	kept, other := h.login(), h.login()
	actor, elsewhere := h.actor(kept.Access), h.actor(other.Access)
	for _, bad := range []string{"short", authn.DefaultPassword, "password123", "1234567890", "aaaaaaaaaaaa", email, password, "Administrator1!"} {
		wantKind(t, h.ChangePassword(t.Context(), actor, password, bad), fleet.Invalid)
	}
	wantKind(t, h.ChangePassword(t.Context(), actor, "not it", "a fine new password"), fleet.Invalid)
	if err := h.ChangePassword(t.Context(), actor, password, "a fine new password"); err != nil {
		t.Fatal(err)
	}
	if h.actor(kept.Access).MustChangePassword {
		t.Error("it must still be changed")
	}
	_, err := h.Authenticate(t.Context(), authn.Origin{Address: home}, other.Access)
	wantKind(t, err, fleet.Unauthenticated)
	if !h.wasKicked(uuid.UUID(elsewhere.SessionID)) || h.wasKicked(uuid.UUID(actor.SessionID)) {
		t.Errorf("kicked %v, want the other session only", h.kicked)
	}
	_, err = h.try(email, password, home)
	wantKind(t, err, fleet.Unauthenticated)
	must(h.try(email, "a fine new password", home))(t)
}

func TestGuessingThePresentPasswordIsThrottled(t *testing.T) {
	h := newHouse(t)
	actor := h.actor(h.login().Access)
	actor.Address = home
	for range 5 {
		wantKind(t, h.ChangePassword(t.Context(), actor, "guess", "a fine new password"), fleet.Invalid)
	}
	wantKind(t, h.ChangePassword(t.Context(), actor, password, "a fine new password"), fleet.TooMany)
}
