package authn

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// refreshToken is the id of a session and a secret. The id makes an old token
// known for one of the family, whatever its secret once was.
type refreshToken struct {
	session id.SessionID
	secret  [32]byte
}

func newRefresh(session id.SessionID) refreshToken {
	t := refreshToken{session: session}
	rand.Read(t.secret[:]) // never fails
	return t
}

// String is the form in the cookie.
func (t refreshToken) String() string {
	return base64.RawURLEncoding.EncodeToString(append(t.session[:], t.secret[:]...))
}

func parseRefresh(s string) (t refreshToken, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != len(t.session)+len(t.secret) {
		return t, false
	}
	copy(t.session[:], raw)
	copy(t.secret[:], raw[len(t.session):])
	return t, true
}

func (t refreshToken) hash() []byte {
	sum := sha256.Sum256(t.secret[:])
	return sum[:]
}

// standing is what a refresh token is worth.
type standing string

const (
	good    standing = "good"
	late    standing = "late"    // just replaced: another tab of the same browser
	reused  standing = "reused"  // replaced before: somebody has a copy
	useless standing = "useless" // of a session that ended
)

// judge decides what a refresh token is worth.
func (s *Service) judge(t refreshToken, r store.Refresh) standing {
	now := s.Now()
	switch {
	case r.RevokedAt != nil || r.Disabled || !now.Before(r.ExpiresAt):
		return useless
	case subtle.ConstantTimeCompare(t.hash(), r.Current) == 1:
		return good
	case subtle.ConstantTimeCompare(t.hash(), r.Previous) == 1 && now.Sub(r.RotatedAt) < refreshGrace:
		return late
	}
	return reused
}

var errEnded = fleet.Errorf(fleet.Unauthenticated, "your session has ended: sign in again")

// Origin is where a request without an actor came from.
type Origin struct{ Address, RequestID string }

// Refresh exchanges a refresh token for a new one and a new access token.
func (s *Service) Refresh(ctx context.Context, from Origin, cookie string) (Signed, error) {
	token, ok := parseRefresh(cookie)
	if !ok {
		return Signed{}, errEnded
	}
	next := newRefresh(token.session)
	var found store.Refresh
	var is standing
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if found, err = tx.LockRefresh(ctx, token.session); err != nil {
			return err
		}
		switch is = s.judge(token, found); is {
		case good:
			return tx.RotateRefresh(ctx, token.session, next.hash(), s.Now())
		case reused:
			return s.endFamily(ctx, tx, from, found)
		}
		return nil
	})
	if fleet.KindOf(err) == fleet.NotFound {
		return Signed{}, errEnded
	}
	if err != nil {
		return Signed{}, away(err)
	}
	return s.refreshed(ctx, is, found, next)
}

func (s *Service) refreshed(ctx context.Context, is standing, found store.Refresh, next refreshToken) (Signed, error) {
	switch is {
	case good:
		user, _, err := s.Store.UserByID(ctx, found.UserID)
		if err != nil {
			return Signed{}, err
		}
		return s.signed(user, found.Session, next)
	case late:
		return Signed{}, fleet.Errorf(fleet.Conflict, "this session was refreshed a moment ago, perhaps by another tab: try again with the new cookie")
	case reused:
		s.Log.Warn("a refresh token was used twice: the session was ended", "session", found.ID, "user", found.UserID)
		s.Kick(uuid.UUID(found.ID))
	}
	return Signed{}, errEnded
}

func (s *Service) endFamily(ctx context.Context, tx *store.Tx, from Origin, found store.Refresh) error {
	if _, err := tx.RevokeSession(ctx, found.ID, "refresh token used twice"); err != nil {
		return err
	}
	entry := authz.Anonymous(from.Address, from.RequestID).Entry(fleet.AuthRefresh)
	entry.Outcome, entry.Reason = fleet.OutcomeDenied, "a refresh token was used twice: the session was ended"
	entry.TargetKind, entry.TargetID = "session", uuid.UUID(found.ID)
	return tx.InsertAudit(ctx, entry)
}

// Logout ends the session of a refresh token. A token that is worth nothing
// ends nothing, which is no error: the caller is signed out either way.
func (s *Service) Logout(ctx context.Context, from Origin, cookie string) error {
	token, ok := parseRefresh(cookie)
	if !ok {
		return nil
	}
	ended := false
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		found, err := tx.LockRefresh(ctx, token.session)
		if fleet.KindOf(err) == fleet.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if is := s.judge(token, found); is != good && is != late {
			return nil
		}
		ended = true
		return s.endSession(ctx, tx, from, found)
	})
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	if ended {
		s.Kick(uuid.UUID(token.session))
	}
	return nil
}

func (s *Service) endSession(ctx context.Context, tx *store.Tx, from Origin, found store.Refresh) error {
	if _, err := tx.RevokeSession(ctx, found.ID, "signed out"); err != nil {
		return err
	}
	user, _, err := tx.UserByID(ctx, found.UserID)
	if err != nil {
		return err
	}
	actor := authz.Actor{
		Kind: fleet.ActorUser, ID: uuid.UUID(user.ID), Name: user.Email,
		Address: from.Address, RequestID: from.RequestID,
	}
	entry := actor.Entry(fleet.AuthLogout)
	entry.TargetKind, entry.TargetID = "session", uuid.UUID(found.ID)
	return tx.InsertAudit(ctx, entry)
}
