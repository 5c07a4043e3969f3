package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// NodeMemory is what a controller that begins has to know of a node.
type NodeMemory struct {
	Node      id.NodeID
	State     fleet.NodeState
	Since     time.Time
	Reason    string
	Rev       int64
	Acked     uint64
	MachineID string
	Hostname  string
}

// NodeMemories lists what is known of every node.
func (s *Store) NodeMemories(ctx context.Context) ([]NodeMemory, error) {
	rows, err := s.db.Query(ctx, `
		select n.id, h.status, h.status_since, h.status_reason, h.rev, coalesce(c.last_seq, 0), n.machine_id, n.hostname
		from nodes n join node_health h on h.node_id = n.id left join node_cursor c on c.node_id = n.id
		where n.deleted_at is null`)
	if err != nil {
		return nil, fmt.Errorf("load nodes: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[NodeMemory])
	if err != nil {
		return nil, fmt.Errorf("load nodes: %w", err)
	}
	return list, nil
}

// NodeChange is a node's new state.
type NodeChange struct {
	Node   id.NodeID
	State  fleet.NodeState
	Since  time.Time
	Reason string
}

// SaveNodeStates records new states and answers which of the nodes exist.
func (tx *Tx) SaveNodeStates(ctx context.Context, changes []NodeChange) ([]id.NodeID, error) {
	n := len(changes)
	ids, states := make([]id.NodeID, n), make([]fleet.NodeState, n)
	since, reasons := make([]time.Time, n), make([]string, n)
	for i, c := range changes {
		ids[i], states[i], since[i], reasons[i] = c.Node, c.State, c.Since, c.Reason
	}
	return tx.collectNodes(ctx, "save node states", `
		update node_health h set status = c.state, status_since = c.since, status_reason = c.reason
		from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[]) as c (node, state, since, reason)
		where h.node_id = c.node returning h.node_id`, ids, states, since, reasons)
}

// Heartbeat is the newest sign of life of a node.
type Heartbeat struct {
	Node       id.NodeID
	At         time.Time
	AppliedRev int64
	Offer      *spec.Resources // nil: as before
}

// SaveHeartbeats records many heartbeats at once and answers which of the
// nodes exist.
func (tx *Tx) SaveHeartbeats(ctx context.Context, beats []Heartbeat) ([]id.NodeID, error) {
	n := len(beats)
	ids, at, applied := make([]id.NodeID, n), make([]time.Time, n), make([]int64, n)
	cpu, memory, disk := make([]*int64, n), make([]*int64, n), make([]*int64, n)
	for i, b := range beats {
		ids[i], at[i], applied[i] = b.Node, b.At, b.AppliedRev
		if b.Offer != nil {
			cpu[i], memory[i], disk[i] = (*int64)(&b.Offer.CPU), (*int64)(&b.Offer.Memory), (*int64)(&b.Offer.Disk)
		}
	}
	return tx.collectNodes(ctx, "save heartbeats", `
		update node_health h set last_heartbeat = b.at, applied_rev = b.applied,
			offer_cpu = coalesce(b.cpu, h.offer_cpu), offer_memory = coalesce(b.memory, h.offer_memory),
			offer_disk = coalesce(b.disk, h.offer_disk)
		from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
			as b (node, at, applied, cpu, memory, disk)
		where h.node_id = b.node returning h.node_id`, ids, at, applied, cpu, memory, disk)
}

func (tx *Tx) collectNodes(ctx context.Context, step, sql string, args ...any) ([]id.NodeID, error) {
	rows, err := tx.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[id.NodeID])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", step, err)
	}
	return nodes, nil
}

// Facts is what an agent says of its machine in a hello.
type Facts struct {
	Hostname      string
	MachineID     string
	Arch          string
	AgentVersion  string
	DockerVersion string
	AppliedRev    int64
	Offer         *spec.Resources // nil: not said
}

// RecordHello writes down what an agent said of itself. The first hello is
// when the node joins.
func (tx *Tx) RecordHello(ctx context.Context, node id.NodeID, f Facts, at time.Time) error {
	tag, err := tx.tx.Exec(ctx, `
		update nodes set hostname = $2, machine_id = $3, arch = $4, agent_version = $5, docker_version = $6,
			joined_at = coalesce(joined_at, $7), updated_at = $7
		where id = $1 and deleted_at is null`,
		node, f.Hostname, f.MachineID, f.Arch, f.AgentVersion, f.DockerVersion, at)
	if err != nil {
		return fmt.Errorf("record hello: %w", err)
	}
	if err := changed(tag, "node", node); err != nil {
		return err
	}
	_, err = tx.SaveHeartbeats(ctx, []Heartbeat{{Node: node, At: at, AppliedRev: f.AppliedRev, Offer: f.Offer}})
	return err
}
