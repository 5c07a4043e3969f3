package authn

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// ResetSecret is the secret of a one-time link for a new password, and its
// hash. It is made like an API token's: nobody can guess it.
func (s *Service) ResetSecret() (secret string, hash []byte) {
	secret = randomHex()
	return secret, hashSecret(secret)
}

// errLink is the one answer to every link that is worth nothing.
var errLink = fleet.Errorf(fleet.Unauthenticated, "this link was used, has ended, or is not whole: ask an administrator for a new one")

// NewPassword is a request to set a password with a one-time link.
type NewPassword struct {
	Origin
	Secret   string // of the link
	Password string
}

// UseLink sets the password of the user whom a one-time link was made for,
// and ends all his sessions: whoever is signed in as him may be the reason
// for the link. A second factor stays, and is asked for when he signs in.
func (s *Service) UseLink(ctx context.Context, in NewPassword) error {
	if err := s.throttle.attempt(ctx, "one-time link", in.Address); err != nil {
		return err
	}
	secret := hashSecret(in.Secret)
	user, err := s.Store.ResetUser(ctx, secret, s.Now())
	if fleet.KindOf(err) == fleet.NotFound {
		return errLink
	}
	if err != nil {
		return away(err)
	}
	s.throttle.succeeded(ctx, "one-time link", in.Address)
	hash, err := s.HashPassword(ctx, in.Password, "newPassword", user)
	if err != nil {
		return err
	}
	return s.useLink(ctx, in, secret, user, hash)
}

func (s *Service) useLink(ctx context.Context, in NewPassword, secret []byte, user fleet.User, hash string) error {
	actor := authz.Actor{Kind: fleet.ActorUser, ID: uuid.UUID(user.ID), UserID: user.ID, Name: user.Email, Address: in.Address, RequestID: in.RequestID}
	var ended []id.SessionID
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if _, err := tx.UseReset(ctx, secret, s.Now()); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, user.ID, hash); err != nil {
			return err
		}
		var err error
		if ended, err = tx.RevokeOtherSessions(ctx, user.ID, id.SessionID{}, "password reset"); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, ownEntry(actor, fleet.AuthPasswordReset))
	})
	if fleet.KindOf(err) == fleet.NotFound { // another request was faster
		return errLink
	}
	if err != nil {
		return fmt.Errorf("use one-time link: %w", err)
	}
	s.kickAll(ended)
	return nil
}
