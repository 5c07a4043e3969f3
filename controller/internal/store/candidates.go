package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

// selectCandidates reads nodes as placement wants to see them: all with the
// holders of host ports $1, and how many containers of the groups $2 each has;
// or those among $1 with all their ports. They are two statements, as one that
// asks whether it was given nodes reads all of them.
var (
	selectCandidates = candidatesWhere("a.port = any($1)", busyAmong, "group_key = any($2)", "true")
	selectThose      = candidatesWhere("a.node_id = any($1)", "nullif(h.busy_ports, '[]')", "false", "n.id = any($1)")
)

// busyAmong are the host ports $1 that something else on a node listens on.
// What all nodes of a fleet listen on is not read to place a container that
// asks for none of it.
const busyAmong = `case when cardinality($1) > 0 then (
	        select jsonb_agg(b) from jsonb_array_elements(h.busy_ports) b where (b->>'host')::int = any($1)) end`

// candidatesWhere answers null where there is nothing: of ten thousand nodes
// that is twenty thousand lists that need not be parsed.
func candidatesWhere(ports, busy, groups, nodes string) string {
	return `
	select n.id, n.name, n.cluster_id, h.status, n.joined_at is not null,
	       h.offer_cpu, h.offer_memory, h.offer_disk, h.reserved_cpu, h.reserved_memory, h.reserved_disk,
	       n.arch, n.cordoned_at is not null, n.drain_job_id is not null, h.quarantined, not h.docker_ok, h.guard_ok,
	       coalesce(k.profile, ''), coalesce(k.window_ms, 0),
	       case when h.penalty = 0 then 0 else h.penalty * power(0.5, extract(epoch from now() - h.penalty_at) / 900) end,
	       coalesce(s.starting, 0), coalesce(a.taken || ` + busy + `, a.taken, ` + busy + `), nullif(n.port_pools, '[]'), g.groups
	from nodes n join node_health h on h.node_id = n.id
	left join clusters k on k.id = n.cluster_id
	left join (
	    select m.to_node_id as node_id, count(*) as starting from container_migrations m
	    where ` + isOpen + ` and m.state <> 'queued' and m.to_node_id is not null group by m.to_node_id) s on s.node_id = n.id
	left join (
	    select a.node_id, jsonb_agg(jsonb_build_object('ip', a.ip, 'host', a.port, 'protocol', a.protocol)) as taken
	    from allocations a
	    where ` + ports + `
	    group by a.node_id) a on a.node_id = n.id
	left join (
	    select node_id, jsonb_object_agg(group_key, siblings) as groups
	    from (select node_id, group_key, count(*) as siblings from containers
	          where deleted_at is null and group_key <> '' and ` + groups + ` group by node_id, group_key) x
	    group by node_id) g on g.node_id = n.id
	where n.deleted_at is null and ` + nodes + `
	order by n.id`
}

func scanCandidate(row pgx.CollectableRow) (placement.Candidate, error) {
	var c placement.Candidate
	var profile string
	var window int64
	err := row.Scan(&c.Node, &c.Name, &c.Cluster, &c.State, &c.Joined,
		&c.Offer.CPU, &c.Offer.Memory, &c.Offer.Disk, &c.Reserved.CPU, &c.Reserved.Memory, &c.Reserved.Disk,
		&c.Arch, &c.Cordoned, &c.Draining, &c.Quarantined, &c.NoDocker, &c.Guarded,
		&profile, &window, &c.Penalty, &c.Starting, &c.Taken, &c.Pools, &c.Groups)
	if profile == lease.NameCustom {
		p, err := lease.Named(profile, time.Duration(window)*time.Millisecond)
		c.NoExclusive = err != nil || p.Exclusive() != nil
	}
	return c, err
}

// Candidates are all nodes as placement wants to see them, with the holders
// of those of the given host ports that are taken, and how many containers of
// the groups each has. What only the controller's memory knows (Silent), and
// the profile of nodes without a cluster, are the caller's to fill in.
func (s *Store) Candidates(ctx context.Context, ports []spec.Port, groups ...string) ([]placement.Candidate, error) {
	rows, err := s.db.Query(ctx, selectCandidates, hostPorts(ports), groups)
	if err != nil {
		return nil, fmt.Errorf("load candidates: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanCandidate)
	return all, wrap("load candidates", err)
}

// hostPorts lists those that may be refused: automatic ones may be others.
func hostPorts(ports []spec.Port) []int {
	list := []int{}
	for _, p := range ports {
		if p.Host != 0 && !p.Auto {
			list = append(list, p.Host)
		}
	}
	return list
}

// LockPlaces locks the ledgers of nodes, in the order of their ids, and
// answers with what is true of them now, all taken ports included. Nodes that
// were deleted are left out. Containers are locked before (LockMigrations);
// pass the nodes that are left, too, where a Switch follows.
func (tx *Tx) LockPlaces(ctx context.Context, nodes []id.NodeID) (map[id.NodeID]placement.Candidate, error) {
	places := make(map[id.NodeID]placement.Candidate, len(nodes))
	batch := &pgx.Batch{}
	batch.Queue(lockLedgers, nodes)
	batch.Queue(selectThose, nodes).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanCandidate)
		for _, c := range list {
			places[c.Node] = c
		}
		return err
	})
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("lock places: %w", err)
	}
	return places, nil
}
