package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

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
func (tx *Tx) Ahead(ctx context.Context, present []wire.ContainerRef) ([]wire.ContainerRef, error) {
	if len(present) == 0 {
		return nil, nil
	}
	ids, epochs := refs(present)
	rows, err := tx.tx.Query(ctx, `
		select p.id, p.epoch, false from unnest($1::uuid[], $2::bigint[]) as p (id, epoch)
		join containers c on c.id = p.id where c.epoch < p.epoch order by p.id`, ids, epochs)
	if err != nil {
		return nil, fmt.Errorf("compare epochs: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[wire.ContainerRef])
	return list, wrap("compare epochs", err)
}

func refs(list []wire.ContainerRef) ([]id.ContainerID, []int64) {
	ids, epochs := make([]id.ContainerID, len(list)), make([]int64, len(list))
	for i, p := range list {
		ids[i], epochs[i] = p.ID, p.Epoch
	}
	return ids, epochs
}

// NoteRegressions records what a node knows better than the truth does: a later
// revision of its own, later epochs of containers. It reports whether there is
// anything of the kind. Of several notes the latest stays.
func (tx *Tx) NoteRegressions(ctx context.Context, node id.NodeID, applied int64, present []wire.ContainerRef) (bool, error) {
	tag, err := tx.tx.Exec(ctx, `
		insert into rev_regressions as r (node_id, rev) select node_id, $2 from node_health where node_id = $1 and rev < $2
		on conflict (node_id) do update set rev = greatest(r.rev, excluded.rev), seen_at = now()`, node, applied)
	if err != nil {
		return false, fmt.Errorf("compare revisions: %w", err)
	}
	ahead, err := tx.Ahead(ctx, present)
	if err != nil || len(ahead) == 0 {
		return tag.RowsAffected() > 0, err
	}
	return true, tx.RecordRegressions(ctx, node, ahead)
}

// RecordRegressions notes what Ahead found on a node. Of several notes the
// latest epoch stays.
func (tx *Tx) RecordRegressions(ctx context.Context, node id.NodeID, ahead []wire.ContainerRef) error {
	ids, epochs := refs(ahead)
	_, err := tx.tx.Exec(ctx, `
		insert into epoch_regressions as e (container_id, node_id, epoch)
		select p.id, $1, p.epoch from unnest($2::uuid[], $3::bigint[]) as p (id, epoch) order by p.id
		on conflict (container_id) do update set node_id = excluded.node_id, epoch = excluded.epoch, seen_at = now()
		where excluded.epoch > e.epoch`, node, ids, epochs)
	return wrap("record regressions", err)
}

// Regressions lists what was noted.
func (s *Store) Regressions(ctx context.Context) ([]Regression, error) {
	rows, err := s.db.Query(ctx, `select container_id, node_id, epoch, seen_at from epoch_regressions order by seen_at, container_id`)
	if err != nil {
		return nil, fmt.Errorf("list regressions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Regression])
	return list, wrap("list regressions", err)
}

// SettleRegressions raises the epochs and revisions above all that was noted,
// forgets the notes, and answers the new revisions of the nodes concerned: those
// that the containers are assigned to, and those that know them better. Called
// when an operator releases the fleet.
func (tx *Tx) SettleRegressions(ctx context.Context) (revs map[id.NodeID]int64, err error) {
	rows, err := tx.tx.Query(ctx, `select c.id, c.node_id, e.node_id from containers c join epoch_regressions e on e.container_id = c.id
		order by c.id for update of c`)
	if err != nil {
		return nil, fmt.Errorf("settle regressions: %w", err)
	}
	var nodes []id.NodeID
	var containers, told []id.ContainerID
	var holder, knower id.NodeID
	var container id.ContainerID
	if _, err := pgx.ForEachRow(rows, []any{&container, &holder, &knower}, func() error {
		containers = append(containers, container)
		nodes, told = append(nodes, holder, knower), append(told, container, container)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("settle regressions: %w", err)
	}
	batch := &pgx.Batch{}
	// a migration in work goes on from the epoch that its container has now
	batch.Queue(`
		update container_migrations m set version = m.version + 1,
			from_epoch = case when m.to_epoch is null then e.epoch + 1 else m.from_epoch end,
			to_epoch = case when m.to_epoch is null then null else e.epoch + 1 end
		from epoch_regressions e join containers c on c.id = e.container_id
		where m.container_id = e.container_id and c.epoch <= e.epoch and `+isOpen+` and c.id = any($1)`, containers)
	batch.Queue(`update containers c set epoch = e.epoch + 1, updated_at = now() from epoch_regressions e
		where c.id = e.container_id and c.epoch <= e.epoch and c.id = any($1)`, containers)
	batch.Queue(`delete from epoch_regressions where container_id = any($1)`, containers)
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("settle regressions: %w", err)
	}
	raised, err := tx.settleRevs(ctx, nodes)
	if err != nil {
		return nil, err
	}
	if revs, err = tx.touchNodes(ctx, nodes, told); err != nil {
		return nil, err
	}
	for node, rev := range raised {
		revs[node] = max(revs[node], rev)
	}
	return revs, nil
}

// settleRevs raises revisions above what nodes have applied. No change is
// recorded for the new ones: the gap has the nodes told everything. The ledgers
// of others, which are touched next, are locked along, in one order.
func (tx *Tx) settleRevs(ctx context.Context, others []id.NodeID) (map[id.NodeID]int64, error) {
	rows, err := tx.tx.Query(ctx, `select node_id from rev_regressions order by node_id for update`)
	if err != nil {
		return nil, fmt.Errorf("settle revisions: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[id.NodeID])
	if err != nil || len(nodes) == 0 {
		return nil, wrap("settle revisions", err)
	}
	revs := map[id.NodeID]int64{}
	var node id.NodeID
	var rev int64
	batch := &pgx.Batch{}
	batch.Queue(lockLedgers, append(slices.Clone(nodes), others...))
	batch.Queue(`
		with raised as (
			update node_health h set rev = greatest(h.rev, r.rev) + 1 from rev_regressions r
			where r.node_id = h.node_id and h.node_id = any($1) returning h.node_id, h.rev),
		told as (insert into outbox (node_id) select node_id from raised order by node_id)
		select node_id, rev from raised`, nodes).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&node, &rev}, func() error {
			revs[node] = rev
			return nil
		})
		return err
	})
	batch.Queue(`delete from rev_regressions where node_id = any($1)`, nodes)
	return revs, wrap("settle revisions", tx.tx.SendBatch(ctx, batch).Close())
}
