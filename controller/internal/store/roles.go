package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// selectRoles begins a query for fleet.Roles, each with its own permissions
// and those that it inherits; union ends the walk even in a ring.
const selectRoles = `
	select r.id, r.name, r.description, r.parent_role_id, r.builtin, r.generation, r.created_at, r.updated_at,
	       coalesce((select array_agg(p.permission order by p.permission) from role_permissions p where p.role_id = r.id), '{}'),
	       coalesce((
		with recursive above (role_id) as (
			select r.parent_role_id where r.parent_role_id is not null
			union
			select u.parent_role_id from above join roles u on u.id = above.role_id where u.parent_role_id is not null
		)
		select array_agg(distinct p.permission order by p.permission) from above join role_permissions p using (role_id)
	       ), '{}')
	from roles r `

func scanRole(row pgx.CollectableRow) (r fleet.Role, err error) {
	err = row.Scan(&r.ID, &r.Name, &r.Description, &r.ParentID, &r.Builtin, &r.Generation, &r.CreatedAt, &r.UpdatedAt, &r.Permissions, &r.Inherited)
	return r, err
}

// RoleList is how roles are listed.
var RoleList = Listing{
	name: "roles", looks: []string{"x.name", "x.description"}, Finds: "the name and the description",
	orders: []order{byText("name", "x.name"), byTime("createdAt", "x.created_at"), byTime("updatedAt", "x.updated_at")},
}

// Roles lists roles, and the cursor of the next page.
func (s *Store) Roles(ctx context.Context, p Page) ([]fleet.Role, string, error) {
	return list(ctx, s, RoleList, p, scanRole, selectRoles)
}

// BuiltinRoles are the roles that come with the product.
func (s *Store) BuiltinRoles(ctx context.Context) ([]fleet.Role, error) {
	rows, err := s.db.Query(ctx, selectRoles+`where r.builtin order by r.id`)
	if err != nil {
		return nil, fmt.Errorf("list built-in roles: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanRole)
	return list, wrap("list built-in roles", err)
}

// Role loads one role.
func (s *Store) Role(ctx context.Context, role id.RoleID) (fleet.Role, error) {
	rows, err := s.db.Query(ctx, selectRoles+`where r.id = $1`, role)
	if err != nil {
		return fleet.Role{}, fmt.Errorf("load role: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRole)
	return r, one(err, "role", role)
}

// RoleTree is every role with its parent, for what a change of a parent
// would make of it. There are few.
func (s *Store) RoleTree(ctx context.Context) (map[id.RoleID]fleet.Role, error) {
	rows, err := s.db.Query(ctx, `select id, name, parent_role_id from roles`)
	if err != nil {
		return nil, fmt.Errorf("load roles: %w", err)
	}
	tree := map[id.RoleID]fleet.Role{}
	var r fleet.Role
	_, err = pgx.ForEachRow(rows, []any{&r.ID, &r.Name, &r.ParentID}, func() error {
		tree[r.ID] = r
		return nil
	})
	return tree, wrap("load roles", err)
}

// InsertRole adds a role with its permissions.
func (tx *Tx) InsertRole(ctx context.Context, r fleet.Role) error {
	_, err := tx.tx.Exec(ctx, `
		insert into roles (id, name, description, parent_role_id, generation, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7)`,
		r.ID, r.Name, r.Description, r.ParentID, r.Generation, r.CreatedAt, r.UpdatedAt)
	if violates(err, "roles_name_key") {
		return taken("role", r.Name)
	}
	if err != nil {
		return fmt.Errorf("insert role: %w", err)
	}
	return tx.putPermissions(ctx, r)
}

// UpdateRole writes what people may edit of a role, as its next generation.
func (tx *Tx) UpdateRole(ctx context.Context, r fleet.Role) error {
	tag, err := tx.tx.Exec(ctx, `
		update roles set name = $2, description = $3, parent_role_id = $4, generation = $5, updated_at = $6 where id = $1`,
		r.ID, r.Name, r.Description, r.ParentID, r.Generation, r.UpdatedAt)
	if violates(err, "roles_name_key") {
		return taken("role", r.Name)
	}
	if err != nil {
		return fmt.Errorf("update role: %w", err)
	}
	if err := changed(tag, "role", r.ID); err != nil {
		return err
	}
	return tx.putPermissions(ctx, r)
}

// putPermissions makes a role's own permissions those that it says.
func (tx *Tx) putPermissions(ctx context.Context, r fleet.Role) error {
	batch := &pgx.Batch{}
	batch.Queue(`delete from role_permissions where role_id = $1 and permission <> all ($2)`, r.ID, r.Permissions)
	batch.Queue(`insert into role_permissions (role_id, permission) select $1, unnest($2::text[]) on conflict do nothing`, r.ID, r.Permissions)
	return wrap("put permissions of role", tx.tx.SendBatch(ctx, batch).Close())
}

// RoleUse is what a role is needed for.
type RoleUse struct {
	Bindings int
	Users    []string // a few of those who have it
	Children []string // the roles whose parent it is
}

// RoleUse looks what a role is needed for.
func (tx *Tx) RoleUse(ctx context.Context, role id.RoleID) (use RoleUse, err error) {
	err = tx.tx.QueryRow(ctx, `select
		(select count(*) from role_bindings where role_id = $1),
		coalesce((select (array_agg(distinct u.email order by u.email))[:3] from role_bindings b join users u on u.id = b.user_id where b.role_id = $1), '{}'),
		coalesce((select array_agg(name order by name) from roles where parent_role_id = $1), '{}')`, role).
		Scan(&use.Bindings, &use.Users, &use.Children)
	return use, wrap("look who has a role", err)
}

// DeleteRole removes a role that nobody has.
func (tx *Tx) DeleteRole(ctx context.Context, role id.RoleID) error {
	tag, err := tx.tx.Exec(ctx, `delete from roles where id = $1`, role)
	if err != nil {
		return fmt.Errorf("delete role: %w", err)
	}
	return changed(tag, "role", role)
}
