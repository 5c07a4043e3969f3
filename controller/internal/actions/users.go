package actions

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// Passwords makes what people prove themselves with.
type Passwords interface {
	// HashPassword hashes a password, or says as a fault of the field why it is
	// not good enough for its user.
	HashPassword(ctx context.Context, password, field string, of fleet.User) (hash string, err error)
	// ResetSecret is the secret of a one-time link, and its hash.
	ResetSecret() (secret string, hash []byte)
}

func ofUser(u fleet.User) subject {
	return subject{"user", uuid.UUID(u.ID), u.Email, authz.Everything}
}

// NewUser is what CreateUser takes.
type NewUser struct {
	Email    string
	Name     string
	Password string // "": he sets it himself with a link
	Key      string `json:"-"` // Idempotency-Key
}

// CreatedUser is a new user, and where he has no password the link with which
// he sets one.
type CreatedUser struct {
	User fleet.User
	Link *Link
}

// CreateUser adds a user who may do nothing yet. A password that somebody else
// chose has to be changed at the first sign-in.
func (s *Service) CreateUser(ctx context.Context, actor authz.Actor, in NewUser) (CreatedUser, error) {
	now := s.now()
	u := fleet.User{
		ID: id.New[id.UserID](), Email: tidyEmail(in.Email), Name: strings.TrimSpace(in.Name), MustChangePassword: in.Password != "",
		Settings: fleet.Settings{Theme: fleet.ThemeSystem}, Generation: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.check(ctx, actor, fleet.UserCreate, ofUser(u)); err != nil {
		return CreatedUser{}, err
	}
	if faults := u.Faults(); len(faults) > 0 {
		return CreatedUser{}, fleet.InvalidFields(faults...)
	}
	hash := ""
	if in.Password != "" {
		var err error
		if hash, err = s.Passwords.HashPassword(ctx, in.Password, "password", u); err != nil {
			return CreatedUser{}, err
		}
	}
	o, err := s.once(actor, fleet.UserCreate, in.Key, in)
	if err != nil {
		return CreatedUser{}, err
	}
	made, out := madeUser{u.ID, hash == ""}, CreatedUser{}
	err = s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if done, err := tx.Recall(ctx, o, &made); err != nil {
			return err
		} else if done {
			return made.again(u)
		}
		if err = tx.InsertUser(ctx, u, hash); err != nil {
			return err
		}
		if made.Link {
			if out.Link, err = s.link(ctx, tx, actor, u); err != nil {
				return err
			}
		}
		e := detailed(entry(actor, fleet.UserCreate, ofUser(u)), map[string]any{"link": made.Link})
		if err = tx.InsertAudit(ctx, edited(e, nil, userAudit(u))); err != nil {
			return err
		}
		return tx.Remember(ctx, o, made)
	})
	if err != nil {
		return CreatedUser{}, fmt.Errorf("create user: %w", err)
	}
	out.User, _, err = s.Store.UserByID(ctx, made.User)
	return out, err
}

// madeUser is what is remembered of a request that added a user.
type madeUser struct {
	User id.UserID
	Link bool
}

// again is why the request cannot be answered once more: a link is kept
// nowhere.
func (m madeUser) again(u fleet.User) error {
	if !m.Link {
		return nil
	}
	return fleet.Errorf(fleet.Conflict, "this request has added the user %s before (%s), and the link with which the password is set is shown only once: make a new one with POST /api/v1/users/%s/password-reset",
		u.Email, m.User, m.User)
}

func tidyEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// Users lists users.
func (s *Service) Users(ctx context.Context, actor authz.Actor, page store.Page) ([]fleet.User, string, error) {
	if err := s.check(ctx, actor, fleet.UserView, subject{kind: "user"}); err != nil {
		return nil, "", err
	}
	return s.Store.Users(ctx, page)
}

// User shows one user.
func (s *Service) User(ctx context.Context, actor authz.Actor, user id.UserID) (fleet.User, error) {
	return s.userFor(ctx, actor, fleet.UserView, user)
}

