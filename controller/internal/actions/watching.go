package actions

import (
	"context"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// Watching is how the nodes of a cluster are watched; nil leaves a thing as it
// is. A window belongs to the custom profile, and the time after which an
// outage moves containers to the policy that waits: they go with it.
type Watching struct {
	Profile     *string
	Window      *time.Duration
	Outage      *fleet.OutagePolicy
	OutageAfter *time.Duration
}

func (in Watching) apply(c *fleet.Cluster) {
	if in.Profile != nil && *in.Profile != c.Profile {
		c.Profile, c.Window = *in.Profile, 0
	}
	if in.Window != nil {
		c.Window = *in.Window
	}
	if in.Outage != nil && *in.Outage != c.Outage {
		c.Outage, c.OutageAfter = *in.Outage, 0
	}
	if in.OutageAfter != nil {
		c.OutageAfter = *in.OutageAfter
	}
}

// Bounds of the time for which an outage of a whole cluster is waited out.
const (
	minOutage = time.Minute
	maxOutage = 30 * 24 * time.Hour
)

func validCluster(c fleet.Cluster) error {
	var f faults
	f.name(c.Name)
	f.description(c.Description)
	f.profile(c.Profile, c.Window)
	f.outage(c.Outage, c.OutageAfter)
	return f.err()
}

func (f *faults) profile(name string, window time.Duration) {
	switch {
	case name == "":
		f.add("profile", "name one: standard, fast, lan, metered or custom")
	case name == lease.NameCustom && window == 0:
		f.add("window", "a custom profile needs a window between %s and %s, such as \"12s\"", lease.MinWindow, lease.MaxWindow)
	case name != lease.NameCustom && window != 0:
		f.add("window", "only a custom profile has a window of its own: send profile custom with it, or leave window out")
	default:
		if _, err := lease.Named(name, window); err != nil {
			field := "profile"
			if name == lease.NameCustom {
				field = "window"
			}
			f.add(field, "%v", err)
		}
	}
}

func (f *faults) outage(policy fleet.OutagePolicy, after time.Duration) {
	switch policy {
	case fleet.OutageFailover, fleet.OutageHold:
		if after != 0 {
			f.add("outage_after", "only the policy failover_after waits: send it as outage_policy, or leave outage_after out")
		}
	case fleet.OutageFailoverAfter:
		if after < minOutage || after > maxOutage {
			f.add("outage_after", "%s is out of bounds: choose between %s and %s", after, minOutage, maxOutage)
		}
	default:
		f.add("outage_policy", "%.20q is not a policy: use failover, hold or failover_after", policy)
	}
}

// keepsExclusiveApart refuses a profile under which the exclusive containers
// that a cluster has could run twice.
func keepsExclusiveApart(ctx context.Context, tx *store.Tx, c fleet.Cluster) error {
	p, err := lease.Named(c.Profile, c.Window)
	if err != nil {
		return err
	}
	broken := p.Exclusive()
	if broken == nil {
		return nil
	}
	count, err := tx.ExclusiveIn(ctx, c.ID)
	if err != nil || count == 0 {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "cluster %s has %d exclusive containers, and the profile %s (a window of %s) cannot keep two copies of one apart: %v; choose a longer window, or move them to another cluster first",
		c.Name, count, p.Name, p.Window, broken)
}

// mayChangeCluster refuses that for a node in whose new cluster the exclusive
// containers that it has could run twice.
func (s *Service) mayChangeCluster(ctx context.Context, tx *store.Tx, n fleet.Node, to *id.ClusterID) error {
	n.Profile, n.Window = "", 0
	where := "without a cluster"
	if to != nil {
		c, err := tx.Cluster(ctx, *to)
		if fleet.KindOf(err) == fleet.NotFound {
			return nil // a fault of the request, which the update finds
		}
		if err != nil {
			return err
		}
		n.Profile, n.Window, where = c.Profile, c.Window, "in cluster "+c.Name
	}
	p, err := s.profileOf(n)
	if err != nil {
		return err
	}
	broken := p.Exclusive()
	if broken == nil {
		return nil
	}
	count, err := tx.ExclusiveOn(ctx, n.ID)
	if err != nil || count == 0 {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "node %s has %d exclusive containers, and %s it lives by the profile %s (a window of %s), which cannot keep two copies of one apart: %v; move them to other nodes first",
		n.Name, count, where, p.Name, p.Window, broken)
}
