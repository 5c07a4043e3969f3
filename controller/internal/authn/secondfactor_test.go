package authn_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// factor is a second factor as its owner has it.
type factor struct {
	*house
	seed  string
	codes []string
}

// code is what his app shows so many steps from now.
func (f *factor) code(steps int) string {
	f.t.Helper()
	return must(totp.GenerateCode(f.seed, f.clock().Add(time.Duration(steps)*30*time.Second)))(f.t)
}

func (f *factor) tryCode(code string) error {
	_, err := f.Login(f.t.Context(), authn.Login{Email: email, Password: password, Code: code, Address: home})
	return err
}

// withFactor gives the superuser a second factor.
func withFactor(h *house) *factor {
	h.t.Helper()
	f := &factor{house: h}
	actor := h.actor(h.login().Access)
	begun := must(h.BeginTOTP(h.t.Context(), actor, password))(h.t)
	f.seed = begun.Secret
	f.codes = must(h.ConfirmTOTP(h.t.Context(), actor, f.code(0)))(h.t)
	h.pass(time.Minute) // that code is used up
	return f
}

// wrong is a code that is none of those that are near.
func (f *factor) wrong() string {
	for n := range 10 {
		guess := strings.Repeat(fmt.Sprint(n), 6)
		if !slices.Contains([]string{f.code(-2), f.code(-1), f.code(0), f.code(1), f.code(2)}, guess) {
			return guess
		}
	}
	panic("five codes are no ten codes")
}

func TestASecondFactorIsAskedForOnceItIsConfirmed(t *testing.T) {
	h := newHouse(t)
	kept, other := h.login(), h.login()
	actor, elsewhere := h.actor(kept.Access), h.actor(other.Access)
	_, err := h.ConfirmTOTP(t.Context(), actor, "123456")
	wantKind(t, err, fleet.Conflict) // none was begun
	_, err = h.BeginTOTP(t.Context(), actor, "not it")
	wantKind(t, err, fleet.Invalid)
	older := must(h.BeginTOTP(t.Context(), actor, password))(t)
	begun := must(h.BeginTOTP(t.Context(), actor, password))(t)
	if uri := must(url.Parse(begun.URI))(t); uri.Scheme != "otpauth" || uri.Query().Get("secret") != begun.Secret || uri.Path != "/Lormas:"+email {
		t.Errorf("uri = %s", uri)
	}
	h.login() // it is not asked for yet
	_, err = h.ConfirmTOTP(t.Context(), actor, (&factor{house: h, seed: older.Secret}).code(0))
	wantKind(t, err, fleet.Invalid)

	f := &factor{house: h, seed: begun.Secret}
	f.codes = must(h.ConfirmTOTP(t.Context(), actor, f.code(0)))(t)
	if len(f.codes) != 10 || h.accountCodes(kept) != 10 {
		t.Errorf("recovery codes: %v", f.codes)
	}
	if !h.wasKicked(uuid.UUID(elsewhere.SessionID)) || h.wasKicked(uuid.UUID(actor.SessionID)) {
		t.Errorf("kicked %v, want the other sessions only", h.kicked)
	}
	_, err = h.BeginTOTP(t.Context(), actor, password)
	wantKind(t, err, fleet.Conflict)
	wantKind(t, f.tryCode(""), fleet.TOTPRequired)
	wantKind(t, f.tryCode(f.code(0)), fleet.Unauthenticated) // confirmed with it
	_, err = h.Login(t.Context(), authn.Login{Email: email, Password: "not it", Code: f.code(1), Address: home})
	wantKind(t, err, fleet.Unauthenticated)
	_, err = h.try(email, "not it", home) // says nothing of the factor
	wantKind(t, err, fleet.Unauthenticated)
	_, err = h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, email, password)
	wantKind(t, err, fleet.Unauthenticated) // the broker takes no passwords
	if n := h.audited(fleet.AuthTOTPEnable, fleet.OutcomeOK); n != 3 {
		t.Errorf("%d audit entries, want 3", n)
	}
}

// accountCodes is how many recovery codes /auth/me tells of.
func (h *house) accountCodes(signed authn.Signed) int {
	h.t.Helper()
	return must(h.Account(h.t.Context(), h.actor(signed.Access)))(h.t).RecoveryCodes
}

