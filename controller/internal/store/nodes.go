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

// selectNodes is the read of a node with its health, in the order of scanNode.
const selectNodes = `
	select n.id, n.name, n.description, n.cluster_id, n.labels, n.port_pools, n.hostname, n.machine_id, n.arch,
	       n.agent_version, n.docker_version, n.joined_at, n.cordoned_at, n.cordon_reason, n.created_at, n.generation,
	       n.drain_job_id, coalesce(n.drain_deadline, n.created_at), n.drain_standard, n.drain_reason,
	       coalesce(k.profile, ''), coalesce(k.window_ms, 0),
	       h.status, h.status_since, h.status_reason, h.last_heartbeat,
	       h.offer_cpu, h.offer_memory, h.offer_disk,
	       h.reserved_cpu, h.reserved_memory, h.reserved_disk, h.rev, h.applied_rev,
	       h.penalty, h.quarantined, h.docker_ok, h.guard_ok
	from nodes n join node_health h on h.node_id = n.id left join clusters k on k.id = n.cluster_id
	where n.deleted_at is null`

func scanNode(row pgx.CollectableRow) (fleet.Node, error) {
	var n fleet.Node
	h := &n.Health
	var windowMS int64
	var drain *id.JobID
	var d fleet.Drain
	err := row.Scan(&n.ID, &n.Name, &n.Description, &n.ClusterID, &n.Labels, &n.Pools, &n.Hostname, &n.MachineID, &n.Arch,
		&n.AgentVersion, &n.DockerVersion, &n.JoinedAt, &n.CordonedAt, &n.CordonReason, &n.CreatedAt, &n.Generation,
		&drain, &d.Deadline, &d.Standard, &d.Reason,
		&n.Profile, &windowMS,
		&h.State, &h.Since, &h.Reason, &h.LastHeartbeat,
		&h.Offer.CPU, &h.Offer.Memory, &h.Offer.Disk,
		&h.Reserved.CPU, &h.Reserved.Memory, &h.Reserved.Disk, &h.Rev, &h.AppliedRev,
		&h.Penalty, &h.Quarantined, &h.DockerOK, &h.GuardOK)
	n.Window = milliseconds(windowMS)
	if len(n.Pools) == 0 {
		n.Pools = nil
	}
	if drain != nil {
		d.JobID = *drain
		n.Drain = &d
	}
	return n, err
}

// Node loads one node.
func (s *Store) Node(ctx context.Context, node id.NodeID) (fleet.Node, error) {
	rows, err := s.db.Query(ctx, selectNodes+` and n.id = $1`, node)
	if err != nil {
		return fleet.Node{}, fmt.Errorf("load node: %w", err)
	}
	n, err := pgx.CollectExactlyOneRow(rows, scanNode)
	return n, one(err, "node", node)
}

// NodeList is how nodes are listed.
var NodeList = Listing{
	name: "nodes", looks: []string{"x.name", "x.hostname", "x.description"}, Finds: "the name, the name of the machine, and the description",
	orders: []order{byText("name", "x.name"), byText("state", "x.status"), byTime("createdAt", "x.created_at")},
}

// NodeFilter narrows a list of nodes. Zero fields do not.
type NodeFilter struct {
	Page
	Cluster *id.ClusterID
	Reach   Reach
}

// Nodes lists nodes, and the cursor of the next page.
func (s *Store) Nodes(ctx context.Context, f NodeFilter) ([]fleet.Node, string, error) {
	return list(ctx, s, NodeList, f.Page, scanNode, selectNodes+`
		and ($1::uuid is null or n.cluster_id = $1)
		and ($2 or n.id = any($3) or n.cluster_id = any($4))`,
		f.Cluster, f.Reach.All, f.Reach.Nodes, f.Reach.Clusters)
}