// userFor loads a user of whom the actor may know what v tells. Users stand in
// no scope, so who may see one may see all.
func (s *Service) userFor(ctx context.Context, actor authz.Actor, v fleet.Verb, user id.UserID) (fleet.User, error) {
	if err := s.check(ctx, actor, v, ofUser(fleet.User{ID: user})); err != nil {
		return fleet.User{}, err
	}
	u, _, err := s.Store.UserByID(ctx, user)
	return u, err
}

// changePeople carries out what changes who may do what, while nobody else
// does that. What the actor himself may do is read anew: it may have been
// taken from him while he waited for his turn.
func (s *Service) changePeople(ctx context.Context, actor authz.Actor, work func(tx *store.Tx, actor authz.Actor) error) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if err = tx.LockPeople(ctx); err != nil {
			return err
		}
		if !actor.UserID.IsZero() {
			if actor.Grants, err = tx.GrantsOf(ctx, actor.UserID); err != nil {
				return err
			}
		}
		return work(tx, actor)
	})
}

// change is the work of a verb on a user who is locked. It may add to the
// audit entry, which is written after it.
type change func(tx *store.Tx, u *fleet.User, e *fleet.AuditEntry) error

// changeUser carries a verb out on a user in one transaction, while nobody
// else changes people. Who may do more than the actor is out of his reach:
// whoever could take over such an account would have what it may.
func (s *Service) changeUser(ctx context.Context, actor authz.Actor, v fleet.Verb, user id.UserID, work change) (fleet.User, error) {
	u := fleet.User{ID: user}
	if err := s.check(ctx, actor, v, ofUser(u)); err != nil {
		return u, err
	}
	err := s.changePeople(ctx, actor, func(tx *store.Tx, actor authz.Actor) (err error) {
		if u, err = tx.LockUser(ctx, user); err != nil {
			return err
		}
		if err = withinReach(ctx, tx, actor, v, user); err != nil {
			return err
		}
		e := entry(actor, v, ofUser(u))
		if err = work(tx, &u, &e); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, e)
	})
	if fleet.KindOf(err) == fleet.Forbidden {
		s.recordDenied(ctx, entry(actor, v, ofUser(u)), err)
	}
	if err != nil {
		return fleet.User{}, fmt.Errorf("%s: %w", v, err)
	}
	return u, nil
}

// withinReach refuses a verb on somebody who holds what the actor does not.
func withinReach(ctx context.Context, tx *store.Tx, actor authz.Actor, v fleet.Verb, user id.UserID) error {
	grants, err := tx.GrantsOf(ctx, user)
	if err != nil {
		return err
	}
	reaches, err := tx.Reached(ctx, grants)
	if err != nil {
		return err
	}
	return actor.Exceeds(v, grants, reaches)
}

// UserEdit is what EditUser changes; nil leaves a thing as it is.
type UserEdit struct {
	Email      *string
	Name       *string
	Generation *int64 // If-Match
}

// EditUser changes the address and the name of a user. His settings are his
// own.
func (s *Service) EditUser(ctx context.Context, actor authz.Actor, user id.UserID, in UserEdit) (fleet.User, error) {
	return s.changeUser(ctx, actor, fleet.UserEdit, user, func(tx *store.Tx, u *fleet.User, e *fleet.AuditEntry) error {
		if err := fleet.IfMatch(in.Generation, u.Generation, "user"); err != nil {
			return err
		}
		before := *u
		if in.Email != nil {
			u.Email = tidyEmail(*in.Email)
		}
		if in.Name != nil {
			u.Name = strings.TrimSpace(*in.Name)
		}
		if faults := u.Faults(); len(faults) > 0 {
			return fleet.InvalidFields(faults...)
		}
		e.Edited(userAudit(before), userAudit(*u))
		return s.saveUser(ctx, tx, u)
	})
}

func (s *Service) saveUser(ctx context.Context, tx *store.Tx, u *fleet.User) error {
	u.Generation++
	u.UpdatedAt = s.now()
	return tx.UpdateUser(ctx, *u)
}

