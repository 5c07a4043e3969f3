package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// openMigrations is the condition of the partial indexes on what is not over,
// isOpen the same of a migration m.
const (
	openMigrations = `state not in ('completed', 'failed', 'rolled_back', 'cancelled')`
	isOpen         = `m.` + openMigrations
)

// migrationColumns are what scanMigration reads, in its order.
const migrationColumns = `
	m.id, m.container_id, m.kind, m.reason, m.requested_by, m.job_id, m.from_node_id, m.to_node_id, m.wanted_node_id,
	m.from_epoch, coalesce(m.to_epoch, 0), m.policy, m.force, m.overlap, m.state, m.version, m.attempt, m.excluded, m.priority,
	coalesce(m.stop_rev, 0), m.stop_command, m.waiting, m.error,
	m.detected_at, m.created_at, m.reserved_at, m.stopping_at, m.stopped_at, m.switched_at, m.running_at, m.finished_at,
	m.step_deadline, m.next_run_at, m.leftover, m.overlap_ms, m.ports`

// migrationFields are where a row of migrationColumns goes.
func migrationFields(m *fleet.Migration) []any {
	return []any{
		&m.ID, &m.ContainerID, &m.Kind, &m.Reason, &m.RequestedBy, &m.JobID, &m.From, &m.To, &m.Wanted,
		&m.FromEpoch, &m.ToEpoch, &m.Policy, &m.Force, &m.Overlap, &m.State, &m.Version, &m.Attempt, &m.Excluded, &m.Priority,
		&m.StopRev, &m.StopCommand, &m.Waiting, &m.Error,
		&m.DetectedAt, &m.CreatedAt, &m.ReservedAt, &m.StoppingAt, &m.StoppedAt, &m.SwitchedAt, &m.RunningAt, &m.FinishedAt,
		&m.Deadline, &m.NextRunAt, &m.Leftover, &m.OverlapMS, &m.Ports,
	}
}

func scanMigration(row pgx.CollectableRow) (fleet.Migration, error) {
	var m fleet.Migration
	err := row.Scan(migrationFields(&m)...)
	return m, err
}

// InsertMigration records a migration. Where the container is being moved
// already it is a Conflict naming that migration. The caller holds the
// container's lock.
func (tx *Tx) InsertMigration(ctx context.Context, m fleet.Migration) error {
	n, err := tx.insertMigrations(ctx, []fleet.Migration{m})
	if err != nil || n == 1 {
		return err
	}
	open, err := tx.OpenMigrationOf(ctx, m.ContainerID)
	if err != nil {
		return err
	}
	if open == nil {
		return fleet.Errorf(fleet.Conflict, "container %s was being moved until just now: try again", m.ContainerID)
	}
	return open.InTheWay()
}

// insertMigrations records migrations, except of containers that are being
// moved already, and answers how many.
func (tx *Tx) insertMigrations(ctx context.Context, list []fleet.Migration) (n int, err error) {
	if len(list) == 0 {
		return 0, nil
	}
	err = tx.tx.QueryRow(ctx, `
		with new as (
			insert into container_migrations (`+insertedColumns+`) select `+insertedColumns+` from jsonb_to_recordset($1) as `+migrationRecord+`
			on conflict (container_id) where `+openMigrations+` do nothing
			returning container_id),
		shown as (
			update containers c set migration_status = 'migrating' from new
			where c.id = new.container_id and c.migration_status <> 'migrating')
		select count(*) from new`, migrationRows(list)).Scan(&n)
	return n, wrap("insert migrations", err)
}

// Migration loads one migration.
func (s *Store) Migration(ctx context.Context, migration id.MigrationID) (fleet.Migration, error) {
	rows, err := s.db.Query(ctx, `select`+migrationColumns+` from container_migrations m where m.id = $1`, migration)
	if err != nil {
		return fleet.Migration{}, fmt.Errorf("load migration: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMigration)
	return m, one(err, "migration", migration)
}

// OpenMigrationOf is the migration that moves a container now, or nil.
func (s *Store) OpenMigrationOf(ctx context.Context, container id.ContainerID) (*fleet.Migration, error) {
	rows, err := s.db.Query(ctx, `select`+migrationColumns+` from container_migrations m
		where m.container_id = $1 and m.`+openMigrations, container)
	if err != nil {
		return nil, fmt.Errorf("load open migration: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMigration)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load open migration: %w", err)
	}
	return &m, nil
}

// MigrationList is how migrations are listed.
var MigrationList = Listing{
	name: "migrations", looks: []string{nameOfContainer, nameOf("from_node_id"), nameOf("to_node_id"), "x.reason"},
	Finds:  "the reason, and the names of its container and nodes",
	orders: []order{byTime("createdAt", "x.created_at"), byText("trigger", "x.kind"), byText("state", "x.state")},
}

// MigrationFilter narrows a list of migrations. Zero fields do not.
type MigrationFilter struct {
	Page
	Container *id.ContainerID
	Node      *id.NodeID // from or to it
	Job       *id.JobID
	Kind      fleet.MigrationKind
	Open      bool // not over
	Reach     Reach
}

// Migrations lists migrations, and the cursor of the next page. Those of
// containers that are gone are among them.
func (s *Store) Migrations(ctx context.Context, f MigrationFilter) ([]fleet.Migration, string, error) {
	return list(ctx, s, MigrationList, f.Page, scanMigration, `select`+migrationColumns+`
		from container_migrations m
		where ($1::uuid is null or m.container_id = $1)
		and ($2::uuid is null or $2 in (m.from_node_id, m.to_node_id, m.wanted_node_id))
		and ($3::uuid is null or m.job_id = $3)
		and ($4 = '' or m.kind = $4)
		and (not $5 or m.`+openMigrations+`)
		and `+f.Reach.holds("m.container_id", 6, ever),
		f.Container, f.Node, f.Job, f.Kind, f.Open, f.Reach.Containers, f.Reach.Nodes, f.Reach.Clusters, f.Reach.Owners)
}