// AllNodes lists every node by name: for health, which has no pages.
func (s *Store) AllNodes(ctx context.Context, reach Reach) ([]fleet.Node, error) {
	rows, err := s.db.Query(ctx, selectNodes+`
		and ($1 or n.id = any($2) or n.cluster_id = any($3)) order by n.name`,
		reach.All, reach.Nodes, reach.Clusters)
	if err != nil {
		return nil, fmt.Errorf("list all nodes: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, scanNode)
	if err != nil {
		return nil, fmt.Errorf("list all nodes: %w", err)
	}
	return nodes, nil
}

// InsertNode records a node that nobody has heard of yet.
func (tx *Tx) InsertNode(ctx context.Context, n fleet.Node) error {
	_, err := tx.tx.Exec(ctx, `insert into nodes (id, name, description, cluster_id, labels, created_at)
		values ($1, $2, $3, $4, $5, $6)`, n.ID, n.Name, n.Description, n.ClusterID, labels(n), n.CreatedAt)
	if err != nil {
		return nodeFault(err, n, "insert node")
	}
	if _, err := tx.tx.Exec(ctx, `insert into node_health (node_id, status_since) values ($1, $2)`, n.ID, n.CreatedAt); err != nil {
		return fmt.Errorf("insert node health: %w", err)
	}
	return nil
}

// UpdateNode writes what people may edit of a node, as its next generation.
func (tx *Tx) UpdateNode(ctx context.Context, n fleet.Node) error {
	tag, err := tx.tx.Exec(ctx, `update nodes set name = $2, description = $3, cluster_id = $4, labels = $5, port_pools = $6, generation = generation + 1, updated_at = now()
		where id = $1 and deleted_at is null`, n.ID, n.Name, n.Description, n.ClusterID, labels(n), append([]spec.Pool{}, n.Pools...))
	if err != nil {
		return nodeFault(err, n, "update node")
	}
	return changed(tag, "node", n.ID)
}

// LockNode loads a node and keeps others from giving it containers, editing
// or deleting it until the transaction ends.
func (tx *Tx) LockNode(ctx context.Context, node id.NodeID) (fleet.Node, error) {
	if err := tx.LockLedger(ctx, node); err != nil {
		return fleet.Node{}, err
	}
	rows, err := tx.tx.Query(ctx, selectNodes+` and n.id = $1 for update of n`, node)
	if err != nil {
		return fleet.Node{}, fmt.Errorf("lock node: %w", err)
	}
	n, err := pgx.CollectExactlyOneRow(rows, scanNode)
	return n, one(err, "node", node)
}

// ContainersOn counts the containers that a node still has, those on their
// way out, and those that have a place reserved there included.
func (tx *Tx) ContainersOn(ctx context.Context, node id.NodeID) (count int, err error) {
	err = tx.tx.QueryRow(ctx, `select (select count(*) from containers where node_id = $1 and deleted_at is null)
		+ (select count(*) from container_migrations m where m.to_node_id = $1 and `+isHolding+`)`, node).Scan(&count)
	if err != nil {
		return 0, fmt.Errorf("count containers of node: %w", err)
	}
	return count, nil
}

// DeleteNode takes a node out of the house. Its row stays, so that what
// refers to it can be read; its credentials end, its ledger goes.
func (tx *Tx) DeleteNode(ctx context.Context, node id.NodeID) error {
	batch := &pgx.Batch{}
	batch.Queue(`update nodes set deleted_at = now(), updated_at = now() where id = $1`, node)
	batch.Queue(`update node_credentials set revoked_at = now() where node_id = $1 and revoked_at is null`, node)
	batch.Queue(unbindScope, node)
	batch.Queue(`delete from node_health where node_id = $1`, node)
	batch.Queue(`delete from node_changes where node_id = $1`, node)
	batch.Queue(`delete from node_cursor where node_id = $1`, node)
	batch.Queue(`delete from outbox where node_id = $1`, node)
	if err := tx.tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("delete node: %w", err)
	}
	return nil
}

// InsertCredential records that a credential was given out.
func (tx *Tx) InsertCredential(ctx context.Context, c fleet.Credential, by *id.UserID) error {
	_, err := tx.tx.Exec(ctx, `insert into node_credentials (id, node_id, created_at, created_by) values ($1, $2, $3, $4)`,
		c.ID, c.NodeID, c.CreatedAt, by)
	if err != nil {
		return fmt.Errorf("insert credential: %w", err)
	}
	return nil
}

// RevokeCredentials ends every credential of a node and says how many were
// good until now.
func (tx *Tx) RevokeCredentials(ctx context.Context, node id.NodeID, at time.Time) (int, error) {
	tag, err := tx.tx.Exec(ctx, `update node_credentials set revoked_at = $2 where node_id = $1 and revoked_at is null`, node, at)
	if err != nil {
		return 0, fmt.Errorf("revoke credentials: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// LiveCredential is the newest credential of a node that is not revoked.
func (s *Store) LiveCredential(ctx context.Context, node id.NodeID) (fleet.Credential, error) {
	var c fleet.Credential
	err := s.db.QueryRow(ctx, `select id, node_id, created_at from node_credentials
		where node_id = $1 and revoked_at is null order by id desc limit 1`, node).
		Scan(&c.ID, &c.NodeID, &c.CreatedAt)
	return c, one(err, "live credential of node", node)
}

// LiveCredentials are the credentials that LiveCredential would give, of all
// nodes that there are.
func (s *Store) LiveCredentials(ctx context.Context) ([]fleet.Credential, error) {
	rows, err := s.db.Query(ctx, `
		select distinct on (c.node_id) c.id, c.node_id, c.created_at
		from node_credentials c join nodes n on n.id = c.node_id
		where c.revoked_at is null and n.deleted_at is null
		order by c.node_id, c.id desc`)
	if err != nil {
		return nil, fmt.Errorf("live credentials: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c fleet.Credential, err error) {
		return c, row.Scan(&c.ID, &c.NodeID, &c.CreatedAt)
	})
	if err != nil {
		return nil, fmt.Errorf("live credentials: %w", err)
	}
	return list, nil
}

func labels(n fleet.Node) map[string]string {
	if n.Labels == nil {
		return map[string]string{}
	}
	return n.Labels
}

func nodeFault(err error, n fleet.Node, step string) error {
	switch {
	case violates(err, "nodes_name"):
		return taken("node", n.Name)
	case violates(err, "nodes_cluster_id_fkey"):
		return fleet.InvalidFields(spec.Fault{Field: "cluster_id", Message: fmt.Sprintf("there is no cluster %s", n.ClusterID)})
	}
	return fmt.Errorf("%s: %w", step, err)
}
