package store

import (
	"context"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// PastMigration is a migration that is over, in the customer's shape with the
// times that its parts took. Those that do not apply are nil.
type PastMigration struct {
	ID          id.MigrationID
	ContainerID id.ContainerID
	From        id.NodeID
	To          *id.NodeID
	Status      fleet.MigrationStatus // completed or failed
	Timestamp   time.Time             // when it ended
	Trigger     fleet.MigrationKind
	Reason      string
	Error       string
	State       fleet.MigrationState
	Attempt     int
	Leftover    fleet.Leftover
	OverlapMS   *int64
	DetectMS    *int64 // from the verdict on the node to the migration
	DecideMS    *int64 // until a place was found
	StopMS      *int64 // until the source had confirmed
	StartMS     *int64 // from the switch until it ran
	DurationMS  int64
}

// MigrationHistory lists the migrations of a container that are over, newest
// first, and the cursor of the next page.
func (s *Store) MigrationHistory(ctx context.Context, container id.ContainerID, p Page) ([]PastMigration, string, error) {
	return nil, "", errLater
}
