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

// HoldFleet records that an operator holds all failovers; by is nil for the
// system. It outlives the controller.
func (tx *Tx) HoldFleet(ctx context.Context, reason string, by *id.UserID, at time.Time) error {
	return tx.setFleet(ctx, true, reason, by, at)
}

// ReleaseFleet records the end of that.
func (tx *Tx) ReleaseFleet(ctx context.Context, reason string, by *id.UserID, at time.Time) error {
	return tx.setFleet(ctx, false, reason, by, at)
}

func (tx *Tx) setFleet(ctx context.Context, held bool, reason string, by *id.UserID, at time.Time) error {
	_, err := tx.tx.Exec(ctx, `update fleet_state set held = $1, reason = $2, changed_by = $3, changed_at = $4`, held, reason, by, at)
	if err != nil {
		return fmt.Errorf("set state of the fleet: %w", err)
	}
	return nil
}
