package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// SaveMigrations writes everything else that a step changes, and answers
// which of them were still of the version given. What was reserved is given
// back where the state no longer holds it.
func (tx *Tx) SaveMigrations(ctx context.Context, list []fleet.Migration) ([]id.MigrationID, error) {
	held, err := tx.hold(ctx, list)
	if err != nil {
		return nil, err
	}
	var over []holding
	for _, h := range held {
		if holds(h.state) && !holds(h.next.State) {
			over = append(over, h)
		}
	}
	if err := tx.giveBack(ctx, over, nil); err != nil {
		return nil, err
	}
	saved := make([]id.MigrationID, len(held))
	for i, h := range held {
		saved[i] = h.next.ID
	}
	return saved, tx.writeAll(ctx, held)
}

// FinishMigrations writes final states: the migration, its container's
// status, its job unless that is a drain. An eviction ends, what was reserved
// is given back. Those that are no longer of the version given are left out.
// It answers what people want to hear, and the revisions of nodes that have
// something new.
func (tx *Tx) FinishMigrations(ctx context.Context, list []fleet.Migration) (News, map[id.NodeID]int64, error) {
	held, err := tx.hold(ctx, list)
	if err != nil || len(held) == 0 {
		return News{}, nil, err
	}
	var evicted []holding
	for _, h := range held {
		if h.evicting {
			evicted = append(evicted, h)
		}
	}
	if err := tx.giveBack(ctx, held, evicted); err != nil {
		return News{}, nil, err
	}
	revs, err := tx.setEvicting(ctx, evicted, false)
	if err != nil {
		return News{}, nil, err
	}
	if err := tx.writeAll(ctx, held); err != nil {
		return News{}, nil, err
	}
	news, err := tx.finished(ctx, held)
	return news, revs, err
}

