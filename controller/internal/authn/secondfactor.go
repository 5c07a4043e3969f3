package authn

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

var (
	// errAsked is said only after the right password.
	errAsked     = fleet.Errorf(fleet.TOTPRequired, "this account has a second factor: send the code that your app shows as well, or a recovery code")
	errWrongCode = fleet.Errorf(fleet.Unauthenticated, "the code is not right, or was used before: wait for the next one, or use a recovery code")

	// errCode is errWrongCode for somebody who is signed in.
	errCode = fleet.InvalidFields(spec.Fault{Field: "code", Message: "this code is not right, or was used before: wait for the next one"})

	errNoFactor = fleet.Errorf(fleet.NotFound, "you have no second factor: add one with POST /api/v1/auth/totp")
)

// NewFactor is a second factor that waits for its first code, shown once.
type NewFactor struct {
	Secret string
	URI    string // otpauth://, for a QR code
}

// BeginTOTP makes the seed of a second factor. It is not asked for until its
// owner has shown a code of it; begun again, only the newest counts.
func (s *Service) BeginTOTP(ctx context.Context, actor authz.Actor, password string) (NewFactor, error) {
	user, err := s.provePassword(ctx, actor, password)
	if err != nil {
		return NewFactor{}, err
	}
	secret, uri, err := newSeed(user.Email)
	if err != nil {
		return NewFactor{}, err
	}
	entry := ownEntry(actor, fleet.AuthTOTPEnable)
	entry.Detail = map[string]any{"confirmed": false}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		sealed, err := tx.Seal(ctx, store.TOTPOf(user.ID), secret)
		if err != nil {
			return err
		}
		if err := tx.BeginTOTP(ctx, user.ID, sealed); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return NewFactor{}, fmt.Errorf("begin second factor: %w", err)
	}
	return NewFactor{secret, uri}, nil
}

// ConfirmTOTP puts a second factor to use with its first code, and answers
// the recovery codes. The actor's other sessions end, as they began with a
// password only; his API tokens stay.
func (s *Service) ConfirmTOTP(ctx context.Context, actor authz.Actor, typed string) ([]string, error) {
	factor, err := s.Store.SecondFactor(ctx, actor.UserID)
	if err != nil {
		return nil, err
	}
	if factor.Sealed == "" {
		return nil, fleet.Errorf(fleet.Conflict, "no second factor was begun: begin with POST /api/v1/auth/totp")
	}
	step, err := s.checkTOTP(ctx, actor.UserID, factor, plainCode(typed))
	if err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	entry := ownEntry(actor, fleet.AuthTOTPEnable)
	entry.Detail = map[string]any{"confirmed": true}
	var ended []id.SessionID
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if err = tx.ConfirmTOTP(ctx, actor.UserID, factor.Sealed, step, s.Now()); err != nil {
			return err
		}
		if err = tx.PutRecoveryCodes(ctx, actor.UserID, hashes); err != nil {
			return err
		}
		if ended, err = tx.RevokeOtherSessions(ctx, actor.UserID, actor.SessionID, "second factor added"); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return nil, fmt.Errorf("confirm second factor: %w", err)
	}
	s.throttle.codeWasRight(ctx, actor.UserID)
	s.kickAll(ended)
	return codes, nil
}

// RenewRecoveryCodes replaces the actor's recovery codes: those before are
// worth nothing from then on. His sessions stay.
func (s *Service) RenewRecoveryCodes(ctx context.Context, actor authz.Actor, password, code string) ([]string, error) {
	codes, hashes := newRecoveryCodes()
	err := s.changeFactor(ctx, actor, proof{password, code}, fleet.AuthTOTPCodes, func(tx *store.Tx) error {
		return tx.PutRecoveryCodes(ctx, actor.UserID, hashes)
	})
	if err != nil {
		return nil, fmt.Errorf("renew recovery codes: %w", err)
	}
	return codes, nil
}

// DisableTOTP takes the second factor from the actor's account, with its
// recovery codes. His sessions stay: each of them began with more than the
// next one needs.
func (s *Service) DisableTOTP(ctx context.Context, actor authz.Actor, password, code string) error {
	err := s.changeFactor(ctx, actor, proof{password, code}, fleet.AuthTOTPDisable, func(tx *store.Tx) error {
		return tx.DropTOTP(ctx, actor.UserID)
	})
	if err != nil {
		return fmt.Errorf("take away second factor: %w", err)
	}
	return nil
}

// proof is what a session that somebody left open does not have.
type proof struct{ password, code string }

// changeFactor does something to a second factor in use, for who proves that
// it is his.
func (s *Service) changeFactor(ctx context.Context, actor authz.Actor, in proof, v fleet.Verb, change func(*store.Tx) error) error {
	user, err := s.provePassword(ctx, actor, in.password)
	if err != nil {
		return err
	}
	if user.TOTPSince == nil {
		return errNoFactor
	}
	use, err := s.proveFactor(ctx, user.ID, in.code)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := use(tx); err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, ownEntry(actor, v))
	})
	if err == nil {
		s.throttle.codeWasRight(ctx, user.ID)
	}
	return err
}

// useCode uses a code up, in the transaction of what it is good for: errCode
// where somebody else was faster.
type useCode func(*store.Tx) error

func noCode(*store.Tx) error { return nil }

// proveFactor checks a code of the second factor. Recovery codes are not held
// against the cap: nobody guesses one, and they are the owner's way in while
// somebody who has his password guesses at the other.
func (s *Service) proveFactor(ctx context.Context, user id.UserID, typed string) (useCode, error) {
	code := plainCode(typed)
	if !isTOTP(code) {
		return func(tx *store.Tx) error {
			return orWrong(tx.UseRecoveryCode(ctx, user, hashSecret(code), s.Now()))
		}, nil
	}
	factor, err := s.Store.SecondFactor(ctx, user)
	if err != nil {
		return nil, err
	}
	step, err := s.checkTOTP(ctx, user, factor, code)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error { return orWrong(tx.UseStep(ctx, user, step)) }, nil
}

func orWrong(used bool, err error) error {
	if err == nil && !used {
		return errCode
	}
	return err
}

// checkTOTP says which step a code is of. That nobody used it is not known
// before it is used up.
func (s *Service) checkTOTP(ctx context.Context, user id.UserID, f store.SecondFactor, code string) (int64, error) {
	if err := s.throttle.code(ctx, user); err != nil {
		return 0, err
	}
	seed, err := s.Store.Unseal(store.TOTPOf(user), f.Sealed)
	if err != nil {
		return 0, fmt.Errorf("open second factor: %w", err)
	}
	step, ok := stepOf(seed, code, s.Now())
	if !ok {
		return 0, errCode
	}
	return step, nil
}
