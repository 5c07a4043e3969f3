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

// peopleLock is the key of the lock under which people and what they may do
// are changed: "people" in ASCII.
const peopleLock = 0x70656f706c65

// LockPeople lets changes of users, roles and bindings take turns, so that
// what one of them has checked still holds when it commits.
func (tx *Tx) LockPeople(ctx context.Context) error {
	_, err := tx.tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(peopleLock))
	return wrap("wait for other changes of people", err)
}

// KeepSuperuser refuses what has left no superuser: nobody who can sign in and
// has everything everywhere. It is called after the change, under LockPeople.
// Whoever has no password yet does not count.
func (tx *Tx) KeepSuperuser(ctx context.Context) error {
	var is bool
	err := tx.tx.QueryRow(ctx, `
		with recursive held (user_id, role_id) as (
			select b.user_id, b.role_id from role_bindings b where b.scope = 'global'
			union
			select held.user_id, r.parent_role_id from held join roles r on r.id = held.role_id where r.parent_role_id is not null
		)
		select exists (
			select from held join role_permissions p using (role_id) join users u on u.id = held.user_id
			where p.permission = '*' and u.disabled_at is null and u.password_hash <> '')`).Scan(&is)
	if err != nil {
		return fmt.Errorf("look for superusers: %w", err)
	}
	if !is {
		return fleet.Errorf(fleet.Conflict, "this would leave nobody who may do everything: make somebody else a superuser first, who can sign in")
	}
	return nil
}

// Reached looks what grants reach at present, all of them in one query.
func (s *Store) Reached(ctx context.Context, grants []authz.Grant) (authz.Reaches, error) {
	keys := map[authz.Scope][]uuid.UUID{}
	for _, g := range grants {
		keys[g.Scope] = append(keys[g.Scope], g.ScopeID)
	}
	places := map[uuid.UUID][]authz.Target{} // one id is of one thing only
	rows, err := s.db.Query(ctx, `
		select id, null::uuid, id, null::uuid, null::uuid from clusters where id = any($1)
		union all
		select id, id, cluster_id, null, null from nodes where id = any($2) and deleted_at is null
		union all
		select c.id, c.node_id, n.cluster_id, c.id, c.owner_id
		from containers c join nodes n on n.id = c.node_id where c.id = any($3) and c.deleted_at is null
		union all
		select c.owner_id, c.node_id, n.cluster_id, c.id, c.owner_id
		from containers c join nodes n on n.id = c.node_id where c.owner_id = any($4) and c.deleted_at is null`,
		keys[authz.OfCluster], keys[authz.OfNode], keys[authz.OfContainer], keys[authz.Owned])
	if err != nil {
		return nil, fmt.Errorf("look what grants reach: %w", err)
	}
	var key uuid.UUID
	var node, cluster, container, owner *uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&key, &node, &cluster, &container, &owner}, func() error {
		places[key] = append(places[key], authz.Target{
			Node: id.NodeID(orZero(node)), Cluster: id.ClusterID(orZero(cluster)),
			Container: id.ContainerID(orZero(container)), Owner: id.UserID(orZero(owner)),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look what grants reach: %w", err)
	}
	return func(_ authz.Scope, key uuid.UUID) []authz.Target { return places[key] }, nil
}

func orZero(key *uuid.UUID) uuid.UUID {
	if key == nil {
		return uuid.Nil
	}
	return *key
}
