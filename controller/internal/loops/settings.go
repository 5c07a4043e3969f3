package loops

import (
	"context"
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// Settle reads how nodes are to be watched: profiles, outage policies, what an
// operator said. One round of the loop; Settled wakes it.
func (w *NodeWatch) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	orders := w.Nodes.Orders() // before reading: what a person says meanwhile is newer
	truth, err := w.Store.FleetSettings(ctx)
	if err != nil {
		return err
	}
	out := liveness.Settings{
		Outages: map[id.ClusterID]liveness.Outage{}, Orders: orders, Held: truth.Held, Reason: truth.Reason,
		Regressed: regressed(truth.Regressed, truth.Behind),
	}
	for _, n := range truth.Nodes {
		s := liveness.Setting{Node: n.Node, Profile: w.profile(n.Profile, n.WindowMS)}
		if n.Cluster != nil {
			s.Cluster = *n.Cluster
		}
		out.Nodes = append(out.Nodes, s)
	}
	for _, c := range truth.Clusters {
		out.Outages[c.ID] = liveness.Outage{Name: c.Name, Policy: c.Outage, After: c.OutageAfter}
	}
	if err := w.saveWindows(ctx, truth.Nodes); err != nil {
		return err
	}
	w.Nodes.Settle(out)
	return nil
}

// saveWindows writes down under which windows leases may run from here on. It
// comes before the longer ones are given out.
func (w *NodeWatch) saveWindows(ctx context.Context, truth []store.NodeSetting) error {
	var nodes []id.NodeID
	var windows []int64
	running := w.Nodes.Windows()
	for _, n := range truth {
		need := max(running[n.Node], w.profile(n.Profile, n.WindowMS).Window).Milliseconds()
		if need != n.LeaseMS {
			nodes, windows = append(nodes, n.Node), append(windows, need)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	return w.Store.InTx(ctx, func(tx *store.Tx) error { return tx.SaveLeaseWindows(ctx, nodes, windows) })
}

// profile is the profile of a node by its cluster's. One that is not known,
// of a newer version of this program, is taken for the controller's own.
func (w *NodeWatch) profile(name string, windowMS int64) liveness.Profile {
	if name != "" {
		if p, err := lease.Named(name, milliseconds(windowMS)); err == nil {
			return p
		}
	}
	if w.Profile.Window > 0 {
		return w.Profile
	}
	return liveness.Standard()
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

func regressed(containers, nodes int) string {
	if containers == 0 && nodes == 0 {
		return ""
	}
	return fmt.Sprintf("agents know later epochs of %d containers and later revisions of %d nodes than the database does, which was restored "+
		"from a backup: those nodes are told nothing; see that nothing is missing; POST /fleet/release raises the numbers and goes on", containers, nodes)
}
