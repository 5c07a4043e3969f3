package authn

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Login is a request to sign in, and where it came from.
type Login struct {
	Email, Password string
	Code            string // of the second factor, or a recovery code; "": none was given
	Address         string
	Local           bool // from this very machine, with no proxy between
	UserAgent       string
	RequestID       string
}

// Signed is what somebody holds who signed in.
type Signed struct {
	User           fleet.User
	Access         string
	AccessExpires  time.Time
	Refresh        string // for the cookie
	SessionExpires time.Time
}

// errWrong is the one answer to every sign-in that fails: who asks does not
// learn whether the account exists, is disabled, or has another password.
var errWrong = fleet.Errorf(fleet.Unauthenticated, "the e-mail address or the password is not right")

// Login checks a password, and where there is one the second factor, and
// starts a session.
func (s *Service) Login(ctx context.Context, in Login) (Signed, error) {
	email := strings.ToLower(strings.TrimSpace(in.Email))
	if in.Password == DefaultPassword && !in.Local {
		// said to everybody who types it, whether or not it would be right
		return Signed{}, fleet.Errorf(fleet.Forbidden, "the default password works only on the controller's own machine: sign in there at its loopback address and change it")
	}
	if err := s.throttle.attempt(ctx, email, in.Address); err != nil {
		return Signed{}, err
	}
	user, err := s.checkPassword(ctx, email, in.Password)
	if fleet.KindOf(err) == fleet.Unauthenticated {
		s.auditDenied(ctx, in, email, "wrong e-mail address or password")
		return Signed{}, err
	}
	if err != nil {
		return Signed{}, err
	}
	s.throttle.succeeded(ctx, email, in.Address) // codes are counted by themselves
	signed, err := s.signIn(ctx, in, user)
	if errors.Is(err, errCode) {
		s.auditDenied(ctx, in, email, "wrong code of the second factor")
		return Signed{}, errWrongCode
	}
	return signed, err
}

// signIn starts a session for somebody whose password was right.
func (s *Service) signIn(ctx context.Context, in Login, user fleet.User) (Signed, error) {
	if user.TOTPSince == nil {
		return s.startSession(ctx, in, user, noCode)
	}
	if in.Code == "" {
		return Signed{}, errAsked
	}
	use, err := s.proveFactor(ctx, user.ID, in.Code)
	if err != nil {
		return Signed{}, err
	}
	signed, err := s.startSession(ctx, in, user, use)
	if err == nil {
		s.throttle.codeWasRight(ctx, user.ID)
	}
	return signed, err
}

// checkPassword takes the same time whatever is wrong.
func (s *Service) checkPassword(ctx context.Context, email, password string) (fleet.User, error) {
	user, hash, err := s.Store.UserByEmail(ctx, email)
	if err != nil && fleet.KindOf(err) != fleet.NotFound {
		return user, away(err)
	}
	ok, err := s.hasher.matches(ctx, password, hash)
	if err != nil {
		return user, fmt.Errorf("check password: %w", err)
	}
	if !ok || user.DisabledAt != nil {
		return user, errWrong
	}
	return user, nil
}

func (s *Service) startSession(ctx context.Context, in Login, user fleet.User, use useCode) (Signed, error) {
	now := s.Now()
	session := fleet.Session{
		ID: id.New[id.SessionID](), UserID: user.ID, CreatedAt: now, ExpiresAt: now.Add(SessionLife),
		Address: in.Address, UserAgent: clip(in.UserAgent, 200),
	}
	refresh := newRefresh(session.ID)
	entry := in.actor(fleet.ActorUser, uuid.UUID(user.ID), user.Email).Entry(fleet.AuthLogin)
	entry.TargetKind, entry.TargetID = "session", uuid.UUID(session.ID)
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := use(tx); err != nil {
			return err
		}
		if err := tx.InsertSession(ctx, session, refresh.hash()); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
	if err != nil {
		return Signed{}, fmt.Errorf("start session: %w", err)
	}
	return s.signed(user, session, refresh)
}

func (s *Service) signed(user fleet.User, session fleet.Session, refresh refreshToken) (Signed, error) {
	expires := s.Now().Add(AccessLife)
	token, err := s.signAccess(access{User: user.ID, Session: session.ID, Expires: expires})
	return Signed{
		User: user, Access: token, AccessExpires: expires,
		Refresh: refresh.String(), SessionExpires: session.ExpiresAt,
	}, err
}

// ChangePassword replaces the actor's password and ends his other sessions.
func (s *Service) ChangePassword(ctx context.Context, actor authz.Actor, current, next string) error {
	user, err := s.provePassword(ctx, actor, current)
	if err != nil {
		return err
	}
	if next == current {
		return fleet.InvalidFields(spec.Fault{Field: "newPassword", Message: "this is your present password: choose another"})
	}
	hash, err := s.HashPassword(ctx, next, "newPassword", user)
	if err != nil {
		return err
	}
	var ended []id.SessionID
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if err = tx.SetPassword(ctx, actor.UserID, hash); err != nil {
			return err
		}
		if ended, err = tx.RevokeOtherSessions(ctx, actor.UserID, actor.SessionID, "password changed"); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, ownEntry(actor, fleet.AuthPasswordChange))
	})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	s.kickAll(ended)
	return nil
}

// auditDenied notes a sign-in that failed. That it cannot be noted does not
// change the answer.
func (s *Service) auditDenied(ctx context.Context, in Login, email, reason string) {
	name := ""
	if strings.Contains(email, "@") { // else somebody typed his password there
		name = clip(email, 200)
	}
	entry := in.actor(fleet.ActorAnonymous, uuid.Nil, name).Entry(fleet.AuthLogin)
	entry.Outcome, entry.Reason = fleet.OutcomeDenied, reason
	if err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.InsertAudit(ctx, entry) }); err != nil {
		s.Log.Error("could not audit a denied sign-in", "error", err, "request_id", in.RequestID)
	}
}

func (in Login) actor(kind fleet.ActorKind, key uuid.UUID, name string) authz.Actor {
	return authz.Actor{Kind: kind, ID: key, Name: name, Address: in.Address, RequestID: in.RequestID}
}

// away is the answer while nobody's identity can be checked.
func away(err error) error {
	return fleet.Errorf(fleet.Unavailable, "who you are cannot be checked at the moment: try again").Because(err)
}

// IsLoopback reports whether an address is this machine's own.
func IsLoopback(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.Unmap().IsLoopback()
}

// clip shortens what a stranger sent to what is worth keeping.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
