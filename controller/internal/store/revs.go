package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// NodesByID loads nodes, in no order. Those that were deleted are left out.
func (s *Store) NodesByID(ctx context.Context, nodes []id.NodeID) ([]fleet.Node, error) {
	rows, err := s.db.Query(ctx, selectNodes+` and n.id = any($1)`, nodes)
	if err != nil {
		return nil, fmt.Errorf("load nodes: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanNode)
	if err != nil {
		return nil, fmt.Errorf("load nodes: %w", err)
	}
	return list, nil
}

// Revs are the revisions of nodes as the truth has them.
func (s *Store) Revs(ctx context.Context, nodes []id.NodeID) (map[id.NodeID]int64, error) {
	rows, err := s.db.Query(ctx, `select node_id, rev from node_health where node_id = any($1)`, nodes)
	if err != nil {
		return nil, fmt.Errorf("load revisions: %w", err)
	}
	revs := map[id.NodeID]int64{}
	var node id.NodeID
	var rev int64
	_, err = pgx.ForEachRow(rows, []any{&node, &rev}, func() error {
		revs[node] = rev
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load revisions: %w", err)
	}
	return revs, nil
}
