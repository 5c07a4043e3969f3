package store

import (
	"context"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// SetCordon gives a node nothing new from now on, or with a nil time lifts
// that.
func (tx *Tx) SetCordon(ctx context.Context, node id.NodeID, at *time.Time, reason string) error {
	return errLater
}

// Drain empties a node.
type Drain struct {
	Job      id.JobID
	Deadline *time.Time
	Standard bool // standard containers, too
}

// SetDrain begins a drain, or with nil ends it.
func (tx *Tx) SetDrain(ctx context.Context, node id.NodeID, d *Drain) error { return errLater }

// DrainingNodes lists the nodes that are being emptied.
func (s *Store) DrainingNodes(ctx context.Context) ([]fleet.Node, error) { return nil, errLater }

// Resident is a container that a node still has.
type Resident struct {
	Container fleet.Container
	Migration *id.MigrationID // that moves it now
}

// Residents lists what a node still has, those on their way out included.
func (s *Store) Residents(ctx context.Context, node id.NodeID) ([]Resident, error) {
	return nil, errLater
}
