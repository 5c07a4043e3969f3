package app

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// sample reads one metric: what a gauge or counter is at, or how often a
// histogram was told something. Labels are values in the order of their names.
func (b *bubble) sample(name string, labels ...string) float64 {
	b.Helper()
	families, err := prometheus.Gatherer(b.metrics).Gather()
	b.ok(err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var has []string
			for _, l := range m.GetLabel() {
				has = append(has, l.GetValue())
			}
			if slices.Equal(has, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

// A node is lost with one container that there is room for, and one that there
// is not.
func TestFailoversAreCounted(t *testing.T) {
	inBubble(t, 2, func(b *bubble) {
		time.Sleep(time.Minute) // grace
		old := b.nodes[0]
		small := b.ha("small", old)
		large := func(name string, on id.NodeID) fleet.Container {
			return b.container(name, func(in *actions.NewContainer) {
				in.NodeID, in.Type, in.Resources.Memory = &on, fleet.HA, 9*spec.GiB
			})
		}
		large("large", old.Node)
		large("neighbour", b.nodes[1].Node)
		old.link.cut(true)
		b.awaitMigration(small.ID, fleet.MigrationDone)
		waiting := func() float64 { return b.sample("lormas_migrations_waiting", "place", "failover") }
		b.await("one to wait for a place", func() bool { return waiting() == 1 })
		for _, want := range []struct {
			value  float64
			name   string
			labels []string
		}{
			{1, "lormas_migrations_total", []string{"failover", "completed"}},
			{0, "lormas_migrations_total", []string{"failover", "failed"}},
			{1, "lormas_migrations_open", []string{"failover", "queued"}},
			{0, "lormas_migrations_open", []string{"failover", "starting"}},
			{1, "lormas_migration_seconds", []string{"failover", "whole"}},
			{1, "lormas_migration_seconds", []string{"failover", "decide"}},
		} {
			if got := b.sample(want.name, want.labels...); got != want.value {
				t.Errorf("%s%v is %v, want %v", want.name, want.labels, got, want.value)
			}
		}
		if b.sample("lormas_migrations_refused_total", "failover", "memory") == 0 {
			t.Error("nothing was refused for want of memory")
		}
		old.link.cut(false)
		b.await("nothing to wait", func() bool {
			return waiting() == 0 && b.sample("lormas_migrations_total", "failover", "cancelled") == 1
		})
	})
}
