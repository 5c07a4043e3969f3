package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

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
	Container   fleet.Container // as it is now, NodeID and Epoch where it is now; of its spec no more than movingSpec
	FromCluster *id.ClusterID   // of the node where it is now
	Stop        wire.Receipt    // of StopCommand; "": there is none
	StopMessage string
	Ports       []spec.Port // as they will be at To; nil: none are reserved
	Unreadable  error       // why Container.Spec is not there; the others must not wait for that
}

// scanMoving reads a row of containerColumns, with fields before and behind them.
func scanMoving(o *OpenMigration, row pgx.CollectableRow, before []any, behind ...any) error {
	var made tolerant
	fields := append(append(before, containerFieldsWith(&o.Container, &made)...), behind...)
	if err := row.Scan(fields...); err != nil {
		return err
	}
	o.Container.Spec, o.Unreadable = made.spec, made.fault
	return nil
}

// movingSpec leaves out of a spec what no decision about a move depends on: it
// takes long to read for a thousand, and secrets stay where they are.
const movingSpec = `case when jsonb_typeof(c.spec) = 'object'
	then c.spec - '{environment,secret,salt,files,command,done,health}'::text[] else c.spec end`

var movingColumns = strings.Replace(containerColumns, "c.spec", movingSpec, 1)

// tolerant takes note of a spec that cannot be read, and lets the row be.
type tolerant struct {
	spec  spec.Container
	fault error
}

// UnmarshalJSON never fails.
func (t *tolerant) UnmarshalJSON(text []byte) error {
	t.fault = json.Unmarshal(text, &t.spec)
	return nil
}

// isHolding is whether a migration m has room and ports reserved at its target,
// beside what its container has where it is.
const isHolding = `m.state in ('reserved', 'stopping', 'fencing')`

func holds(s fleet.MigrationState) bool {
	return s == fleet.MigrationReserved || s == fleet.MigrationStopping || s == fleet.MigrationFencing
}

var selectOpen = `
	select` + migrationColumns + `,` + movingColumns + `, n.cluster_id, coalesce(k.receipt, ''), coalesce(k.message, ''),
	       case when ` + isHolding + ` then (
	           select jsonb_agg(jsonb_build_object('ip', a.ip, 'host', a.port, 'protocol', a.protocol) order by a.port)
	           from allocations a where a.container_id = m.container_id and a.node_id = m.to_node_id) end
	from container_migrations m join containers c on c.id = m.container_id join nodes n on n.id = c.node_id
	left join commands k on k.id = m.stop_command`

func scanOpen(row pgx.CollectableRow) (OpenMigration, error) {
	var o OpenMigration
	var reserved []spec.Port
	err := scanMoving(&o, row, migrationFields(&o.Migration), &o.FromCluster, &o.Stop, &o.StopMessage, &reserved)
	if holds(o.State) {
		o.Ports = settle(o.Container.Spec.Ports, reserved)
	}
	return o, err
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
	list, err := pgx.CollectRows(rows, scanOpen)
	return list, wrap("load open migrations", err)
}

// NewFailovers lists the failovers that have yet to begin: of every ha
// container of nodes that are lost since then, that should run and is not being
// moved, the exclusive ones first. They are of version 0, and on record with their first step. The
// verdict has to be written down before: a controller that begins anew would
// otherwise read of a move away from a node that it takes for healthy.
func (s *Store) NewFailovers(ctx context.Context, lost map[id.NodeID]time.Time, now time.Time, limit int) ([]OpenMigration, error) {
	nodes, since := make([]id.NodeID, 0, len(lost)), make([]time.Time, 0, len(lost))
	for node, at := range lost {
		nodes, since = append(nodes, node), append(since, at)
	}
	rows, err := s.db.Query(ctx, `
		select`+movingColumns+`, n.cluster_id, 'node ' || n.name || ' is lost: ' || h.status_reason, w.since
		from unnest($1::uuid[], $2::timestamptz[]) as w (node, since) join nodes n on n.id = w.node join node_health h on h.node_id = w.node
		join containers c on c.node_id = w.node
		where c.desired_power = 'running' and `+mayFailOver+`
		order by c.ha_policy desc, c.id limit $3`, nodes, since, limit)
	if err != nil {
		return nil, fmt.Errorf("find containers of lost nodes: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (OpenMigration, error) {
		o := OpenMigration{Migration: fleet.Migration{
			ID: id.New[id.MigrationID](), Kind: fleet.KindFailover, State: fleet.MigrationQueued, Attempt: 1,
			Priority: fleet.PriorityFailover, CreatedAt: now, NextRunAt: now, Leftover: fleet.LeftoverNone,
		}}
		c, m := &o.Container, &o.Migration
		err := scanMoving(&o, row, nil, &o.FromCluster, &m.Reason, &m.DetectedAt)
		m.ContainerID, m.From, m.FromEpoch, m.Policy = c.ID, c.NodeID, c.Epoch, c.HAPolicy
		if m.Policy == fleet.Exclusive {
			m.Priority = fleet.PriorityExclusive
		}
		return o, err
	})
	return list, wrap("find containers of lost nodes", err)
}

// mayFailOver is what must be true of a container c of a node with health h
// when its failover begins. The open migrations are read once: Postgres takes
// them for few, and would look through all of them for each container.
const mayFailOver = `c.type = 'ha' and c.deleted_at is null and h.status = 'unhealthy'
	and c.id not in (select m.container_id from container_migrations m where ` + isOpen + `)`

// LockedMigration is a migration under its lock, and what is known of its
// container now. What that is made of does not matter any more once it was
// decided about, and takes long to read for a thousand.
type LockedMigration struct {
	fleet.Migration
	held holding
}

// Still reports whether the container is where it was, and wanted as it was.
func (l LockedMigration) Still(was fleet.Container) bool {
	h := l.held
	return h.node == was.NodeID && h.epoch == was.Epoch && h.gen == was.Generation && h.power == was.Power && h.deleted == (was.DeletedAt != nil)
}

// LockMigrations is how a transaction begins that moves containers: it locks
// the containers, then the migrations, and answers with those that are still
// of the version given, or have yet to begin and still may. Those whose
// container somebody else holds right now are left out: they come round again.
func (tx *Tx) LockMigrations(ctx context.Context, list []fleet.Migration) ([]LockedMigration, error) {
	containers := make([]id.ContainerID, len(list))
	for i, m := range list {
		containers[i] = m.ContainerID
	}
	rows, err := tx.tx.Query(ctx, `select id from containers where id = any($1) order by id for update skip locked`, containers)
	if err != nil {
		return nil, fmt.Errorf("lock containers: %w", err)
	}
	ours := map[id.ContainerID]bool{}
	var container id.ContainerID
	if _, err := pgx.ForEachRow(rows, []any{&container}, func() error { ours[container] = true; return nil }); err != nil {
		return nil, fmt.Errorf("lock containers: %w", err)
	}
	held, err := tx.hold(ctx, slices.DeleteFunc(slices.Clone(list), func(m fleet.Migration) bool { return !ours[m.ContainerID] }))
	locked := make([]LockedMigration, len(held))
	for i, h := range held {
		locked[i] = LockedMigration{h.next, h}
	}
	return locked, err
}
