package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// OutboxRow says that a node has something new.
type OutboxRow struct {
	ID      int64
	Node    id.NodeID
	Command *id.CommandID
}

// Outbox lists what waits to be sent, oldest first.
func (s *Store) Outbox(ctx context.Context, after int64, limit int) ([]OutboxRow, error) {
	rows, err := s.db.Query(ctx, `select id, node_id, command_id from outbox where id > $1 order by id limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[OutboxRow])
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return list, nil
}

// DeleteOutbox takes away what was sent.
func (tx *Tx) DeleteOutbox(ctx context.Context, rows []int64) error {
	if _, err := tx.tx.Exec(ctx, `delete from outbox where id = any($1)`, rows); err != nil {
		return fmt.Errorf("delete from outbox: %w", err)
	}
	return nil
}

// Desired is what a node should run, as of one revision.
type Desired struct {
	Rev        int64
	Containers []wire.DesiredContainer // all of them, or those that changed
	Complete   bool                    // changes only: no revision in between was forgotten
}

// InSnapshot runs reads that see the database at one moment.
func (s *Store) InSnapshot(ctx context.Context, read func(*Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		return read(&Tx{Store: Store{pool: s.pool, db: tx}, tx: tx})
	})
}

// toldPower is the power that the assigned node is told: a container that is
// about to leave has to stop there first, whatever is desired.
const toldPower = `case when c.evicting and c.desired_power = 'running' then 'stopped' else c.desired_power end`

// DesiredOf is all that a node should run.
func (tx *Tx) DesiredOf(ctx context.Context, node id.NodeID) (Desired, error) {
	rev, err := tx.rev(ctx, node)
	if err != nil {
		return Desired{}, err
	}
	rows, err := tx.tx.Query(ctx, `select c.id, c.epoch, c.generation, c.spec_hash, `+toldPower+` from containers c
		where c.node_id = $1 and c.deleted_at is null order by c.id`, node)
	if err != nil {
		return Desired{}, fmt.Errorf("load desired set: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wire.DesiredContainer])
	if err != nil {
		return Desired{}, fmt.Errorf("load desired set: %w", err)
	}
	return Desired{Rev: rev, Containers: list, Complete: true}, nil
}

// DesiredSince is what changed of a node's desired set after a revision: at
// most limit containers, else it is not complete. A container that was
// deleted or moved away should be absent.
func (tx *Tx) DesiredSince(ctx context.Context, node id.NodeID, after int64, limit int) (Desired, error) {
	rev, err := tx.rev(ctx, node)
	if err != nil || after > rev {
		return Desired{Rev: rev}, err
	}
	var kept int64
	err = tx.tx.QueryRow(ctx, `select count(distinct rev) from node_changes where node_id = $1 and rev > $2 and rev <= $3`,
		node, after, rev).Scan(&kept)
	if err != nil {
		return Desired{}, fmt.Errorf("count changes: %w", err)
	}
	if kept != rev-after {
		return Desired{Rev: rev}, nil
	}
	rows, err := tx.tx.Query(ctx, `
		select c.id, c.epoch, c.generation, c.spec_hash,
		       case when c.node_id = $1 and c.deleted_at is null then `+toldPower+` else 'absent' end
		from containers c
		where c.id in (select container_id from node_changes where node_id = $1 and rev > $2 and rev <= $3)
		order by c.id limit $4`, node, after, rev, limit+1)
	if err != nil {
		return Desired{}, fmt.Errorf("load changes: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wire.DesiredContainer])
	if err != nil {
		return Desired{}, fmt.Errorf("load changes: %w", err)
	}
	return Desired{Rev: rev, Containers: list, Complete: len(list) <= limit}, nil
}

func (tx *Tx) rev(ctx context.Context, node id.NodeID) (rev int64, err error) {
	err = tx.tx.QueryRow(ctx, `select rev from node_health where node_id = $1`, node).Scan(&rev)
	return rev, one(err, "node", node)
}

// Misplaced are those of the containers present on a node that were deleted
// or are assigned to another. Containers that nobody knows are not among
// them: those are left alone.
func (tx *Tx) Misplaced(ctx context.Context, node id.NodeID, present []wire.ContainerRef) ([]wire.ContainerRef, error) {
	if len(present) == 0 {
		return nil, nil
	}
	ids, epochs := make([]id.ContainerID, len(present)), make([]int64, len(present))
	for i, p := range present {
		ids[i], epochs[i] = p.ID, p.Epoch
	}
	rows, err := tx.tx.Query(ctx, `
		select p.id, p.epoch, false from unnest($2::uuid[], $3::bigint[]) as p (id, epoch)
		join containers c on c.id = p.id
		where (c.node_id <> $1 or c.deleted_at is not null) and p.epoch <= c.epoch`, node, ids, epochs)
	if err != nil {
		return nil, fmt.Errorf("load misplaced containers: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wire.ContainerRef])
	if err != nil {
		return nil, fmt.Errorf("load misplaced containers: %w", err)
	}
	return list, nil
}

// Specs loads the specs of a node's containers by hash. A hash that is none
// of its own is left out.
func (s *Store) Specs(ctx context.Context, node id.NodeID, hashes []string) (map[string]spec.Container, error) {
	rows, err := s.db.Query(ctx, `select distinct on (spec_hash) spec_hash, spec from containers
		where node_id = $1 and deleted_at is null and spec_hash = any($2)`, node, hashes)
	if err != nil {
		return nil, fmt.Errorf("load specs: %w", err)
	}
	specs := map[string]spec.Container{}
	var hash string
	var one spec.Container
	_, err = pgx.ForEachRow(rows, []any{&hash, &one}, func() error {
		specs[hash], one = one, spec.Container{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load specs: %w", err)
	}
	return specs, nil
}

// OpenCommand is a command that waits for its result, and the spec of its
// container where the command makes one.
type OpenCommand struct {
	fleet.Command
	Spec *spec.Container
}

// OpenCommands lists the commands of a node that are neither finished nor
// late, oldest first: all, or those among only.
func (s *Store) OpenCommands(ctx context.Context, node id.NodeID, only []id.CommandID) ([]OpenCommand, error) {
	rows, err := s.db.Query(ctx, `
		select k.id, k.job_id, k.node_id, k.container_id, k.action, k.receipt, k.rev, k.epoch, k.generation, k.deadline,
		       k.message, k.queued_at, k.delivered_at, k.finished_at, case when k.action in ('create', 'migrate_create') then c.spec end
		from commands k left join containers c on c.id = k.container_id
		where k.node_id = $1 and k.receipt in ('queued', 'delivered')
		  and (k.deadline is null or k.deadline > now())
		  and ($2::uuid[] is null or k.id = any($2))
		order by k.queued_at, k.id`, node, only)
	if err != nil {
		return nil, fmt.Errorf("load open commands: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (OpenCommand, error) {
		var c OpenCommand
		err := row.Scan(&c.ID, &c.JobID, &c.NodeID, &c.ContainerID, &c.Action, &c.Receipt, &c.Rev, &c.Epoch, &c.Generation,
			&c.Deadline, &c.Message, &c.QueuedAt, &c.DeliveredAt, &c.FinishedAt, &c.Spec)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("load open commands: %w", err)
	}
	return list, nil
}

// NewsOf is what people should hear of commands that were just written:
// their containers, deleted ones included, their jobs, and the jobs that
// they replaced.
func (s *Store) NewsOf(ctx context.Context, commands []id.CommandID) (News, error) {
	var news News
	rows, err := s.db.Query(ctx, `select`+containerColumns+` from containers c
		where c.id in (select container_id from commands where id = any($1))`, commands)
	if err == nil {
		news.Containers, err = pgx.CollectRows(rows, scanContainer)
	}
	if err != nil {
		return News{}, fmt.Errorf("load news: %w", err)
	}
	rows, err = s.db.Query(ctx, `select`+jobColumns+` from jobs j
		where j.id in (select job_id from commands where id = any($1))
		   or (j.state = 'superseded' and j.finished_at > now() - interval '1 minute'
		       and j.container_id in (select container_id from commands where id = any($1)))`, commands)
	if err == nil {
		news.Jobs, err = pgx.CollectRows(rows, scanJob)
	}
	if err != nil {
		return News{}, fmt.Errorf("load news: %w", err)
	}
	return news, nil
}
