package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// FleetSettings is what the truth says of how nodes are watched.
type FleetSettings struct {
	Nodes     []NodeSetting
	Clusters  []fleet.Cluster
	Held      bool // on an operator's word
	Reason    string
	Regressed int // containers of which a node knows a later epoch
	Behind    int // nodes that have applied a later revision
}

// NodeSetting is where a node is and what it lives by.
type NodeSetting struct {
	Node     id.NodeID
	Cluster  *id.ClusterID
	Profile  string // of its cluster; "": in none
	WindowMS int64  // with a custom profile
	LeaseMS  int64  // as SaveLeaseWindows left it; 0: never
}

// FleetSettings reads them all.
func (s *Store) FleetSettings(ctx context.Context) (f FleetSettings, err error) {
	rows, err := s.db.Query(ctx, `
		select n.id, n.cluster_id, coalesce(k.profile, ''), coalesce(k.window_ms, 0), coalesce(h.lease_window_ms, 0)
		from nodes n join node_health h on h.node_id = n.id left join clusters k on k.id = n.cluster_id
		where n.deleted_at is null order by n.id`)
	if err != nil {
		return f, fmt.Errorf("load settings of nodes: %w", err)
	}
	if f.Nodes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[NodeSetting]); err != nil {
		return f, fmt.Errorf("load settings of nodes: %w", err)
	}
	if rows, err = s.db.Query(ctx, selectClusters); err != nil {
		return f, fmt.Errorf("load settings of clusters: %w", err)
	}
	if f.Clusters, err = pgx.CollectRows(rows, scanCluster); err != nil {
		return f, fmt.Errorf("load settings of clusters: %w", err)
	}
	err = s.db.QueryRow(ctx, `select held, reason, (select count(*) from epoch_regressions), (select count(*) from rev_regressions)
		from fleet_state`).Scan(&f.Held, &f.Reason, &f.Regressed, &f.Behind)
	if err != nil {
		return f, fmt.Errorf("load state of the fleet: %w", err)
	}
	return f, nil
}

// SaveLeaseWindows records the longest window, in milliseconds, under which
// each node may hold leases. A controller that begins waits for that long,
// whatever profile it finds.
func (tx *Tx) SaveLeaseWindows(ctx context.Context, nodes []id.NodeID, windows []int64) error {
	_, err := tx.tx.Exec(ctx, `
		update node_health h set lease_window_ms = w.ms from unnest($1::uuid[], $2::bigint[]) as w (node, ms)
		where h.node_id = w.node`, nodes, windows)
	if err != nil {
		return fmt.Errorf("save lease windows: %w", err)
	}
	return nil
}

// HoldFleet records that an operator holds all failovers; by is nil for the
// system. It outlives the controller.
func (tx *Tx) HoldFleet(ctx context.Context, reason string, by *id.UserID, at time.Time) error {
	return tx.setFleet(ctx, true, reason, by, at)
}

// ReleaseFleet records the end of that.
func (tx *Tx) ReleaseFleet(ctx context.Context, reason string, by *id.UserID, at time.Time) error {
	return tx.setFleet(ctx, false, reason, by, at)
}

func (tx *Tx) setFleet(ctx context.Context, held bool, reason string, by *id.UserID, at time.Time) error {
	_, err := tx.tx.Exec(ctx, `update fleet_state set held = $1, reason = $2, changed_by = $3, changed_at = $4`, held, reason, by, at)
	if err != nil {
		return fmt.Errorf("set state of the fleet: %w", err)
	}
	return nil
}
