package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Binding is a binding with the names of what it ties together, and where the
// thing of its scope stands.
type Binding struct {
	fleet.Binding
	Email     string
	Role      string
	ScopeName string
	At        authz.Target
}

// selectBindings begins a query for Bindings.
var selectBindings = `
	select b.id, b.user_id, b.role_id, b.scope, b.scope_id, b.created_at, b.created_by, u.email, r.name as role, ` + placeColumns + `
	from role_bindings b join users u on u.id = b.user_id join roles r on r.id = b.role_id ` + joinPlaces("b")

// placeColumns are the name of the thing of a scope, and where it stands, of
// a query with joinPlaces. They are scanned into a text and a spot.
const placeColumns = `coalesce(k.name, n.name, c.name, '') as scope_name, coalesce(n.id, c.node_id), coalesce(k.id, n.cluster_id, cn.cluster_id), c.id as container_id, c.owner_id`

// joinPlaces finds the things of the scopes of a table that has scope and scope_id.
func joinPlaces(table string) string {
	return strings.ReplaceAll(`
	left join clusters k on t.scope = 'cluster' and k.id = t.scope_id
	left join nodes n on t.scope = 'node' and n.id = t.scope_id
	left join containers c on t.scope = 'container' and c.id = t.scope_id
	left join nodes cn on cn.id = c.node_id `, "t.", table+".")
}

// spot is where a thing stands, as its row says.
type spot struct{ node, cluster, container, owner *uuid.UUID }

func (p spot) target() authz.Target {
	return authz.Target{
		Node: id.NodeID(orZero(p.node)), Cluster: id.ClusterID(orZero(p.cluster)),
		Container: id.ContainerID(orZero(p.container)), Owner: id.UserID(orZero(p.owner)),
	}
}

func scanBinding(row pgx.CollectableRow) (b Binding, err error) {
	var scopeID *uuid.UUID
	var at spot
	err = row.Scan(&b.ID, &b.UserID, &b.RoleID, &b.Scope, &scopeID, &b.CreatedAt, &b.CreatedBy, &b.Email, &b.Role,
		&b.ScopeName, &at.node, &at.cluster, &at.container, &at.owner)
	b.ScopeID, b.At = orZero(scopeID), at.target()
	return b, err
}

// BindingList is how bindings are listed.
var BindingList = Listing{
	name: "role bindings", looks: []string{"x.email", "x.role", "x.scope_name"}, Finds: "the user's e-mail address, the role, and the name of what it is for",
	orders: []order{byText("email", "x.email"), byText("role", "x.role"), byText("scope", "x.scope"), byTime("createdAt", "x.created_at")},
}

// BindingFilter narrows a list of bindings. Zero fields do not.
type BindingFilter struct {
	Page
	User    *id.UserID
	Role    *id.RoleID
	Scope   fleet.Scope
	ScopeID uuid.UUID
	Reach   Reach // of the things in whose scopes they are; global ones are for All
}

// Bindings lists who has which role where, and the cursor of the next page.
func (s *Store) Bindings(ctx context.Context, f BindingFilter) ([]Binding, string, error) {
	return list(ctx, s, BindingList, f.Page, scanBinding, selectBindings+`
		where ($1::uuid is null or b.user_id = $1) and ($2::uuid is null or b.role_id = $2)
		  and ($3 = '' or b.scope = $3) and ($4::uuid is null or b.scope_id = $4)
		  and ($5 or c.id = any($6) or coalesce(n.id, c.node_id) = any($7) or coalesce(k.id, n.cluster_id, cn.cluster_id) = any($8) or c.owner_id = any($9))`,
		f.User, f.Role, f.Scope, orNull(f.ScopeID),
		f.Reach.All, f.Reach.Containers, f.Reach.Nodes, f.Reach.Clusters, f.Reach.Owners)
}

// Binding loads one binding.
func (s *Store) Binding(ctx context.Context, binding id.BindingID) (Binding, error) {
	rows, err := s.db.Query(ctx, selectBindings+`where b.id = $1`, binding)
	if err != nil {
		return Binding{}, fmt.Errorf("load role binding: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanBinding)
	return b, one(err, "role binding", binding)
}

// InsertBinding gives a user a role. Who has it there already is a conflict.
func (tx *Tx) InsertBinding(ctx context.Context, b fleet.Binding) error {
	_, err := tx.tx.Exec(ctx, `
		insert into role_bindings (id, user_id, role_id, scope, scope_id, created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7)`,
		b.ID, b.UserID, b.RoleID, b.Scope, orNull(b.ScopeID), b.CreatedAt, b.CreatedBy)
	if violates(err, "role_bindings_once") {
		return fleet.Errorf(fleet.Conflict, "this user has this role there already: there is nothing to do")
	}
	return wrap("insert role binding", err)
}

// DeleteBinding takes a role from a user.
func (tx *Tx) DeleteBinding(ctx context.Context, binding id.BindingID) error {
	tag, err := tx.tx.Exec(ctx, `delete from role_bindings where id = $1`, binding)
	if err != nil {
		return fmt.Errorf("delete role binding: %w", err)
	}
	return changed(tag, "role binding", binding)
}

// unbindScope takes the bindings along with the thing that they were for.
const unbindScope = `delete from role_bindings where scope_id = $1`

// Place is where the thing of a scope stands, and what it is called. Within a
// transaction it stays until the end.
func (tx *Tx) Place(ctx context.Context, scope fleet.Scope, key uuid.UUID) (at authz.Target, name string, err error) {
	query := map[fleet.Scope]string{
		fleet.OfCluster: `select name, null::uuid, id, null::uuid, null::uuid from clusters where id = $1 for share`,
		fleet.OfNode:    `select name, id, cluster_id, null::uuid, null::uuid from nodes where id = $1 and deleted_at is null for share`,
		fleet.OfContainer: `select c.name, c.node_id, n.cluster_id, c.id, c.owner_id
			from containers c join nodes n on n.id = c.node_id where c.id = $1 and c.deleted_at is null for share of c`,
	}[scope]
	if query == "" { // everywhere
		return authz.Everything, "", nil
	}
	var p spot
	err = tx.tx.QueryRow(ctx, query, key).Scan(&name, &p.node, &p.cluster, &p.container, &p.owner)
	return p.target(), name, one(err, string(scope), key)
}
