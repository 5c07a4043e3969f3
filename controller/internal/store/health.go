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
	Node        id.NodeID
	State       fleet.NodeState
	Since       time.Time
	Reason      string
	Rev         int64
	Acked       uint64
	MachineID   string
	Hostname    string
	Profile     string // of its cluster; "": in none
	WindowMS    int64  // with a custom profile
	LeaseMS     int64  // the longest window under which leases may run; 0: not said
	Penalty     float64
	PenaltyAt   time.Time
	Quarantined bool
	DockerOK    bool
	GuardOK     bool
}

// NodeMemories lists what is known of every node.
func (s *Store) NodeMemories(ctx context.Context) ([]NodeMemory, error) {
	rows, err := s.db.Query(ctx, `
		select n.id, h.status, h.status_since, h.status_reason, h.rev, coalesce(c.last_seq, 0), n.machine_id, n.hostname,
			coalesce(k.profile, ''), coalesce(k.window_ms, 0), coalesce(h.lease_window_ms, 0),
			h.penalty, h.penalty_at, h.quarantined, h.docker_ok, h.guard_ok
		from nodes n join node_health h on h.node_id = n.id left join node_cursor c on c.node_id = n.id
			left join clusters k on k.id = n.cluster_id
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
	Node        id.NodeID
	From        fleet.NodeState // where it is another one than State, the step is kept
	State       fleet.NodeState
	Since       time.Time
	Reason      string
	Penalty     float64
	PenaltyAt   time.Time
	Quarantined bool
}

// SaveNodeStates records new states, and the steps that led to them, and
// answers which of the nodes exist.
func (tx *Tx) SaveNodeStates(ctx context.Context, changes []NodeChange) ([]id.NodeID, error) {
	n := len(changes)
	ids, from, states := make([]id.NodeID, n), make([]fleet.NodeState, n), make([]fleet.NodeState, n)
	since, reasons := make([]time.Time, n), make([]string, n)
	penalties, at, quarantined := make([]float64, n), make([]time.Time, n), make([]bool, n)
	for i, c := range changes {
		ids[i], from[i], states[i], since[i], reasons[i] = c.Node, c.From, c.State, c.Since, c.Reason
		penalties[i], at[i], quarantined[i] = c.Penalty, c.PenaltyAt, c.Quarantined
	}
	return tx.collectNodes(ctx, "save node states", `
		with saved as (
			update node_health h set status = c.state, status_since = c.since, status_reason = c.reason,
				penalty = c.penalty, penalty_at = c.at, quarantined = c.quarantined
			from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::float8[], $6::timestamptz[], $7::bool[], $8::text[])
				as c (node, state, since, reason, penalty, at, quarantined, was)
			where h.node_id = c.node returning h.node_id, c.was, c.state, c.since, c.reason
		), kept as (
			insert into node_transitions (node_id, at, from_state, to_state, reason)
			select node_id, since, was, state, reason from saved where was not in ('', state)
		)
		select node_id from saved`, ids, states, since, reasons, penalties, at, quarantined, from)
}

// Heartbeat is the newest sign of life of a node.
type Heartbeat struct {
	Node       id.NodeID
	At         time.Time
	AppliedRev int64
	DockerOK   bool
	GuardOK    bool
	Offer      *spec.Resources // nil: as before
	Busy       []spec.Port     // that others on the machine listen on; nil: as before
}

// SaveHeartbeats records many heartbeats at once and answers which of the
// nodes exist.
func (tx *Tx) SaveHeartbeats(ctx context.Context, beats []Heartbeat) ([]id.NodeID, error) {
	n := len(beats)
	ids, at, applied := make([]id.NodeID, n), make([]time.Time, n), make([]int64, n)
	docker, guard := make([]bool, n), make([]bool, n)
	cpu, memory, disk := make([]*int64, n), make([]*int64, n), make([]*int64, n)
	busy := make([]*[]spec.Port, n)
	for i, b := range beats {
		ids[i], at[i], applied[i] = b.Node, b.At, b.AppliedRev
		docker[i], guard[i] = b.DockerOK, b.GuardOK
		if b.Offer != nil {
			cpu[i], memory[i], disk[i] = (*int64)(&b.Offer.CPU), (*int64)(&b.Offer.Memory), (*int64)(&b.Offer.Disk)
		}
		busy[i] = busyPorts(b.Busy)
	}
	return tx.collectNodes(ctx, "save heartbeats", `
		update node_health h set last_heartbeat = b.at, applied_rev = b.applied,
			docker_ok = b.docker, guard_ok = b.guard,
			offer_cpu = coalesce(b.cpu, h.offer_cpu), offer_memory = coalesce(b.memory, h.offer_memory),
			offer_disk = coalesce(b.disk, h.offer_disk), busy_ports = coalesce(b.busy, h.busy_ports)
		from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bool[], $8::bool[], $9::jsonb[])
			as b (node, at, applied, cpu, memory, disk, docker, guard, busy)
		where h.node_id = b.node returning h.node_id`, ids, at, applied, cpu, memory, disk, docker, guard, busy)
}

// busyPorts is what is written of busy ports: nil where nothing was said.
func busyPorts(said []spec.Port) *[]spec.Port {
	if said == nil {
		return nil
	}
	return &said
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
	Busy          []spec.Port     // that others on the machine listen on; nil: not said
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
	return tx.recordFirst(ctx, node, f, at)
}

// recordFirst is what a hello says of the node's health: how Docker and the
// guard are comes with a heartbeat.
func (tx *Tx) recordFirst(ctx context.Context, node id.NodeID, f Facts, at time.Time) error {
	var cpu, memory, disk *int64
	if f.Offer != nil {
		cpu, memory, disk = (*int64)(&f.Offer.CPU), (*int64)(&f.Offer.Memory), (*int64)(&f.Offer.Disk)
	}
	_, err := tx.tx.Exec(ctx, `
		update node_health set last_heartbeat = $2, applied_rev = $3, offer_cpu = coalesce($4, offer_cpu),
			offer_memory = coalesce($5, offer_memory), offer_disk = coalesce($6, offer_disk),
			busy_ports = coalesce($7, busy_ports)
		where node_id = $1`, node, at, f.AppliedRev, cpu, memory, disk, busyPorts(f.Busy))
	if err != nil {
		return fmt.Errorf("record hello: %w", err)
	}
	return nil
}

// GivenUp tells which of the nodes are lost, on record.
func (s *Store) GivenUp(ctx context.Context, nodes []id.NodeID) (map[id.NodeID]bool, error) {
	rows, err := s.db.Query(ctx, `select node_id from node_health where node_id = any($1) and status = 'unhealthy'`, nodes)
	if err != nil {
		return nil, fmt.Errorf("load lost nodes: %w", err)
	}
	given := map[id.NodeID]bool{}
	var node id.NodeID
	_, err = pgx.ForEachRow(rows, []any{&node}, func() error { given[node] = true; return nil })
	return given, wrap("load lost nodes", err)
}
