package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Leftover is an old copy of a container, on a node that did not confirm its
// stop.
type Leftover struct {
	Migration id.MigrationID
	Container id.ContainerID
	Node      id.NodeID
	Policy    fleet.HAPolicy
	State     fleet.MigrationState
	Was       fleet.Leftover
	OverlapMS *int64
}

const leftoverColumns = ` m.id, m.container_id, m.from_node_id, m.policy, m.state, m.leftover, m.overlap_ms`

func (tx *Tx) leftovers(ctx context.Context, step, sql string, args ...any) ([]Leftover, error) {
	rows, err := tx.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Leftover])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return list, nil
}

// Leftovers lists the nodes that may still have an old copy of something.
func (s *Store) Leftovers(ctx context.Context) ([]id.NodeID, error) {
	rows, err := s.db.Query(ctx, `select distinct from_node_id from container_migrations where leftover in ('unknown', 'running')`)
	if err != nil {
		return nil, fmt.Errorf("load leftovers: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[id.NodeID])
	if err != nil {
		return nil, fmt.Errorf("load leftovers: %w", err)
	}
	return nodes, nil
}

// MayStillRun names the nodes on which an old copy of a container may run.
func (tx *Tx) MayStillRun(ctx context.Context, container id.ContainerID) ([]string, error) {
	rows, err := tx.db.Query(ctx, `
		select distinct n.name from container_migrations m join nodes n on n.id = m.from_node_id
		where m.container_id = $1 and m.leftover in ('unknown', 'running') and n.deleted_at is null order by n.name`, container)
	if err != nil {
		return nil, fmt.Errorf("load old copies: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("load old copies: %w", err)
	}
	return nodes, nil
}

// FindLeftovers notes that a node has come back with old copies running, and
// answers those of which that is news.
func (tx *Tx) FindLeftovers(ctx context.Context, node id.NodeID, running []id.ContainerID) ([]Leftover, error) {
	return tx.leftovers(ctx, "find leftovers", `
		update container_migrations m set leftover = 'running'
		where m.from_node_id = $1 and m.leftover = 'unknown' and m.container_id = any($2)
		returning`+leftoverColumns, node, running)
}

// ClearLeftovers notes that nodes run nothing any more that is not theirs,
// and with that how long two copies ran side by side: from when the new one
// was seen to run. One that never ran beside another has overlapped by 0.
func (tx *Tx) ClearLeftovers(ctx context.Context, nodes []id.NodeID, at time.Time) ([]Leftover, error) {
	return tx.leftovers(ctx, "clear leftovers", `
		update container_migrations m set leftover = 'gone',
			overlap_ms = case when m.leftover = 'running' and m.running_at is not null
			                  then greatest(0, extract(epoch from $2::timestamptz - m.running_at) * 1000)::bigint else 0 end
		where m.from_node_id = any($1) and m.leftover in ('unknown', 'running')
		  and (not m.overlap or m.finished_at is not null)
		returning`+leftoverColumns, nodes, at)
}
