package failover

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// ageing is the waiting that makes a migration one point more urgent.
const ageing = 10 * time.Second

// Urgency is what a migration begins with.
func Urgency(m fleet.Migration) int {
	switch {
	case m.Kind == fleet.KindFailover && m.Policy == fleet.Exclusive:
		return fleet.PriorityExclusive
	case m.Kind == fleet.KindFailover:
		return fleet.PriorityFailover
	case m.Force:
		return fleet.PriorityForced
	case m.Kind == fleet.KindManual, m.Kind == fleet.KindRollback:
		return fleet.PriorityManual
	case m.Kind == fleet.KindDrain:
		return fleet.PriorityDrain
	}
	return fleet.PriorityRebalance
}

// urgency is the same after some waiting.
func urgency(m fleet.Migration, now time.Time) int {
	return Urgency(m) + int(max(0, now.Sub(m.CreatedAt))/ageing)
}

// Plan decides the next step of every migration, the most urgent first. The
// limits are there for what still runs at its source: what was lost waits for
// nobody but a place.
func Plan(views []View, r Rules, now time.Time) []Decision {
	ordered := slices.Clone(views)
	slices.SortStableFunc(ordered, func(a, b View) int {
		return cmp.Or(cmp.Compare(urgency(b.Migration, now), urgency(a.Migration, now)),
			a.Migration.CreatedAt.Compare(b.Migration.CreatedAt),
			bytes.Compare(a.Migration.ID[:], b.Migration.ID[:]))
	})
	load := measure(ordered)
	out := make([]Decision, len(ordered))
	for i, v := range ordered {
		d := Step(v, r, now)
		if v.begins(d) {
			if full := load.full(v, r); full != "" {
				d = v.wait(ForLimit, time.Time{}, "%s", full)
			} else {
				load.add(v)
			}
		}
		out[i] = d
	}
	return out
}

// begins reports whether a step sets a planned migration going.
func (v View) begins(d Decision) bool {
	return v.Migration.State == fleet.MigrationQueued && planned(v.Migration.Kind) && (d.Action == Reserve || d.Action == Switch)
}

// load is what planned migrations keep busy.
type load struct {
	active   int
	sources  map[id.NodeID]int
	clusters map[id.ClusterID]int
}

func measure(views []View) *load {
	l := &load{sources: map[id.NodeID]int{}, clusters: map[id.ClusterID]int{}}
	for _, v := range views {
		if v.Migration.State != fleet.MigrationQueued && planned(v.Migration.Kind) {
			l.add(v)
		}
	}
	return l
}

func (l *load) add(v View) {
	l.active++
	l.sources[v.Migration.From]++
	if c := v.Source.Cluster; c != nil {
		l.clusters[*c]++
	}
}

// full says which limit a migration has to wait for, or "".
func (l *load) full(v View, r Rules) string {
	switch c := v.Source.Cluster; {
	case l.active >= r.Active:
		return fmt.Sprintf("%d migrations are under way, which is the limit", r.Active)
	case l.sources[v.Migration.From] >= r.PerSource:
		return fmt.Sprintf("%d containers are leaving node %s, which is the limit", r.PerSource, v.Source.called())
	case c != nil && l.clusters[*c] >= r.PerCluster:
		return fmt.Sprintf("%d containers of its cluster are under way, which is the limit", r.PerCluster)
	}
	return ""
}

// Starts counts, for each node, what migrations make it start at present.
func Starts(views []View) map[id.NodeID]int {
	starts := map[id.NodeID]int{}
	for _, v := range views {
		switch s := v.Migration.State; {
		case v.Migration.To == nil:
		case s == fleet.MigrationReserved, s == fleet.MigrationStopping, s == fleet.MigrationFencing, s == fleet.MigrationStarting:
			starts[*v.Migration.To]++
		}
	}
	return starts
}
