package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// HeldBy lists all grants of a user with where he has them from. The walk up
// the roles ends at the bound that roles have (actions.maxDepth).
func (s *Store) HeldBy(ctx context.Context, user id.UserID) ([]authz.Held, error) {
	rows, err := s.db.Query(ctx, `
		with recursive held (binding_id, role_id, scope, scope_id, path) as (
			select b.id, b.role_id, b.scope, b.scope_id, array[r.name]
			from role_bindings b join roles r on r.id = b.role_id where b.user_id = $1
			union all
			select held.binding_id, above.id, held.scope, held.scope_id, held.path || above.name
			from held join roles r on r.id = held.role_id join roles above on above.id = r.parent_role_id
			where cardinality(held.path) < 16
		)
		select held.binding_id, held.path, p.permission, held.scope, held.scope_id, `+placeColumns+`
		from held join role_permissions p using (role_id) `+joinPlaces("held")+`
		union all
		select null, array[r.name], p.permission, 'owned', $1, '', null, null, null, null
		from roles r join role_permissions p on p.role_id = r.id where r.builtin and r.name = $2
		order by 4, 2, 3`, user, fleet.RoleOwner)
	if err != nil {
		return nil, fmt.Errorf("load grants: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (authz.Held, error) {
		var h authz.Held
		var binding *id.BindingID
		var scope *uuid.UUID
		var at spot
		err := row.Scan(&binding, &h.Path, &h.Permission, &h.Scope, &scope, &h.Name, &at.node, &at.cluster, &at.container, &at.owner)
		if binding != nil {
			h.Binding = *binding
		}
		h.ScopeID, h.At = orZero(scope), at.target()
		return h, err
	})
	return list, wrap("load grants", err)
}
