package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Transition is a step of a node from one state to another.
type Transition struct {
	At     time.Time
	From   fleet.NodeState
	To     fleet.NodeState
	Reason string
}

// NodeTransitions lists the latest steps of a node, newest first.
func (s *Store) NodeTransitions(ctx context.Context, node id.NodeID, limit int) ([]Transition, error) {
	rows, err := s.db.Query(ctx, `
		select at, from_state, to_state, reason from node_transitions where node_id = $1 order by at desc limit $2`, node, limit)
	if err != nil {
		return nil, fmt.Errorf("load node transitions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Transition])
	if err != nil {
		return nil, fmt.Errorf("load node transitions: %w", err)
	}
	return list, nil
}
