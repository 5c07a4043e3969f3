package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// The ledger: what nodes offer, what is promised, which ports are taken. Its
// lock is the node_health row of a node; whoever hands out room or ports holds
// it, so two transactions never hand out the same. Locks are taken in the
// order container, ledger, node.

// LockLedger keeps the ledger of a node, and its desired set, from changing
// until the transaction ends.
func (tx *Tx) LockLedger(ctx context.Context, node id.NodeID) error {
	if _, err := tx.tx.Exec(ctx, `select 1 from node_health where node_id = $1 for update`, node); err != nil {
		return fmt.Errorf("lock ledger: %w", err)
	}
	return nil
}

// Reserve promises resources of a node, or gives them back where negative.
// It fails with NoCapacity, and the arithmetic, where the node has not that
// much left. It locks the node's ledger until the transaction ends.
func (tx *Tx) Reserve(ctx context.Context, node id.NodeID, want spec.Resources) error {
	tag, err := tx.tx.Exec(ctx, `
		update node_health set
			reserved_cpu = reserved_cpu + $2, reserved_memory = reserved_memory + $3, reserved_disk = reserved_disk + $4
		where node_id = $1
			and ($2::bigint <= 0 or offer_cpu - reserved_cpu >= $2)
			and ($3::bigint <= 0 or offer_memory - reserved_memory >= $3)
			and ($4::bigint <= 0 or offer_disk - reserved_disk >= $4)`,
		node, int64(want.CPU), int64(want.Memory), int64(want.Disk))
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if tag.RowsAffected() == 1 {
		return nil
	}
	n, err := tx.Node(ctx, node)
	if err != nil {
		return err
	}
	return fleet.Errorf(fleet.NoCapacity, "node %s has not enough left: %s; ask for less, choose another node or name none",
		n.Name, fleet.Shortfall(want, n.Health.Free()))
}

// holder is a taken port and who has it.
type holder struct {
	port      spec.Port
	container id.ContainerID
	name      string
}

// String names who has the port.
func (h holder) String() string {
	if h.container.IsZero() {
		return "a program on the node that is not a container of ours"
	}
	return fmt.Sprintf("container %s (%s)", h.name, h.container)
}

// portsOfNode are the pools of a node, and the ports that others than our
// containers listen on there.
func (tx *Tx) portsOfNode(ctx context.Context, node id.NodeID) (pools []spec.Pool, busy []spec.Port, err error) {
	err = tx.tx.QueryRow(ctx, `select n.port_pools, h.busy_ports from nodes n join node_health h on h.node_id = n.id where n.id = $1`, node).
		Scan(&pools, &busy)
	if err != nil {
		return nil, nil, fmt.Errorf("load the ports of a node: %w", err)
	}
	return pools, busy, nil
}

// Allocate takes host ports of a node for a container and answers them with
// every Host filled in. A port that is taken is a Conflict naming its holder.
// The container's row may follow later in the transaction.
func (tx *Tx) Allocate(ctx context.Context, c fleet.Container, ports []spec.Port) ([]spec.Port, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	taken, err := tx.holders(ctx, c.NodeID)
	if err != nil {
		return nil, err
	}
	pools, busy, err := tx.portsOfNode(ctx, c.NodeID)
	if err != nil {
		return nil, err
	}
	for _, p := range busy {
		taken = append(taken, holder{port: p})
	}
	chosen, fault := choosePorts(ports, pools, taken)
	if fault != nil {
		return nil, fault
	}
	batch := &pgx.Batch{}
	for _, p := range chosen {
		batch.Queue(`insert into allocations (node_id, ip, port, protocol, container_id) values ($1, $2, $3, $4, $5)`,
			c.NodeID, canonicalIP(p.IP), p.Host, p.Protocol, c.ID)
	}
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("allocate ports: %w", err)
	}
	return chosen, nil
}

// Deallocate gives all host ports of a container back.
func (tx *Tx) Deallocate(ctx context.Context, container id.ContainerID) error {
	if _, err := tx.tx.Exec(ctx, `delete from allocations where container_id = $1`, container); err != nil {
		return fmt.Errorf("deallocate ports: %w", err)
	}
	return nil
}