// userAudit is what the audit trail keeps of a user.
func userAudit(u fleet.User) map[string]any {
	return map[string]any{"email": u.Email, "name": u.Name, "disabled": u.DisabledAt != nil}
}

// DisableUser keeps a user out. His sessions end and his connections are cut
// at once; his API tokens stay, and are refused until he is let in again.
func (s *Service) DisableUser(ctx context.Context, actor authz.Actor, user id.UserID) (fleet.User, error) {
	if err := notOneself(actor, user, "disable"); err != nil {
		return fleet.User{}, err
	}
	var ended []uuid.UUID
	u, err := s.changeUser(ctx, actor, fleet.UserDisable, user, func(tx *store.Tx, u *fleet.User, e *fleet.AuditEntry) (err error) {
		if ended, err = tx.CredentialsOf(ctx, user); err != nil {
			return err
		}
		sessions, err := tx.RevokeOtherSessions(ctx, user, id.SessionID{}, "user disabled")
		if err != nil || u.DisabledAt != nil {
			return err
		}
		before, now := *u, s.now()
		u.DisabledAt = &now
		e.Edited(userAudit(before), userAudit(*u))
		e.Detail = map[string]any{"sessions": len(sessions)}
		if err := s.saveUser(ctx, tx, u); err != nil {
			return err
		}
		if err := tx.EndResets(ctx, user); err != nil {
			return err
		}
		return tx.KeepSuperuser(ctx)
	})
	if err == nil {
		s.cut(ended)
	}
	return u, err
}

// EnableUser lets a user in again.
func (s *Service) EnableUser(ctx context.Context, actor authz.Actor, user id.UserID) (fleet.User, error) {
	return s.changeUser(ctx, actor, fleet.UserDisable, user, func(tx *store.Tx, u *fleet.User, e *fleet.AuditEntry) error {
		if u.DisabledAt == nil {
			return nil
		}
		before := *u
		u.DisabledAt = nil
		e.Edited(userAudit(before), userAudit(*u))
		return s.saveUser(ctx, tx, u)
	})
}

// DeleteUser removes a user with his sessions, API tokens and roles. What he
// did stays in the audit trail under his address.
func (s *Service) DeleteUser(ctx context.Context, actor authz.Actor, user id.UserID) error {
	if err := notOneself(actor, user, "delete"); err != nil {
		return err
	}
	var ended []uuid.UUID
	_, err := s.changeUser(ctx, actor, fleet.UserDelete, user, func(tx *store.Tx, u *fleet.User, e *fleet.AuditEntry) error {
		count, some, err := tx.Owns(ctx, user)
		if err != nil {
			return err
		}
		if count > 0 {
			return fleet.Errorf(fleet.Conflict, "%s still owns %d containers (%s): give each to somebody else (POST /api/v1/containers/{id}/assign, or lormas container assign) or delete it, then try again",
				u.Email, count, ofMany(some, count))
		}
		if ended, err = tx.CredentialsOf(ctx, user); err != nil {
			return err
		}
		e.Edited(userAudit(*u), nil)
		if err := tx.DeleteUser(ctx, user); err != nil {
			return err
		}
		return tx.KeepSuperuser(ctx)
	})
	if err == nil {
		s.cut(ended)
	}
	return err
}

// ofMany joins the first few names of many.
func ofMany(some []string, count int) string {
	text := strings.Join(some, ", ")
	if count > len(some) {
		text += ", …"
	}
	return text
}

// notOneself keeps people from shutting themselves out by a slip.
func notOneself(actor authz.Actor, user id.UserID, what string) error {
	if actor.UserID != user {
		return nil
	}
	return fleet.Errorf(fleet.Conflict, "you cannot %s yourself: ask another administrator", what)
}

// cut ends the live connections of credentials, after the commit.
func (s *Service) cut(credentials []uuid.UUID) {
	for _, c := range credentials {
		s.EndCredential(c)
	}
}
