package authn

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Account is the actor's own.
type Account struct {
	User          fleet.User
	RecoveryCodes int // that are left of his second factor
}

// Account shows the actor's own account.
func (s *Service) Account(ctx context.Context, actor authz.Actor) (Account, error) {
	user, _, err := s.Store.UserByID(ctx, actor.UserID)
	if err != nil || user.TOTPSince == nil {
		return Account{User: user}, err
	}
	factor, err := s.Store.SecondFactor(ctx, user.ID)
	return Account{User: user, RecoveryCodes: factor.Codes}, err
}

// AccountEdit is what EditAccount changes; nil leaves a thing as it is.
type AccountEdit struct {
	Name     *string
	Theme    *fleet.Theme
	TimeZone *string
	Email    *string
	Password string // the present one, which a new address needs

	Generation *int64 // If-Match
}

// EditAccount changes the actor's own profile and settings. A new address is
// what he signs in with from then on, so that needs more than a session.
func (s *Service) EditAccount(ctx context.Context, actor authz.Actor, in AccountEdit) (fleet.User, error) {
	if in.Email != nil {
		if err := inPerson(actor, "change the e-mail address"); err != nil {
			return fleet.User{}, err
		}
		if _, err := s.provePassword(ctx, actor, in.Password); err != nil {
			return fleet.User{}, err
		}
	}
	var user fleet.User
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if user, err = tx.LockUser(ctx, actor.UserID); err != nil {
			return err
		}
		if err = fleet.IfMatch(in.Generation, user.Generation, "account"); err != nil {
			return err
		}
		before := user
		in.apply(&user)
		if faults := user.Faults(); len(faults) > 0 {
			return fleet.InvalidFields(faults...)
		}
		user.Generation++
		user.UpdatedAt = s.Now().UTC().Truncate(time.Microsecond) // as Postgres keeps it
		if err = tx.UpdateUser(ctx, user); err != nil {
			return err
		}
		if err = tx.PutSettings(ctx, user); err != nil {
			return err
		}
		entry := ownEntry(actor, fleet.AuthEdit)
		entry.Edited(profile(before), profile(user))
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return fleet.User{}, fmt.Errorf("change account: %w", err)
	}
	return user, nil
}

func (in AccountEdit) apply(u *fleet.User) {
	if in.Name != nil {
		u.Name = strings.TrimSpace(*in.Name)
	}
	if in.Email != nil {
		u.Email = strings.ToLower(strings.TrimSpace(*in.Email))
	}
	if in.Theme != nil {
		u.Settings.Theme = *in.Theme
	}
	if in.TimeZone != nil {
		u.Settings.TimeZone = *in.TimeZone
	}
}

// profile is what the audit trail keeps of a user.
func profile(u fleet.User) map[string]any {
	return map[string]any{"email": u.Email, "name": u.Name, "theme": u.Settings.Theme, "timeZone": u.Settings.TimeZone}
}

// ownEntry begins the audit entry of what somebody does to his own account.
func ownEntry(actor authz.Actor, v fleet.Verb) fleet.AuditEntry {
	entry := actor.Entry(v)
	entry.TargetKind, entry.TargetID, entry.TargetName = "user", uuid.UUID(actor.UserID), actor.Name
	return entry
}

// inPerson refuses an API token where only its owner will do.
func inPerson(actor authz.Actor, what string) error {
	if actor.Kind == fleet.ActorUser {
		return nil
	}
	return fleet.Errorf(fleet.Forbidden, "an API token cannot %s: sign in with the password", what)
}

// provePassword asks for the actor's password once more, where a session that
// somebody left open must not be enough. It is throttled like a sign-in.
func (s *Service) provePassword(ctx context.Context, actor authz.Actor, password string) (fleet.User, error) {
	user, hash, err := s.Store.UserByID(ctx, actor.UserID)
	if err != nil {
		return user, err
	}
	if err := s.throttle.attempt(ctx, user.Email, actor.Address); err != nil {
		return user, err
	}
	ok, err := s.hasher.matches(ctx, password, hash)
	if err != nil {
		return user, fmt.Errorf("check password: %w", err)
	}
	if !ok {
		return user, fleet.InvalidFields(spec.Fault{Field: "currentPassword", Message: "this is not your present password"})
	}
	s.throttle.succeeded(ctx, user.Email, actor.Address)
	return user, nil
}

// Sessions lists where the actor is signed in.
func (s *Service) Sessions(ctx context.Context, actor authz.Actor, page store.Page) ([]fleet.Session, string, error) {
	return s.Store.Sessions(ctx, actor.UserID, s.Now(), page)
}

// RevokeSession ends one of the actor's own sessions; it may be the one he is
// in.
func (s *Service) RevokeSession(ctx context.Context, actor authz.Actor, session id.SessionID) error {
	entry := ownEntry(actor, fleet.AuthSessionRevoke)
	entry.TargetKind, entry.TargetID = "session", uuid.UUID(session)
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeSessionOf(ctx, actor.UserID, session, "revoked"); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	s.Kick(uuid.UUID(session))
	return nil
}

// RevokeOtherSessions ends all of the actor's sessions but the one he is in.
func (s *Service) RevokeOtherSessions(ctx context.Context, actor authz.Actor) error {
	var ended []id.SessionID
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if ended, err = tx.RevokeOtherSessions(ctx, actor.UserID, actor.SessionID, "revoked"); err != nil {
			return err
		}
		entry := ownEntry(actor, fleet.AuthSessionRevoke)
		entry.Detail = map[string]any{"sessions": len(ended)}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return fmt.Errorf("revoke sessions: %w", err)
	}
	s.kickAll(ended)
	return nil
}

func (s *Service) kickAll(sessions []id.SessionID) {
	for _, session := range sessions {
		s.Kick(uuid.UUID(session))
	}
}
