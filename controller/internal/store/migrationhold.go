package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// holding is a migration under its lock: what the database says of it and its
// container now, with what the caller wants.
type holding struct {
	next fleet.Migration // as it shall be
	at   int             // its index in the caller's list

	state     fleet.MigrationState
	to        *id.NodeID
	node      id.NodeID
	epoch     int64
	gen       int64
	power     spec.Power
	deleted   bool
	evicting  bool
	resources spec.Resources
	ports     []spec.Port // of its spec
}

// reservedAt is where room is reserved beside what the container has.
func (h holding) reservedAt() *id.NodeID {
	if !holds(h.state) {
		return nil
	}
	return h.to
}

// What holdKnown and holdNew read of migrations that are on record, and of
// containers whose failover begins. Whether the former are open, and the latter
// still may, is not a condition: Postgres takes such for few, and would look
// through all of those for each that is asked for.
const (
	holdKnown = `
		select w.at, m.state, m.to_node_id, c.node_id, c.epoch, c.generation, c.desired_power, c.deleted_at is not null, c.evicting,
			c.cpu, c.memory, c.disk, c.spec -> 'ports'
		from unnest($1::uuid[], $2::int[], $3::int[]) as w (id, version, at)
		join container_migrations m on m.id = w.id and m.version = w.version
		join containers c on c.id = m.container_id
		order by c.id for update of c, m`
	holdNew = `
		select w.at, case when c.node_id = w.node and c.epoch = w.epoch and c.desired_power = 'running' and c.ha_policy = w.policy
				and ` + mayFailOver + ` then 'queued' else 'cancelled' end, null::uuid, c.node_id, c.epoch, c.generation, c.desired_power, false, c.evicting, c.cpu, c.memory, c.disk, c.spec -> 'ports'
		from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::int[]) as w (container, node, epoch, policy, at)
		join containers c on c.id = w.container join node_health h on h.node_id = c.node_id
		order by c.id for update of c`
)

// hold locks containers and migrations, and answers those that are open and
// of the version given, or have yet to begin and still may.
func (tx *Tx) hold(ctx context.Context, list []fleet.Migration) ([]holding, error) {
	var ids []id.MigrationID
	var versions, known, begun []int
	var containers []id.ContainerID
	var nodes []id.NodeID
	var epochs []int64
	var policies []fleet.HAPolicy
	for i, m := range list {
		if m.Version > 0 {
			ids, versions, known = append(ids, m.ID), append(versions, m.Version), append(known, i)
			continue
		}
		containers, nodes, epochs = append(containers, m.ContainerID), append(nodes, m.From), append(epochs, m.FromEpoch)
		policies, begun = append(policies, m.Policy), append(begun, i)
	}
	var held []holding
	collect := func(rows pgx.Rows) error {
		some, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (holding, error) {
			var h holding
			err := row.Scan(&h.at, &h.state, &h.to, &h.node, &h.epoch, &h.gen, &h.power, &h.deleted, &h.evicting,
				&h.resources.CPU, &h.resources.Memory, &h.resources.Disk, &h.ports)
			h.next = list[h.at]
			return h, err
		})
		held = append(held, some...)
		return err
	}
	batch := &pgx.Batch{}
	if len(ids) > 0 {
		batch.Queue(holdKnown, ids, versions, known).Query(collect)
	}
	if len(containers) > 0 {
		batch.Queue(holdNew, containers, nodes, epochs, policies, begun).Query(collect)
	}
	err := tx.tx.SendBatch(ctx, batch).Close()
	return slices.DeleteFunc(held, func(h holding) bool { return h.state.Final() }), wrap("lock migrations", err)
}

// holdAll is hold where none may be missing.
func (tx *Tx) holdAll(ctx context.Context, list []fleet.Migration) ([]holding, error) {
	held, err := tx.hold(ctx, list)
	if err == nil && len(held) != len(list) {
		err = fleet.Errorf(fleet.Conflict, "%d of %d migrations have gone on meanwhile: read them again", len(list)-len(held), len(list))
	}
	return held, err
}

// holdPlaced is holdAll for those that were found a place. Where the transaction
// has them all, they are not read again.
func (tx *Tx) holdPlaced(ctx context.Context, list []Placed) ([]holding, error) {
	held, next := make([]holding, len(list)), make([]fleet.Migration, len(list))
	have := true
	for i, p := range list {
		next[i] = p.Migration
		if p.Locked == nil {
			have = false
			continue
		}
		held[i] = p.Locked.held
		held[i].at, held[i].next = i, p.Migration
	}
	if have {
		return held, nil
	}
	return tx.holdAll(ctx, next)
}
