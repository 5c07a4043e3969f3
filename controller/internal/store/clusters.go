package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

const selectClusters = `select id, name, description, profile, coalesce(window_ms, 0), outage_policy, coalesce(outage_after_ms, 0), created_at, generation
	from clusters`

func scanCluster(row pgx.CollectableRow) (fleet.Cluster, error) {
	var c fleet.Cluster
	var window, after int64
	err := row.Scan(&c.ID, &c.Name, &c.Description, &c.Profile, &window, &c.Outage, &after, &c.CreatedAt, &c.Generation)
	c.Window, c.OutageAfter = milliseconds(window), milliseconds(after)
	return c, err
}

// milliseconds is a duration as columns ending in _ms hold it.
func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// Cluster loads one cluster.
func (s *Store) Cluster(ctx context.Context, cluster id.ClusterID) (fleet.Cluster, error) {
	rows, err := s.db.Query(ctx, selectClusters+` where id = $1`, cluster)
	if err != nil {
		return fleet.Cluster{}, fmt.Errorf("load cluster: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCluster)
	return c, one(err, "cluster", cluster)
}

// ClusterList is how clusters are listed.
var ClusterList = Listing{
	name: "clusters", looks: []string{"x.name", "x.description"}, Finds: "the name and the description",
	orders: []order{byText("name", "x.name"), byTime("createdAt", "x.created_at")},
}

// ClusterFilter narrows a list of clusters.
type ClusterFilter struct {
	Page
	Reach Reach
}

// Clusters lists clusters, and the cursor of the next page.
func (s *Store) Clusters(ctx context.Context, f ClusterFilter) ([]fleet.Cluster, string, error) {
	return list(ctx, s, ClusterList, f.Page, scanCluster, selectClusters+` where ($1 or id = any($2))`, f.Reach.All, f.Reach.Clusters)
}

// InsertCluster records a new cluster. One that says nothing of its profile or
// outages has the defaults.
func (tx *Tx) InsertCluster(ctx context.Context, c fleet.Cluster) error {
	_, err := tx.tx.Exec(ctx, `insert into clusters (id, name, description, profile, window_ms, outage_policy, outage_after_ms, created_at)
		values ($1, $2, $3, coalesce(nullif($4, ''), 'standard'), nullif($5::bigint, 0), coalesce(nullif($6, ''), 'failover'), nullif($7::bigint, 0), $8)`,
		c.ID, c.Name, c.Description, c.Profile, c.Window.Milliseconds(), c.Outage, c.OutageAfter.Milliseconds(), c.CreatedAt)
	if violates(err, "clusters_name_key") {
		return taken("cluster", c.Name)
	}
	if err != nil {
		return fmt.Errorf("insert cluster: %w", err)
	}
	return nil
}

// UpdateCluster writes what people may edit of a cluster, as its next
// generation.
func (tx *Tx) UpdateCluster(ctx context.Context, c fleet.Cluster) error {
	tag, err := tx.tx.Exec(ctx, `
		update clusters set name = $2, description = $3, profile = $4, window_ms = nullif($5::bigint, 0),
			outage_policy = $6, outage_after_ms = nullif($7::bigint, 0),
			generation = generation + 1, updated_at = now()
		where id = $1`,
		c.ID, c.Name, c.Description, c.Profile, c.Window.Milliseconds(), c.Outage, c.OutageAfter.Milliseconds())
	if violates(err, "clusters_name_key") {
		return taken("cluster", c.Name)
	}
	if err != nil {
		return fmt.Errorf("update cluster: %w", err)
	}
	return changed(tag, "cluster", c.ID)
}

// LockCluster loads a cluster and keeps nodes and containers from newly
// referring to it until the transaction ends.
func (tx *Tx) LockCluster(ctx context.Context, cluster id.ClusterID) (fleet.Cluster, error) {
	rows, err := tx.tx.Query(ctx, selectClusters+` where id = $1 for update`, cluster)
	if err != nil {
		return fleet.Cluster{}, fmt.Errorf("lock cluster: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCluster)
	return c, one(err, "cluster", cluster)
}

// ClusterUse counts what still refers to a cluster.
func (tx *Tx) ClusterUse(ctx context.Context, cluster id.ClusterID) (nodes, containers int, err error) {
	err = tx.tx.QueryRow(ctx, `select
		(select count(*) from nodes where cluster_id = $1 and deleted_at is null),
		(select count(*) from containers where preferred_cluster_id = $1 and deleted_at is null)`, cluster).
		Scan(&nodes, &containers)
	if err != nil {
		return 0, 0, fmt.Errorf("count use of cluster: %w", err)
	}
	return nodes, containers, nil
}

// DeleteCluster removes a cluster. What was deleted before and still refers
// to it forgets it, and roles that were bound for it are not any more.
func (tx *Tx) DeleteCluster(ctx context.Context, cluster id.ClusterID) error {
	if _, err := tx.tx.Exec(ctx, unbindScope, cluster); err != nil {
		return fmt.Errorf("delete cluster: %w", err)
	}
	if _, err := tx.tx.Exec(ctx, `delete from clusters where id = $1`, cluster); err != nil {
		return fmt.Errorf("delete cluster: %w", err)
	}
	return nil
}

// ExclusiveIn counts the exclusive containers on the nodes of a cluster, and
// those on their way to one.
func (tx *Tx) ExclusiveIn(ctx context.Context, cluster id.ClusterID) (count int, err error) {
	err = tx.tx.QueryRow(ctx, countExclusive+` join nodes n on n.id = c.node_id or n.id = m.to_node_id
		where n.cluster_id = $1 and c.ha_policy = 'exclusive' and c.deleted_at is null`, cluster).Scan(&count)
	return count, wrap("count exclusive containers", err)
}

// ExclusiveOn counts those of one node.
func (tx *Tx) ExclusiveOn(ctx context.Context, node id.NodeID) (count int, err error) {
	err = tx.tx.QueryRow(ctx, countExclusive+`
		where (c.node_id = $1 or m.to_node_id = $1) and c.ha_policy = 'exclusive' and c.deleted_at is null`, node).Scan(&count)
	return count, wrap("count exclusive containers", err)
}

const countExclusive = `select count(distinct c.id) from containers c left join container_migrations m on m.container_id = c.id and ` + isOpen
