package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

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
func (s *Store) MigrationHistory(ctx context.Context, container id.ContainerID, page Page) ([]PastMigration, string, error) {
	before, err := page.before()
	if err != nil {
		return nil, "", err
	}
	rows, err := s.db.Query(ctx, `
		select id, container_id, from_node_id, to_node_id, status, timestamp, trigger, reason, error, state, attempt, leftover,
		       overlap_ms, detect_ms, decide_ms, stop_ms, start_ms, duration_ms
		from container_migration_history
		where container_id = $1 and ($2::uuid is null or id < $2)
		order by id desc limit $3`, container, before, page.limit()+1)
	if err != nil {
		return nil, "", fmt.Errorf("load migration history: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PastMigration])
	if err != nil {
		return nil, "", fmt.Errorf("load migration history: %w", err)
	}
	list, next := cut(list, page.limit(), func(m PastMigration) fmt.Stringer { return m.ID })
	return list, next, nil
}
