package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// UserByEmail loads a user with the hash of his password. The e-mail is in
// lower case.
func (s *Store) UserByEmail(ctx context.Context, email string) (fleet.User, string, error) {
	return s.user(ctx, `where u.email = $1`, email)
}

// UserByID loads a user with the hash of his password.
func (s *Store) UserByID(ctx context.Context, user id.UserID) (fleet.User, string, error) {
	return s.user(ctx, `where u.id = $1`, user)
}

// selectUsers begins a query for fleet.Users, with the hashes of their
// passwords; who never changed his settings has those that come first.
const selectUsers = `
	select u.id, u.email, u.name, u.must_change_password, u.totp_since, u.disabled_at, u.generation, u.created_at, u.updated_at,
	       coalesce(s.theme, 'system'), coalesce(s.time_zone, ''), u.password_hash
	from users u left join user_settings s on s.user_id = u.id `

func scanUser(row pgx.Row) (u fleet.User, hash string, err error) {
	err = row.Scan(&u.ID, &u.Email, &u.Name, &u.MustChangePassword, &u.TOTPSince, &u.DisabledAt, &u.Generation, &u.CreatedAt, &u.UpdatedAt,
		&u.Settings.Theme, &u.Settings.TimeZone, &hash)
	return u, hash, err
}

func (s *Store) user(ctx context.Context, where string, key any) (fleet.User, string, error) {
	u, hash, err := scanUser(s.db.QueryRow(ctx, selectUsers+where, key))
	return u, hash, one(err, "user", key)
}

// SetPassword replaces the hash of a user's password. Links that would have
// replaced it are worth nothing any more.
func (tx *Tx) SetPassword(ctx context.Context, user id.UserID, hash string) error {
	if err := tx.EndResets(ctx, user); err != nil {
		return err
	}
	tag, err := tx.tx.Exec(ctx, `
		update users set password_hash = $2, must_change_password = false, updated_at = now() where id = $1`, user, hash)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return changed(tag, "user", user)
}

// Principal is somebody who proved who he is, with all that he was granted.
type Principal struct {
	User   fleet.User
	Grants []authz.Grant
}

// principalColumns are the columns of a Principal, for a query in which u is
// the user. Grants come through roles and their parents; union, not union
// all, ends the walk even where parents form a ring. Everybody is the owner of
// what is his.
const principalColumns = `
	u.id, u.email, u.name, u.must_change_password, u.disabled_at, u.created_at,
	coalesce((
		with recursive held (role_id, scope, scope_id) as (
			select b.role_id, b.scope, b.scope_id from role_bindings b where b.user_id = u.id
			union
			select r.parent_role_id, held.scope, held.scope_id
			from held join roles r on r.id = held.role_id where r.parent_role_id is not null
		)
		select jsonb_agg(distinct jsonb_build_object('permission', p.permission, 'scope', held.scope, 'scope_id', held.scope_id))
		from held join role_permissions p using (role_id)
	), '[]') || coalesce((
		select jsonb_agg(jsonb_build_object('permission', p.permission, 'scope', 'owned', 'scope_id', u.id))
		from roles r join role_permissions p on p.role_id = r.id where r.builtin and r.name = '` + fleet.RoleOwner + `'
	), '[]')`

// into are the places for principalColumns.
func (p *Principal) into(grants *[]grantRow) []any {
	u := &p.User
	return []any{&u.ID, &u.Email, &u.Name, &u.MustChangePassword, &u.DisabledAt, &u.CreatedAt, grants}
}

type grantRow struct {
	Permission string      `json:"permission"`
	Scope      authz.Scope `json:"scope"`
	ScopeID    *uuid.UUID  `json:"scope_id"`
}

func (p *Principal) setGrants(rows []grantRow) {
	for _, r := range rows {
		g := authz.Grant{Permission: r.Permission, Scope: r.Scope}
		if r.ScopeID != nil {
			g.ScopeID = *r.ScopeID
		}
		p.Grants = append(p.Grants, g)
	}
}

// HasUsers reports whether there is any user.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	var has bool
	if err := s.db.QueryRow(ctx, `select exists (select from users)`).Scan(&has); err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return has, nil
}

// InsertUser adds a user. One without a hash cannot sign in before he has set
// a password with a link.
func (tx *Tx) InsertUser(ctx context.Context, u fleet.User, hash string) error {
	_, err := tx.tx.Exec(ctx, `
		insert into users (id, email, name, password_hash, must_change_password, created_at, updated_at)
		values ($1, $2, $3, $4, $5, coalesce($6, now()), coalesce($6, now()))`,
		u.ID, u.Email, u.Name, hash, u.MustChangePassword, timeOrNull(u.CreatedAt))
	if violates(err, "users_email") {
		return emailTaken(u.Email)
	}
	return wrap("insert user", err)
}

// PutBuiltinRole makes a role that comes with the product what this version
// says it is, and returns its id.
func (tx *Tx) PutBuiltinRole(ctx context.Context, r fleet.Role) (id.RoleID, error) {
	var role id.RoleID
	err := tx.tx.QueryRow(ctx, `
		insert into roles (id, name, description, builtin) values ($1, $2, $3, true)
		on conflict (name) do update set description = excluded.description, builtin = true
		returning id`, r.ID, r.Name, r.Description).Scan(&role)
	if err != nil {
		return role, fmt.Errorf("put role %s: %w", r.Name, err)
	}
	r.ID = role
	return role, tx.putPermissions(ctx, r)
}

// BindRole gives a user a role for everything.
func (tx *Tx) BindRole(ctx context.Context, user id.UserID, role id.RoleID) error {
	_, err := tx.tx.Exec(ctx, `
		insert into role_bindings (id, user_id, role_id, scope) values ($1, $2, $3, 'global') on conflict do nothing`,
		id.New[id.BindingID](), user, role)
	if err != nil {
		return fmt.Errorf("bind role: %w", err)
	}
	return nil
}

// usable leaves out users who may not sign in any more.
const usable = ` and u.disabled_at is null`

// principal runs a query that selects principalColumns and then the given
// further columns.
func (s *Store) principal(ctx context.Context, sql string, args []any, more ...any) (Principal, error) {
	var p Principal
	var grants []grantRow
	err := s.db.QueryRow(ctx, sql, args...).Scan(append(p.into(&grants), more...)...)
	p.setGrants(grants)
	return p, err
}

// PrincipalOfSession loads who is behind an access token: one query, made
// for every request. A session that ended or a user who was disabled is not
// found.
func (s *Store) PrincipalOfSession(ctx context.Context, session id.SessionID, now time.Time) (Principal, error) {
	p, err := s.principal(ctx, `select `+principalColumns+`
		from sessions s join users u on u.id = s.user_id
		where s.id = $1 and s.revoked_at is null and s.expires_at > $2`+usable, []any{session, now})
	return p, one(err, "session", session)
}
