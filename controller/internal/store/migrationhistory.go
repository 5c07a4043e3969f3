package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
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
	Ports       []spec.PortChange // host ports that are others since
}

// HistoryList is how the migrations of a container that are over are listed.
var HistoryList = Listing{
	name: "migration history", looks: []string{"x.reason", "x.error", nameOf("from_node_id"), nameOf("to_node_id")},
	Finds:  "the reason, the error, and the names of the nodes",
	orders: []order{byTime("timestamp", "x.timestamp"), byText("status", "x.status"), byText("trigger", "x.trigger")},
}

// MigrationHistory lists the migrations of a container that are over, and the
// cursor of the next page.
func (s *Store) MigrationHistory(ctx context.Context, container id.ContainerID, page Page) ([]PastMigration, string, error) {
	return list(ctx, s, HistoryList, page, scanPast, `
		select id, container_id, from_node_id, to_node_id, status, timestamp, trigger, reason, error, state, attempt, leftover,
		       overlap_ms, detect_ms, decide_ms, stop_ms, start_ms, duration_ms, ports
		from container_migration_history where container_id = $1`, container)
}

func scanPast(row pgx.CollectableRow) (m PastMigration, err error) {
	err = row.Scan(&m.ID, &m.ContainerID, &m.From, &m.To, &m.Status, &m.Timestamp, &m.Trigger, &m.Reason, &m.Error, &m.State, &m.Attempt, &m.Leftover,
		&m.OverlapMS, &m.DetectMS, &m.DecideMS, &m.StopMS, &m.StartMS, &m.DurationMS, &m.Ports)
	return m, err
}