func TestACodeIsGoodOnceAndForAStepAround(t *testing.T) {
	f := withFactor(newHouse(t))
	wantKind(t, f.tryCode(f.code(-2)), fleet.Unauthenticated)
	wantKind(t, f.tryCode(f.code(2)), fleet.Unauthenticated)
	for _, steps := range []int{-1, 0, 1} {
		code := f.code(steps)
		if err := f.tryCode(code[:3] + " " + code[3:]); err != nil {
			t.Errorf("%d steps from now: %v", steps, err)
		}
		wantKind(t, f.tryCode(code), fleet.Unauthenticated) // replayed
	}
	wantKind(t, f.tryCode(f.code(0)), fleet.Unauthenticated) // older than the last
	if n := f.audited(fleet.AuthLogin, fleet.OutcomeDenied); n != 6 {
		t.Errorf("%d denied sign-ins in the audit trail, want 6", n)
	}
}

func TestWrongCodesAreCappedAndRecoveryCodesAreTheWayIn(t *testing.T) {
	f := withFactor(newHouse(t))
	for range 10 {
		wantKind(t, f.tryCode(f.wrong()), fleet.Unauthenticated)
	}
	wantKind(t, f.tryCode(f.code(0)), fleet.TooMany)
	if err := f.tryCode(strings.ToLower(f.codes[3])); err != nil {
		t.Errorf("the owner is locked out: %v", err)
	}
	wantKind(t, f.tryCode(f.codes[3]), fleet.Unauthenticated)
	if err := f.tryCode(f.code(0)); err != nil { // the owner was here: forgiven
		t.Error(err)
	}
}

func TestTwoAtOnceUseACodeOnce(t *testing.T) {
	f := withFactor(newHouse(t))
	for _, code := range []string{f.codes[0], f.code(0)} {
		const many = 4
		var all sync.WaitGroup
		errs := make([]error, many)
		for i := range many {
			all.Go(func() { errs[i] = f.tryCode(code) })
		}
		all.Wait()
		in := 0
		for _, err := range errs {
			if err == nil {
				in++
				continue
			}
			wantKind(t, err, fleet.Unauthenticated)
		}
		if in != 1 {
			t.Errorf("%s let %d in, want 1: %v", code, in, errs)
		}
	}
}

func TestASecondFactorIsTakenAwayByItsOwner(t *testing.T) {
	h := newHouse(t)
	signed := h.login()
	wantKind(t, h.DisableTOTP(t.Context(), h.actor(signed.Access), password, "123456"), fleet.NotFound)
	f := withFactor(h)
	signed = must(h.Login(t.Context(), authn.Login{Email: email, Password: password, Code: f.codes[0], Address: home}))(t)
	actor := h.actor(signed.Access)
	_, err := h.RenewRecoveryCodes(t.Context(), actor, password, f.wrong())
	wantKind(t, err, fleet.Invalid)
	_, err = h.RenewRecoveryCodes(t.Context(), actor, "not it", f.code(0))
	wantKind(t, err, fleet.Invalid)
	renewed := must(h.RenewRecoveryCodes(t.Context(), actor, password, f.code(0)))(t)
	if n := h.accountCodes(signed); n != 10 || len(renewed) != 10 {
		t.Errorf("%d recovery codes, want 10", n)
	}
	wantKind(t, f.tryCode(f.codes[1]), fleet.Unauthenticated) // of those before
	wantKind(t, h.DisableTOTP(t.Context(), actor, password, f.code(0)), fleet.Invalid)
	wantKind(t, h.DisableTOTP(t.Context(), actor, "not it", renewed[0]), fleet.Invalid)
	if err := h.DisableTOTP(t.Context(), actor, password, renewed[0]); err != nil {
		t.Fatal(err)
	}
	h.login()
	h.actor(signed.Access) // his sessions stay
	for v, want := range map[fleet.Verb]int{fleet.AuthTOTPCodes: 1, fleet.AuthTOTPDisable: 1} {
		if n := h.audited(v, fleet.OutcomeOK); n != want {
			t.Errorf("%s: %d audit entries, want %d", v, n, want)
		}
	}
}
