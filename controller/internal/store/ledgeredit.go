package store

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// ledgerEdit is a change of many nodes' ledgers, done in one go.
type ledgerEdit struct {
	change map[id.NodeID]spec.Resources // also of nothing, to have it locked
	freed  allocations
	taken  allocations
}

// allocations are ports of containers on nodes, in columns.
type allocations struct {
	nodes      []id.NodeID
	containers []id.ContainerID
	ips        []string
	ports      []int
	protocols  []string
}

func (l *ledgerEdit) add(node id.NodeID, r spec.Resources) {
	if l.change == nil {
		l.change = map[id.NodeID]spec.Resources{}
	}
	l.change[node] = l.change[node].Add(r)
}

// lock has a node locked along with the others, in their order.
func (l *ledgerEdit) lock(node id.NodeID) { l.add(node, spec.Resources{}) }

func (l *ledgerEdit) take(node id.NodeID, h *holding) { l.add(node, h.resources) }

// release gives room and ports of a container on a node back.
func (l *ledgerEdit) release(node id.NodeID, h *holding) {
	l.add(node, spec.Resources{}.Sub(h.resources))
	l.freed.nodes = append(l.freed.nodes, node)
	l.freed.containers = append(l.freed.containers, h.next.ContainerID)
}

func (l *ledgerEdit) allocate(node id.NodeID, container id.ContainerID, ports []spec.Port) {
	for _, p := range ports {
		l.taken.nodes = append(l.taken.nodes, node)
		l.taken.containers = append(l.taken.containers, container)
		l.taken.ips = append(l.taken.ips, canonicalIP(p.IP))
		l.taken.ports = append(l.taken.ports, p.Host)
		l.taken.protocols = append(l.taken.protocols, p.Protocol)
	}
}

// swap is what a switch does: the container has room and ports at the place,
// and nowhere else.
func (l *ledgerEdit) swap(h *holding, p Placed) {
	reserved := h.reservedAt()
	if reserved == nil || *reserved != p.Node {
		l.take(p.Node, h)
		l.allocate(p.Node, h.next.ContainerID, p.Ports)
		if reserved != nil {
			l.release(*reserved, h)
		}
	}
	l.release(h.node, h)
}

// editLedgers carries an edit out. Where a node has not enough left, or a port
// is taken, it fails and the transaction with it: whoever placed looks again.
func (tx *Tx) editLedgers(ctx context.Context, l ledgerEdit) error {
	nodes := slices.SortedFunc(maps.Keys(l.change), compareIDs)
	if err := tx.lockLedgers(ctx, nodes); err != nil || len(nodes) == 0 {
		return err
	}
	cpu, memory, disk := make([]int64, len(nodes)), make([]int64, len(nodes)), make([]int64, len(nodes))
	for i, n := range nodes {
		r := l.change[n]
		cpu[i], memory[i], disk[i] = int64(r.CPU), int64(r.Memory), int64(r.Disk)
	}
	var changed int64
	batch := &pgx.Batch{}
	batch.Queue(`delete from allocations a using unnest($1::uuid[], $2::uuid[]) as f (node, container)
		where a.node_id = f.node and a.container_id = f.container`, l.freed.nodes, l.freed.containers)
	batch.Queue(`insert into allocations (node_id, container_id, ip, port, protocol)
		select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[])`,
		l.taken.nodes, l.taken.containers, l.taken.ips, l.taken.ports, l.taken.protocols)
	batch.Queue(`
		update node_health h set reserved_cpu = reserved_cpu + w.cpu, reserved_memory = reserved_memory + w.memory,
			reserved_disk = reserved_disk + w.disk
		from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) as w (node, cpu, memory, disk)
		where h.node_id = w.node and (w.cpu <= 0 or offer_cpu - reserved_cpu >= w.cpu)
			and (w.memory <= 0 or offer_memory - reserved_memory >= w.memory)
			and (w.disk <= 0 or offer_disk - reserved_disk >= w.disk)
		returning h.node_id`, nodes, cpu, memory, disk).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				changed++
			}
			return rows.Err()
		})
	switch err := tx.tx.SendBatch(ctx, batch).Close(); {
	case violates(err, "allocations_pkey"):
		return fleet.Errorf(fleet.Conflict, "a port is no longer free where a container was to go: it is placed again").Because(err)
	case err != nil:
		return fmt.Errorf("edit ledgers: %w", err)
	case int(changed) != len(nodes):
		return fleet.Errorf(fleet.NoCapacity, "%d of %d nodes have not enough left for what was placed there: it is placed again",
			len(nodes)-int(changed), len(nodes))
	}
	return nil
}

func compareIDs(a, b id.NodeID) int { return bytes.Compare(a[:], b[:]) }

// lockLedgers locks the ledgers of nodes in the order of their ids, which all
// who lock more than one keep to.
func (tx *Tx) lockLedgers(ctx context.Context, nodes []id.NodeID) error {
	if len(nodes) == 0 {
		return nil
	}
	_, err := tx.tx.Exec(ctx, lockLedgers, nodes)
	return wrap("lock ledgers", err)
}

const lockLedgers = `select 1 from node_health where node_id = any($1) order by node_id for update`

// touchNodes is TouchNode for many: a container on each of the nodes changed,
// pair by pair. A node has one new revision for all of its containers, and is
// told.
func (tx *Tx) touchNodes(ctx context.Context, nodes []id.NodeID, containers []id.ContainerID) (map[id.NodeID]int64, error) {
	revs := map[id.NodeID]int64{}
	if len(nodes) == 0 {
		return revs, nil
	}
	var node id.NodeID
	var rev int64
	batch := &pgx.Batch{}
	batch.Queue(lockLedgers, nodes)
	batch.Queue(`
		with bumped as (update node_health set rev = rev + 1 where node_id = any($1) returning node_id, rev),
		noted as (
			insert into node_changes (node_id, rev, container_id)
			select distinct b.node_id, b.rev, p.container from unnest($1::uuid[], $2::uuid[]) as p (node, container)
			join bumped b on b.node_id = p.node),
		told as (insert into outbox (node_id) select node_id from bumped order by node_id)
		select node_id, rev from bumped`, nodes, containers).
		Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&node, &rev}, func() error {
				revs[node] = rev
				return nil
			})
			return err
		})
	return revs, wrap("touch nodes", tx.tx.SendBatch(ctx, batch).Close())
}
