package store

import (
	"context"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// Regression is a container that a node knows in a later epoch than the truth
// does: the truth has been restored from a backup (FAILOVER §5.6 R7).
type Regression struct {
	Container id.ContainerID
	Node      id.NodeID
	Epoch     int64
	SeenAt    time.Time
}

// Ahead are those of the containers present on a node whose epoch is later
// than what the truth knows.
func (tx *Tx) Ahead(ctx context.Context, node id.NodeID, present []wire.ContainerRef) ([]wire.ContainerRef, error) {
	return nil, errLater
}

// RecordRegressions notes what Ahead found.
func (tx *Tx) RecordRegressions(ctx context.Context, node id.NodeID, ahead []wire.ContainerRef) error {
	return errLater
}

// Regressions lists what was noted.
func (s *Store) Regressions(ctx context.Context) ([]Regression, error) { return nil, errLater }

// SettleRegressions raises the epochs above all that was noted, forgets the
// notes, and answers the new revisions of the nodes concerned. Called when an
// operator releases the fleet.
func (tx *Tx) SettleRegressions(ctx context.Context) (revs map[id.NodeID]int64, err error) {
	return nil, errLater
}
