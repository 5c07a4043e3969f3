package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// UserList is how users are listed.
var UserList = Listing{
	name: "users", looks: []string{"x.email", "x.name"}, Finds: "the e-mail address and the name",
	orders: []order{byText("email", "x.email"), byText("name", "x.name"), byTime("createdAt", "x.created_at"), byTime("updatedAt", "x.updated_at")},
}

// Users lists users, and the cursor of the next page.
func (s *Store) Users(ctx context.Context, p Page) ([]fleet.User, string, error) {
	return list(ctx, s, UserList, p, func(row pgx.CollectableRow) (fleet.User, error) {
		u, _, err := scanUser(row)
		return u, err
	}, selectUsers)
}

// LockUser loads a user for him to be changed.
func (tx *Tx) LockUser(ctx context.Context, user id.UserID) (fleet.User, error) {
	u, _, err := tx.user(ctx, `where u.id = $1 for update of u`, user)
	return u, err
}

// GrantsOf is all that a user was granted, whether or not he may sign in.
func (s *Store) GrantsOf(ctx context.Context, user id.UserID) ([]authz.Grant, error) {
	p, err := s.principal(ctx, `select `+principalColumns+` from users u where u.id = $1`, []any{user})
	return p.Grants, one(err, "user", user)
}

// UpdateUser writes what people may edit of a user, as his next generation.
func (tx *Tx) UpdateUser(ctx context.Context, u fleet.User) error {
	tag, err := tx.tx.Exec(ctx, `
		update users set email = $2, name = $3, disabled_at = $4, generation = $5, updated_at = $6 where id = $1`,
		u.ID, u.Email, u.Name, u.DisabledAt, u.Generation, u.UpdatedAt)
	if violates(err, "users_email") {
		return emailTaken(u.Email)
	}
	if err != nil {
		return fmt.Errorf("update user: %w", err)
	}
	return changed(tag, "user", u.ID)
}

func emailTaken(email string) error {
	e := fleet.Errorf(fleet.Conflict, "there is already a user %s", email)
	e.Faults = []spec.Fault{{Field: "email", Message: "another user has this address"}}
	return e
}

// PutSettings keeps a user's settings.
func (tx *Tx) PutSettings(ctx context.Context, u fleet.User) error {
	_, err := tx.tx.Exec(ctx, `
		insert into user_settings (user_id, theme, time_zone, updated_at) values ($1, $2, $3, $4)
		on conflict (user_id) do update set theme = excluded.theme, time_zone = excluded.time_zone, updated_at = excluded.updated_at`,
		u.ID, u.Settings.Theme, u.Settings.TimeZone, u.UpdatedAt)
	return wrap("keep settings", err)
}

// Owns counts the containers of a user, and names a few.
func (tx *Tx) Owns(ctx context.Context, user id.UserID) (count int, some []string, err error) {
	err = tx.tx.QueryRow(ctx, `
		select count(*), coalesce((array_agg(name order by name))[:3], '{}') from containers where owner_id = $1 and deleted_at is null`, user).
		Scan(&count, &some)
	return count, some, wrap("count containers of user", err)
}

// DeleteUser removes a user with all that is his alone. Containers that were
// deleted before forget him.
func (tx *Tx) DeleteUser(ctx context.Context, user id.UserID) error {
	if _, err := tx.tx.Exec(ctx, `update containers set owner_id = null where owner_id = $1 and deleted_at is not null`, user); err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	_, err := tx.tx.Exec(ctx, `delete from users where id = $1`, user)
	if violates(err, "containers_owner_id_fkey") {
		return fleet.Errorf(fleet.Conflict, "this user was given a container this moment: try again")
	}
	return wrap("delete user", err)
}

// CredentialsOf are the ids of the sessions and API tokens that a user could
// be connected with.
func (tx *Tx) CredentialsOf(ctx context.Context, user id.UserID) ([]uuid.UUID, error) {
	rows, err := tx.tx.Query(ctx, `
		select id from sessions where user_id = $1 and revoked_at is null
		union all
		select id from api_tokens where user_id = $1 and revoked_at is null`, user)
	if err != nil {
		return nil, fmt.Errorf("list credentials of user: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return ids, wrap("list credentials of user", err)
}
