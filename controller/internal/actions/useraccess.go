package actions

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// linkLife is how long a one-time link is good.
const linkLife = 24 * time.Hour

// Link is a one-time link with which a user sets his password. It is in the
// answer that makes it and nowhere else.
type Link struct {
	URL       string
	ExpiresAt time.Time
}

// ResetPassword makes a one-time link for a user, which ends the ones before.
// His password stays as it is until he uses it. key is the request's
// Idempotency-Key.
func (s *Service) ResetPassword(ctx context.Context, actor authz.Actor, user id.UserID, key string) (Link, error) {
	o, err := s.once(actor, fleet.UserPasswordReset, key, user)
	if err != nil {
		return Link{}, err
	}
	var made *Link
	_, err = s.changeUser(ctx, actor, fleet.UserPasswordReset, user, func(tx *store.Tx, u *fleet.User, e *fleet.AuditEntry) (err error) {
		var until time.Time
		if done, err := tx.Recall(ctx, o, &until); err != nil {
			return err
		} else if done {
			return fleet.Errorf(fleet.Conflict, "this request has made a link for %s before, good until %s, and a link is shown only once: if you do not have it, ask with a new Idempotency-Key for a new one, which ends it",
				u.Email, until.Format(time.RFC3339))
		}
		if u.DisabledAt != nil {
			return fleet.Errorf(fleet.Conflict, "%s is disabled, so a new password would be of no use: enable the user first", u.Email)
		}
		if made, err = s.link(ctx, tx, actor, *u); err != nil {
			return err
		}
		e.Detail = map[string]any{"expiresAt": made.ExpiresAt}
		return tx.Remember(ctx, o, made.ExpiresAt)
	})
	if err != nil {
		return Link{}, err
	}
	return *made, nil
}

// link makes a one-time link. The secret stands behind the #, which browsers
// keep to themselves: it is in no log of a server or proxy.
func (s *Service) link(ctx context.Context, tx *store.Tx, actor authz.Actor, u fleet.User) (*Link, error) {
	now := s.now()
	secret, hash := s.Passwords.ResetSecret()
	reset := fleet.Reset{ID: id.New[id.ResetID](), UserID: u.ID, CreatedBy: requester(actor), CreatedAt: now, ExpiresAt: now.Add(linkLife)}
	if err := tx.InsertReset(ctx, reset, hash); err != nil {
		return nil, err
	}
	return &Link{URL: strings.TrimSuffix(s.PublicURL, "/") + "/reset#token=" + secret, ExpiresAt: reset.ExpiresAt}, nil
}

// DisableTOTP takes the second factor from a user who lost it.
func (s *Service) DisableTOTP(ctx context.Context, actor authz.Actor, user id.UserID) error {
	_, err := s.changeUser(ctx, actor, fleet.UserTOTPDisable, user, func(tx *store.Tx, u *fleet.User, _ *fleet.AuditEntry) error {
		if u.TOTPSince == nil {
			return fleet.Errorf(fleet.NotFound, "%s has no second factor", u.Email)
		}
		return tx.DropTOTP(ctx, user)
	})
	return err
}

// UserSessions lists where a user is signed in.
func (s *Service) UserSessions(ctx context.Context, actor authz.Actor, user id.UserID, page store.Page) ([]fleet.Session, string, error) {
	if _, err := s.userFor(ctx, actor, fleet.UserSessionView, user); err != nil {
		return nil, "", err
	}
	return s.Store.Sessions(ctx, user, s.now(), page)
}

// RevokeUserSession signs a user out of one session.
func (s *Service) RevokeUserSession(ctx context.Context, actor authz.Actor, user id.UserID, session id.SessionID) error {
	_, err := s.changeUser(ctx, actor, fleet.UserSessionRevoke, user, func(tx *store.Tx, _ *fleet.User, e *fleet.AuditEntry) error {
		e.Detail = map[string]any{"session": session}
		return tx.RevokeSessionOf(ctx, user, session, "revoked by "+actor.Name)
	})
	if err == nil {
		s.EndCredential(uuid.UUID(session))
	}
	return err
}

// RevokeUserSessions signs a user out everywhere.
func (s *Service) RevokeUserSessions(ctx context.Context, actor authz.Actor, user id.UserID) error {
	var ended []id.SessionID
	_, err := s.changeUser(ctx, actor, fleet.UserSessionRevoke, user, func(tx *store.Tx, _ *fleet.User, e *fleet.AuditEntry) (err error) {
		ended, err = tx.RevokeOtherSessions(ctx, user, id.SessionID{}, "revoked by "+actor.Name)
		e.Detail = map[string]any{"sessions": len(ended)}
		return err
	})
	if err != nil {
		return err
	}
	for _, session := range ended {
		s.EndCredential(uuid.UUID(session))
	}
	return nil
}

// UserTokens lists the API tokens of a user.
func (s *Service) UserTokens(ctx context.Context, actor authz.Actor, user id.UserID, page store.Page) ([]fleet.Token, string, error) {
	if _, err := s.userFor(ctx, actor, fleet.UserTokenView, user); err != nil {
		return nil, "", err
	}
	return s.Store.Tokens(ctx, user, page)
}

// RevokeUserToken takes back an API token of a user.
func (s *Service) RevokeUserToken(ctx context.Context, actor authz.Actor, user id.UserID, token id.TokenID) error {
	_, err := s.changeUser(ctx, actor, fleet.UserTokenRevoke, user, func(tx *store.Tx, _ *fleet.User, e *fleet.AuditEntry) error {
		name, err := tx.RevokeToken(ctx, user, token)
		e.Detail = map[string]any{"token": token, "name": name}
		return err
	})
	if err == nil {
		s.EndCredential(uuid.UUID(token))
	}
	return err
}
