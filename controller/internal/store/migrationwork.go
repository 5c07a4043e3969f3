package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// OpenMigration is a migration that is not over, with all that its next step
// depends on.
type OpenMigration struct {
	fleet.Migration
	Container   fleet.Container // as it is now; NodeID and Epoch are where it is now
	FromCluster *id.ClusterID   // of the node where it is now
	Stop        wire.Receipt    // of StopCommand; "": there is none
	StopMessage string
	Ports       []spec.Port // as they will be at To; nil: none are reserved
}

// isHolding is whether a migration m has room and ports reserved at its target,
// beside what its container has where it is.
const isHolding = `m.state in ('reserved', 'stopping', 'fencing')`

func holds(s fleet.MigrationState) bool {
	return s == fleet.MigrationReserved || s == fleet.MigrationStopping || s == fleet.MigrationFencing
}

const selectOpen = `
	select` + migrationColumns + `,` + containerColumns + `, n.cluster_id, coalesce(k.receipt, ''), coalesce(k.message, ''),
	       case when ` + isHolding + ` then (
	           select jsonb_agg(jsonb_build_object('ip', a.ip, 'host', a.port, 'protocol', a.protocol) order by a.port)
	           from allocations a where a.container_id = m.container_id and a.node_id = m.to_node_id) end
	from container_migrations m join containers c on c.id = m.container_id join nodes n on n.id = c.node_id
	left join commands k on k.id = m.stop_command`

func (s *Store) scanOpen(row pgx.CollectableRow) (OpenMigration, error) {
	var o OpenMigration
	var reserved []spec.Port
	fields := append(migrationFields(&o.Migration), containerFields(&o.Container)...)
	if err := row.Scan(append(fields, &o.FromCluster, &o.Stop, &o.StopMessage, &reserved)...); err != nil {
		return OpenMigration{}, err
	}
	if holds(o.State) {
		o.Ports = settle(o.Container.Spec.Ports, reserved)
	}
	return o, s.openSpec(o.Container.ID, &o.Container.Spec)
}

// settle gives a container's ports the host ports that were reserved for it.
// Which of two automatic ones gets which number does not matter.
func settle(ports, reserved []spec.Port) []spec.Port {
	left := slices.Clone(reserved)
	take := func(p spec.Port, any bool) (spec.Port, bool) {
		i := slices.IndexFunc(left, func(q spec.Port) bool {
			return q.Protocol == p.Protocol && (any && p.AutoIP || q.IP == canonicalIP(p.IP)) && (any || q.Host == p.Host)
		})
		if i < 0 {
			return p.At(0), false
		}
		if q := left[i]; q.IP != canonicalIP(p.IP) {
			p.IP, p.AutoIP = q.IP, q.IP != ""
		}
		p = p.At(left[i].Host)
		left = slices.Delete(left, i, i+1)
		return p, true
	}
	out := slices.Clone(ports)
	moved := make([]bool, len(ports))
	for i, p := range ports {
		_, stays := take(p, false)
		moved[i] = !stays
	}
	for i, p := range ports {
		if moved[i] {
			out[i], _ = take(p, true)
		}
	}
	return out
}

// OpenMigrations lists the migrations that are not over, the most urgent
// first: waiting makes them more urgent (FAILOVER §7).
func (s *Store) OpenMigrations(ctx context.Context, limit int) ([]OpenMigration, error) {
	rows, err := s.db.Query(ctx, selectOpen+` where `+isOpen+`
		order by m.priority + extract(epoch from now() - m.created_at) / 10 desc, m.id limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("load open migrations: %w", err)
	}
	list, err := pgx.CollectRows(rows, s.scanOpen)
	return list, wrap("load open migrations", err)
}

// LockedMigration is a migration under its lock, and where its container is
// and what is wanted of it now. What a container is made of does not matter
// any more once it was decided about, and takes long to read for a thousand.
type LockedMigration struct {
	fleet.Migration
	Node       id.NodeID
	Epoch      int64
	Generation int64
	Power      spec.Power
	Deleted    bool
}

// LockMigrations is how a transaction begins that moves containers: it locks
// the containers, then the migrations, and answers with those that are still
// of the version given, read anew. Those whose container somebody else holds
// right now are left out: they come round again.
func (tx *Tx) LockMigrations(ctx context.Context, list []fleet.Migration) ([]LockedMigration, error) {
	containers := make([]id.ContainerID, len(list))
	ids, versions := make([]id.MigrationID, len(list)), make([]int, len(list))
	for i, m := range list {
		containers[i], ids[i], versions[i] = m.ContainerID, m.ID, m.Version
	}
	rows, err := tx.tx.Query(ctx, `select id from containers where id = any($1) order by id for update skip locked`, containers)
	if err != nil {
		return nil, fmt.Errorf("lock containers: %w", err)
	}
	locked, err := pgx.CollectRows(rows, pgx.RowTo[id.ContainerID])
	if err != nil {
		return nil, fmt.Errorf("lock containers: %w", err)
	}
	rows, err = tx.tx.Query(ctx, `select`+migrationColumns+`, c.node_id, c.epoch, c.generation, c.desired_power, c.deleted_at is not null
		from container_migrations m join containers c on c.id = m.container_id
		join unnest($1::uuid[], $2::int[]) as w (id, version) on w.id = m.id and w.version = m.version
		where m.container_id = any($3) and `+isOpen+` order by m.id for update of m`, ids, versions, locked)
	if err != nil {
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	open, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (LockedMigration, error) {
		var l LockedMigration
		err := row.Scan(append(migrationFields(&l.Migration), &l.Node, &l.Epoch, &l.Generation, &l.Power, &l.Deleted)...)
		return l, err
	})
	return open, wrap("lock migrations", err)
}