// holders lists what is taken on a node, under the lock of its ledger.
func (tx *Tx) holders(ctx context.Context, node id.NodeID) ([]holder, error) {
	if err := tx.LockLedger(ctx, node); err != nil {
		return nil, err
	}
	rows, err := tx.tx.Query(ctx, `select a.ip, a.port, a.protocol, a.container_id, c.name
		from allocations a join containers c on c.id = a.container_id where a.node_id = $1`, node)
	if err != nil {
		return nil, fmt.Errorf("load allocations: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (holder, error) {
		var h holder
		err := row.Scan(&h.port.IP, &h.port.Host, &h.port.Protocol, &h.container, &h.name)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("load allocations: %w", err)
	}
	return list, nil
}

// choosePorts fills the automatic host ports in and finds those of the wanted
// ones that are taken, all at once. It keeps clear of the ports wanted by
// name in the same request.
func choosePorts(wanted []spec.Port, pools []spec.Pool, taken []holder) ([]spec.Port, error) {
	conflict := fleet.Errorf(fleet.Conflict, "a port is taken: choose another, or leave host out to have one chosen")
	ours := []spec.Port{}
	for i, p := range wanted {
		if p.Host == 0 {
			continue
		}
		ours = append(ours, p)
		if h, found := findHolder(p, taken); found {
			conflict.Faults = append(conflict.Faults, spec.Fault{
				Field:   fmt.Sprintf("ports[%d].host", i),
				Message: fmt.Sprintf("%s port %d is taken by %s", p.Protocol, p.Host, h),
			})
		}
	}
	if len(conflict.Faults) > 0 {
		return nil, conflict
	}
	chosen := make([]spec.Port, len(wanted))
	for i, p := range wanted {
		if p.Host == 0 {
			var ok bool
			if p, ok = placement.FreePort(p, pools, ours, portsOf(taken)); !ok {
				return nil, fleet.Errorf(fleet.NoCapacity, "the node has no free port left in its pools: name one in ports[%d].host, give the node a larger pool (portPools) or choose another node", i)
			}
			ours = append(ours, p)
		}
		chosen[i] = p
	}
	return chosen, nil
}

func portsOf(holders []holder) []spec.Port {
	ports := make([]spec.Port, len(holders))
	for i, h := range holders {
		ports[i] = h.port
	}
	return ports
}

func findHolder(p spec.Port, taken []holder) (holder, bool) {
	for _, h := range taken {
		if p.Overlaps(h.port) {
			return h, true
		}
	}
	return holder{}, false
}

// canonicalIP spells an address one way, so that the primary key holds.
func canonicalIP(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.IsUnspecified() {
		return ""
	}
	return addr.Unmap().String()
}

// TouchNode notes that the desired set of a node changed in this container
// and answers the node's new revision. Every change of desired state calls
// it, in the same transaction.
func (tx *Tx) TouchNode(ctx context.Context, node id.NodeID, container id.ContainerID) (rev int64, err error) {
	err = tx.tx.QueryRow(ctx, `
		with bumped as (update node_health set rev = rev + 1 where node_id = $1 returning rev)
		insert into node_changes (node_id, rev, container_id) select $1, rev, $2 from bumped returning rev`,
		node, container).Scan(&rev)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fleet.Errorf(fleet.NotFound, "there is no node %s", node)
	}
	if err != nil {
		return 0, fmt.Errorf("touch node: %w", err)
	}
	return rev, nil
}

// FinishDelete ends a deletion: the container's promise, ports and name are
// free again. Called when the agent has confirmed the removal, or at once
// where no agent ever was; calling it again changes nothing.
func (tx *Tx) FinishDelete(ctx context.Context, container id.ContainerID) error {
	var node id.NodeID
	var held spec.Resources
	err := tx.tx.QueryRow(ctx, `update containers set deleted_at = now(), updated_at = now()
		where id = $1 and desired_power = 'absent' and deleted_at is null
		returning node_id, cpu, memory, disk`, container).Scan(&node, &held.CPU, &held.Memory, &held.Disk)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finish delete: %w", err)
	}
	if err := tx.Reserve(ctx, node, spec.Resources{}.Sub(held)); err != nil {
		return fmt.Errorf("finish delete: %w", err)
	}
	if _, err := tx.tx.Exec(ctx, unbindScope, container); err != nil {
		return fmt.Errorf("finish delete: %w", err)
	}
	return tx.Deallocate(ctx, container)
}
