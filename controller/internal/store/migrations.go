package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

var errLater = errors.New("store: not written yet")

// openMigrations is the condition of the partial indexes on what is not over.
const openMigrations = `state not in ('completed', 'failed', 'rolled_back', 'cancelled')`

// migrationColumns are what scanMigration reads, in its order.
const migrationColumns = `
	m.id, m.container_id, m.kind, m.reason, m.requested_by, m.job_id, m.from_node_id, m.to_node_id, m.wanted_node_id,
	m.from_epoch, coalesce(m.to_epoch, 0), m.policy, m.force, m.overlap, m.state, m.version, m.attempt, m.excluded, m.priority,
	coalesce(m.stop_rev, 0), m.stop_command, m.waiting, m.error,
	m.detected_at, m.created_at, m.reserved_at, m.stopping_at, m.stopped_at, m.switched_at, m.running_at, m.finished_at,
	m.step_deadline, m.next_run_at, m.leftover, m.overlap_ms`

// migrationFields are where a row of migrationColumns goes.
func migrationFields(m *fleet.Migration) []any {
	return []any{
		&m.ID, &m.ContainerID, &m.Kind, &m.Reason, &m.RequestedBy, &m.JobID, &m.From, &m.To, &m.Wanted,
		&m.FromEpoch, &m.ToEpoch, &m.Policy, &m.Force, &m.Overlap, &m.State, &m.Version, &m.Attempt, &m.Excluded, &m.Priority,
		&m.StopRev, &m.StopCommand, &m.Waiting, &m.Error,
		&m.DetectedAt, &m.CreatedAt, &m.ReservedAt, &m.StoppingAt, &m.StoppedAt, &m.SwitchedAt, &m.RunningAt, &m.FinishedAt,
		&m.Deadline, &m.NextRunAt, &m.Leftover, &m.OverlapMS,
	}
}

func scanMigration(row pgx.CollectableRow) (fleet.Migration, error) {
	var m fleet.Migration
	err := row.Scan(migrationFields(&m)...)
	return m, err
}

// OpenMigration is a migration that is not over, with all that its next step
// depends on.
type OpenMigration struct {
	fleet.Migration
	Container   fleet.Container // as it is now; NodeID and Epoch are where it is now
	FromCluster *id.ClusterID   // of the node that it leaves
	Stop        wire.Receipt    // of the command that stops it; "": there is none
	StopMessage string
	Ports       []spec.Port // with the host ports that are reserved at To; nil: none reserved
}

// OpenMigrations lists the migrations that are not over, the most urgent
// first.
func (s *Store) OpenMigrations(ctx context.Context, limit int) ([]OpenMigration, error) {
	return nil, errLater
}

// Claim says who wants to work on migrations, and until when nobody else
// should.
type Claim struct {
	By    string
	Now   time.Time
	Until time.Time
	Limit int
}

// ClaimMigrations takes migrations that are due and that nobody else works
// on, the most urgent first. It belongs into a transaction of its own.
func (tx *Tx) ClaimMigrations(ctx context.Context, c Claim) ([]OpenMigration, error) {
	return nil, errLater
}

// LockMigrations is how a transaction begins that moves containers: it locks
// the containers, then the migrations, and answers with those that are still
// of the version given, read anew. Those whose container somebody else holds
// right now are left out: they come round again.
func (tx *Tx) LockMigrations(ctx context.Context, list []fleet.Migration) ([]OpenMigration, error) {
	return nil, errLater
}

// QueueFailovers queues a failover of every ha container of lost nodes that
// should run and is not being moved already, and answers how many.
func (tx *Tx) QueueFailovers(ctx context.Context, nodes []id.NodeID, detectedAt time.Time) (int, error) {
	return 0, errLater
}

// InsertMigration records a migration. Where the container is being moved
// already it is a Conflict naming that migration. The caller holds the
// container's lock.
func (tx *Tx) InsertMigration(ctx context.Context, m fleet.Migration) error {
	tag, err := tx.tx.Exec(ctx, `
		insert into container_migrations (id, container_id, kind, reason, requested_by, job_id, from_node_id, wanted_node_id,
			from_epoch, policy, force, overlap, state, priority, leftover, detected_at, created_at, next_run_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, coalesce(nullif($15, ''), 'none'), $16, $17, $17)
		on conflict (container_id) where `+openMigrations+` do nothing`,
		m.ID, m.ContainerID, m.Kind, m.Reason, m.RequestedBy, m.JobID, m.From, m.Wanted,
		m.FromEpoch, m.Policy, m.Force, m.Overlap, m.State, m.Priority, m.Leftover, m.DetectedAt, m.CreatedAt)
	if err != nil {
		return fmt.Errorf("insert migration: %w", err)
	}
	if tag.RowsAffected() == 0 {
		open, err := tx.OpenMigrationOf(ctx, m.ContainerID)
		if err != nil {
			return err
		}
		if open == nil { // it ended this moment
			return fleet.Errorf(fleet.Conflict, "container %s was being moved until this moment: try again", m.ContainerID)
		}
		return open.InTheWay()
	}
	_, err = tx.tx.Exec(ctx, `update containers set migration_status = 'migrating' where id = $1`, m.ContainerID)
	if err != nil {
		return fmt.Errorf("insert migration: %w", err)
	}
	return nil
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

// Migrations lists migrations, newest first, and the cursor of the next page.
func (s *Store) Migrations(ctx context.Context, f MigrationFilter) ([]fleet.Migration, string, error) {
	before, err := f.before()
	if err != nil {
		return nil, "", err
	}
	rows, err := s.db.Query(ctx, `select`+migrationColumns+`
		from container_migrations m join containers c on c.id = m.container_id join nodes n on n.id = c.node_id
		where ($1::uuid is null or m.id < $1)
		and ($2::uuid is null or m.container_id = $2)
		and ($3::uuid is null or $3 in (m.from_node_id, m.to_node_id, m.wanted_node_id))
		and ($4::uuid is null or m.job_id = $4)
		and ($5 = '' or m.kind = $5)
		and (not $6 or m.`+openMigrations+`)
		and ($7 or c.id = any($8) or c.node_id = any($9) or n.cluster_id = any($10))
		order by m.id desc limit $11`,
		before, f.Container, f.Node, f.Job, f.Kind, f.Open, f.Reach.All, f.Reach.Containers, f.Reach.Nodes, f.Reach.Clusters, f.limit()+1)
	if err != nil {
		return nil, "", fmt.Errorf("list migrations: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanMigration)
	if err != nil {
		return nil, "", fmt.Errorf("list migrations: %w", err)
	}
	list, next := cut(list, f.limit(), func(m fleet.Migration) fmt.Stringer { return m.ID })
	return list, next, nil
}
