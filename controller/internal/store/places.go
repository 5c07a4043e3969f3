package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/shared/id"
)

// Place is where a container stands, or with a zero Container, a node.
type Place struct {
	Container id.ContainerID
	Node      id.NodeID
	Cluster   id.ClusterID
	Owner     id.UserID
}

// Places lists where everything stands.
func (s *Store) Places(ctx context.Context) ([]Place, error) {
	rows, err := s.db.Query(ctx, `
		select null::uuid, id, cluster_id, null::uuid from nodes where deleted_at is null
		union all
		select c.id, c.node_id, n.cluster_id, c.owner_id
		from containers c join nodes n on n.id = c.node_id where c.deleted_at is null`)
	if err != nil {
		return nil, fmt.Errorf("load places: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Place, error) {
		var p Place
		var container *id.ContainerID
		var cluster *id.ClusterID
		var owner *id.UserID
		err := row.Scan(&container, &p.Node, &cluster, &owner)
		if container != nil {
			p.Container = *container
		}
		if cluster != nil {
			p.Cluster = *cluster
		}
		if owner != nil {
			p.Owner = *owner
		}
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("load places: %w", err)
	}
	return list, nil
}
