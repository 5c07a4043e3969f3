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
		return read(&Tx{Store: Store{pool: s.pool, db: tx, vault: s.vault}, tx: tx})
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
	rows, err := tx.tx.Query(ctx, `select c.id, c.epoch, c.generation, c.spec_hash, `+toldPower+`, c.installs from containers c
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
	of, err := tx.DesiredAfter(ctx, map[id.NodeID]int64{node: after}, limit)
	if err != nil {
		return Desired{}, err
	}
	d, ok := of[node]
	if !ok {
		return Desired{}, fleet.Errorf(fleet.NotFound, "there is no node %s", node)
	}
	return d, nil
}

// DesiredAfter is DesiredSince for many nodes, each after a revision of its
// own, in as many statements as for one. Nodes that do not exist are left out.
func (tx *Tx) DesiredAfter(ctx context.Context, after map[id.NodeID]int64, limit int) (map[id.NodeID]Desired, error) {
	nodes, revs := columns(after)
	rows, err := tx.tx.Query(ctx, `
		select h.node_id, h.rev, w.after <= h.rev and x.revs = h.rev - w.after and x.containers <= $3
		from unnest($1::uuid[], $2::bigint[]) as w (node, after) join node_health h on h.node_id = w.node
		cross join lateral (
			select count(distinct k.rev) as revs, count(distinct k.container_id) as containers from node_changes k
			where k.node_id = h.node_id and k.rev > w.after and k.rev <= h.rev) x`, nodes, revs, limit)
	if err != nil {
		return nil, fmt.Errorf("count changes: %w", err)
	}
	out := make(map[id.NodeID]Desired, len(after))
	var node id.NodeID
	var d Desired
	if _, err := pgx.ForEachRow(rows, []any{&node, &d.Rev, &d.Complete}, func() error {
		out[node] = d
		return nil
	}); err != nil {
		return nil, fmt.Errorf("count changes: %w", err)
	}
	return out, tx.loadChanges(ctx, after, out)
}

// loadChanges fills in the containers of those that are complete.
func (tx *Tx) loadChanges(ctx context.Context, after map[id.NodeID]int64, of map[id.NodeID]Desired) error {
	changed := map[id.NodeID]int64{}
	for node, d := range of {
		if d.Complete && d.Rev > after[node] {
			changed[node] = after[node]
		}
	}
	if len(changed) == 0 {
		return nil
	}
	nodes, revs := columns(changed)
	rows, err := tx.tx.Query(ctx, `
		select x.node_id, c.id, c.epoch, c.generation, c.spec_hash,
		       case when c.node_id = x.node_id and c.deleted_at is null then `+toldPower+` else 'absent' end, c.installs
		from (select distinct k.node_id, k.container_id from unnest($1::uuid[], $2::bigint[]) as w (node, after)
		      join node_health h on h.node_id = w.node
		      join node_changes k on k.node_id = w.node and k.rev > w.after and k.rev <= h.rev) x
		join containers c on c.id = x.container_id order by x.node_id, c.id`, nodes, revs)
	if err != nil {
		return fmt.Errorf("load changes: %w", err)
	}
	var node id.NodeID
	var c wire.DesiredContainer
	_, err = pgx.ForEachRow(rows, []any{&node, &c.ID, &c.Epoch, &c.Generation, &c.SpecHash, &c.Power, &c.Install}, func() error {
		d := of[node]
		d.Containers = append(d.Containers, c)
		of[node] = d
		return nil
	})
	return wrap("load changes", err)
}

// columns are the keys and values of a map, side by side.
func columns(of map[id.NodeID]int64) (nodes []id.NodeID, numbers []int64) {
	for node, n := range of {
		nodes, numbers = append(nodes, node), append(numbers, n)
	}
	return nodes, numbers
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
	of, err := s.SpecsOf(ctx, []id.NodeID{node}, hashes)
	if err != nil || of[node] == nil {
		return map[string]spec.Container{}, err
	}
	return of[node], nil
}

// SpecsOf is Specs for many nodes: each gets those of the hashes that are its
// own.
func (s *Store) SpecsOf(ctx context.Context, nodes []id.NodeID, hashes []string) (map[id.NodeID]map[string]spec.Container, error) {
	rows, err := s.db.Query(ctx, `select distinct on (node_id, spec_hash) node_id, spec_hash, id, spec from containers
		where node_id = any($1) and deleted_at is null and spec_hash = any($2)`, nodes, hashes)
	if err != nil {
		return nil, fmt.Errorf("load specs: %w", err)
	}
	specs := map[id.NodeID]map[string]spec.Container{}
	var node id.NodeID
	var hash string
	var container id.ContainerID
	var one spec.Container
	_, err = pgx.ForEachRow(rows, []any{&node, &hash, &container, &one}, func() error {
		if err := s.openSpec(container, &one); err != nil {
			return err
		}
		if specs[node] == nil {
			specs[node] = map[string]spec.Container{}
		}
		specs[node][hash], one = one, spec.Container{}
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

// OpenCommands lists the commands of nodes that are neither finished nor late,
// oldest first: all, or those among only.
func (s *Store) OpenCommands(ctx context.Context, nodes []id.NodeID, only []id.CommandID) ([]OpenCommand, error) {
	rows, err := s.db.Query(ctx, `
		select k.id, k.job_id, k.node_id, k.container_id, k.action, k.receipt, k.rev, k.epoch, k.generation, k.deadline,
		       k.message, k.queued_at, k.delivered_at, k.finished_at, k.input, case when k.action in ('create', 'migrate_create') then c.spec end
		from commands k left join containers c on c.id = k.container_id
		where k.node_id = any($1) and k.receipt in ('queued', 'delivered')
		  and (k.deadline is null or k.deadline > now())
		  and ($2::uuid[] is null or k.id = any($2))
		order by k.queued_at, k.id`, nodes, only)
	if err != nil {
		return nil, fmt.Errorf("load open commands: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (OpenCommand, error) {
		var c OpenCommand
		err := row.Scan(&c.ID, &c.JobID, &c.NodeID, &c.ContainerID, &c.Action, &c.Receipt, &c.Rev, &c.Epoch, &c.Generation,
			&c.Deadline, &c.Message, &c.QueuedAt, &c.DeliveredAt, &c.FinishedAt, &c.Input, &c.Spec)
		if err == nil && c.Spec != nil {
			err = s.openSpec(*c.ContainerID, c.Spec)
		}
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
		news.Containers, err = pgx.CollectRows(rows, s.scanContainer)
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