// finished writes what containers, jobs and commands become when their
// migrations are over.
func (tx *Tx) finished(ctx context.Context, held []holding) (News, error) {
	var news News
	ids, status := make([]id.ContainerID, len(held)), make([]fleet.MigrationStatus, len(held))
	at := make([]*time.Time, len(held)) // of those that moved
	var failed []id.ContainerID
	for i, h := range held {
		ids[i], status[i] = h.next.ContainerID, h.next.State.Status()
		if h.next.State == fleet.MigrationDone {
			at[i] = h.next.FinishedAt
		} else {
			failed = append(failed, h.next.ContainerID)
		}
	}
	if err := tx.supersede(ctx, failed); err != nil {
		return News{}, err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		update containers c set migration_status = s.status, last_migration_at = coalesce(s.at, c.last_migration_at)
		from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as s (id, status, at)
		where c.id = s.id returning`+containerColumns, ids, status, at).
		Query(collectInto(&news.Containers, tx.scanContainer))
	batch.Queue(`select`+jobColumns+` from jobs j where j.id = any($1) and j.kind = 'migration.manage'`, jobsOf(held)).
		Query(collectInto(&news.Jobs, scanJob))
	return news, wrap("finish migrations", tx.tx.SendBatch(ctx, batch).Close())
}

func jobsOf(held []holding) []id.JobID {
	jobs := []id.JobID{}
	for _, h := range held {
		if h.next.JobID != nil {
			jobs = append(jobs, *h.next.JobID)
		}
	}
	return jobs
}

// writeAll writes migrations as they shall be, as their next version, and
// moves the jobs along that are theirs alone. The caller holds them.
func (tx *Tx) writeAll(ctx context.Context, held []holding) error {
	var list, begun []fleet.Migration
	for _, h := range held {
		if h.next.Version == 0 {
			begun = append(begun, h.next)
		} else {
			list = append(list, h.next)
		}
	}
	switch n, err := tx.insertMigrations(ctx, begun); {
	case err != nil:
		return err
	case n != len(begun):
		return fleet.Errorf(fleet.Conflict, "%d of %d containers are being moved already: read them again", len(begun)-n, len(begun))
	case len(list) == 0:
		return nil
	}
	rows := migrationRows(list)
	batch := &pgx.Batch{}
	batch.Queue(`
		update container_migrations m set state = r.state, version = m.version + 1, attempt = r.attempt, excluded = r.excluded,
			priority = r.priority, force = r.force, to_node_id = r.to_node_id, to_epoch = r.to_epoch, stop_rev = r.stop_rev,
			stop_command = r.stop_command, waiting = r.waiting, error = r.error, reserved_at = r.reserved_at,
			stopping_at = r.stopping_at, stopped_at = r.stopped_at, switched_at = r.switched_at, running_at = r.running_at,
			finished_at = r.finished_at, step_deadline = r.step_deadline, next_run_at = r.next_run_at,
			leftover = r.leftover, overlap_ms = r.overlap_ms, ports = r.ports
		from jsonb_to_recordset($1) as `+migrationRecord+` where m.id = r.id and m.version = r.version`, rows)
	if len(jobsOf(held)) == 0 {
		return wrap("save migrations", tx.tx.SendBatch(ctx, batch).Close())
	}
	batch.Queue(`
		update jobs j set state = r.job_state, step = r.step, progress = greatest(j.progress, r.progress), error = r.error,
			started_at = coalesce(j.started_at, now()), finished_at = r.finished_at
		from jsonb_to_recordset($1) as `+migrationRecord+`
		where j.id = r.job_id and j.kind = 'migration.manage' and j.state in ('queued', 'running')`, rows)
	return wrap("save migrations", tx.tx.SendBatch(ctx, batch).Close())
}

// supersede is SupersedeOpen for many.
func (tx *Tx) supersede(ctx context.Context, containers []id.ContainerID) error {
	if len(containers) == 0 {
		return nil
	}
	_, err := tx.tx.Exec(ctx, `
		with ended as (
			update commands set receipt = 'superseded', finished_at = now(), input = ''
			where container_id = any($1) and receipt in ('queued', 'delivered')
			returning job_id)
		update jobs set state = 'superseded', finished_at = now()
		where id in (select job_id from ended) and state in ('queued', 'running') and kind not in `+migratorsJobs, containers)
	return wrap("supersede commands", err)
}

// SaveJobs writes how far jobs have come, unless they are over: for those
// that no command's receipt moves.
func (tx *Tx) SaveJobs(ctx context.Context, jobs []fleet.Job) error {
	n := len(jobs)
	ids, states, finished := make([]id.JobID, n), make([]fleet.JobState, n), make([]*time.Time, n)
	progress, steps, errs := make([]int, n), make([]string, n), make([]string, n)
	for i, j := range jobs {
		ids[i], states[i], finished[i] = j.ID, j.State, j.FinishedAt
		progress[i], steps[i], errs[i] = j.Progress, j.Step, j.Error
	}
	_, err := tx.tx.Exec(ctx, `
		update jobs j set state = s.state, progress = s.progress, step = s.step, error = s.error, finished_at = s.finished_at,
			started_at = case when s.state = 'queued' then j.started_at else coalesce(j.started_at, now()) end
		from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::timestamptz[])
			as s (id, state, progress, step, error, finished_at)
		where j.id = s.id and j.state in ('queued', 'running')`, ids, states, progress, steps, errs, finished)
	return wrap("save jobs", err)
}

// CompletedMove is a container that has moved and shows that yet.
type CompletedMove struct {
	Container id.ContainerID
	At        time.Time
}

// CompletedMoves lists them, those that moved longest ago first.
func (s *Store) CompletedMoves(ctx context.Context, limit int) ([]CompletedMove, error) {
	rows, err := s.db.Query(ctx, `select id, last_migration_at from containers
		where migration_status = 'completed' and last_migration_at is not null order by last_migration_at limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("load completed moves: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[CompletedMove])
	return list, wrap("load completed moves", err)
}

// EndCompleted makes containers idle that have moved, and answers with them.
// One that has begun something else since, or that somebody holds, is left out.
func (tx *Tx) EndCompleted(ctx context.Context, list []CompletedMove) ([]fleet.Container, error) {
	ids, at := make([]id.ContainerID, len(list)), make([]time.Time, len(list))
	for i, m := range list {
		ids[i], at[i] = m.Container, m.At
	}
	rows, err := tx.tx.Query(ctx, `
		with past as (
			select c.id from unnest($1::uuid[], $2::timestamptz[]) as w (id, at)
			join containers c on c.id = w.id and c.last_migration_at = w.at
			where c.migration_status = 'completed' order by c.id for update of c skip locked)
		update containers c set migration_status = 'idle' from past where c.id = past.id returning`+containerColumns, ids, at)
	if err != nil {
		return nil, fmt.Errorf("end completed moves: %w", err)
	}
	out, err := pgx.CollectRows(rows, tx.scanContainer)
	return out, wrap("end completed moves", err)
}

// ContainersByID loads containers, also deleted ones, in no order.
func (s *Store) ContainersByID(ctx context.Context, ids []id.ContainerID) ([]fleet.Container, error) {
	rows, err := s.db.Query(ctx, `select`+containerColumns+` from containers c where c.id = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("load containers: %w", err)
	}
	list, err := pgx.CollectRows(rows, s.scanContainer)
	return list, wrap("load containers", err)
}
