package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// FleetState is what an operator said about the fleet as a whole.
type FleetState struct {
	Held      bool // no failovers until released
	Reason    string
	ChangedBy *id.UserID
	ChangedAt time.Time
}

// FleetState loads what an operator said last.
func (s *Store) FleetState(ctx context.Context) (FleetState, error) {
	var f FleetState
	err := s.db.QueryRow(ctx, `select held, reason, changed_by, changed_at from fleet_state`).
		Scan(&f.Held, &f.Reason, &f.ChangedBy, &f.ChangedAt)
	if err != nil {
		return f, fmt.Errorf("load fleet state: %w", err)
	}
	return f, nil
}
