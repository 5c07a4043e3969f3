package loops

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// MigratorMetrics count migrations.
type MigratorMetrics struct {
	outcomes *prometheus.CounterVec
	refusals *prometheus.CounterVec
	open     *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
	took     *prometheus.HistogramVec
	overlaps prometheus.Counter
}

// NewMigratorMetrics registers them.
func NewMigratorMetrics(r prometheus.Registerer) *MigratorMetrics {
	out := &MigratorMetrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lormas_migrations_total", Help: "Migrations that are over.",
		}, []string{"kind", "outcome"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lormas_migrations_refused_total", Help: "How often no node could take a container, by what spoke against most of them. A migration asks again until one can.",
		}, []string{"kind", "reason"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lormas_migrations_open", Help: "Migrations that are not over, by state; queued is the length of the queue.",
		}, []string{"kind", "state"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lormas_migrations_waiting",
			Help: "Migrations that cannot go on now, by what they wait for: a place, the end of a hold, force (an operator's), a limit, a lease to run out, a pause after several targets, or a node to stop, start or return.",
		}, []string{"kind", "cause"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lormas_migration_seconds", Help: "How long migrations took: whole from the verdict on a node, or the request, until it was seen running elsewhere; of that detect until it began, decide until the switch, start until it ran.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
		}, []string{"kind", "part"}),
		overlaps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lormas_overlap_violations_total", Help: "Exclusive containers that were seen running on a node that they had been taken from. Must be 0.",
		}),
	}
	r.MustRegister(out.outcomes, out.refusals, out.open, out.waiting, out.took, out.overlaps)
	out.states(nil)
	out.waits(nil)
	return out
}

// count counts a step that was taken.
func (x *MigratorMetrics) count(g fleet.Migration) {
	if g.State == fleet.MigrationStarting && g.SwitchedAt != nil {
		if g.DetectedAt != nil {
			x.observe(g.Kind, "detect", *g.DetectedAt, g.CreatedAt)
		}
		x.observe(g.Kind, "decide", g.CreatedAt, *g.SwitchedAt)
	}
	if !g.State.Final() {
		return
	}
	x.outcomes.WithLabelValues(string(g.Kind), string(g.State)).Inc()
	if g.State != fleet.MigrationDone || g.SwitchedAt == nil || g.RunningAt == nil {
		return
	}
	x.observe(g.Kind, "start", *g.SwitchedAt, *g.RunningAt)
	began := g.CreatedAt
	if g.DetectedAt != nil {
		began = *g.DetectedAt
	}
	x.observe(g.Kind, "whole", began, *g.RunningAt)
}

func (x *MigratorMetrics) observe(kind fleet.MigrationKind, part string, from, to time.Time) {
	x.took.WithLabelValues(string(kind), part).Observe(max(0, to.Sub(from).Seconds()))
}

// refuse counts that there was no place.
func (x *MigratorMetrics) refuse(kind fleet.MigrationKind, reason string) {
	x.refusals.WithLabelValues(string(kind), reason).Inc()
}

var (
	kinds = []fleet.MigrationKind{
		fleet.KindFailover, fleet.KindManual, fleet.KindDrain, fleet.KindRebalance, fleet.KindRollback,
	}
	openStates = []fleet.MigrationState{
		fleet.MigrationQueued, fleet.MigrationReserved, fleet.MigrationStopping, fleet.MigrationFencing, fleet.MigrationStarting, fleet.MigrationRollingBack,
	}
)

// states sets how many migrations are in each state. Those that there are none
// of are 0, so that an alarm has something to look at.
func (x *MigratorMetrics) states(views []failover.View) {
	type at struct {
		kind  fleet.MigrationKind
		state fleet.MigrationState
	}
	of := map[at]int{}
	for _, v := range views {
		of[at{v.Migration.Kind, v.Migration.State}]++
	}
	for _, k := range kinds {
		for _, s := range openStates {
			x.open.WithLabelValues(string(k), string(s)).Set(float64(of[at{k, s}]))
		}
	}
}

// waits sets how many migrations wait, and for what.
func (x *MigratorMetrics) waits(steps []step) {
	type why struct {
		kind  fleet.MigrationKind
		cause failover.Cause
	}
	of := map[why]int{}
	for _, s := range steps {
		if s.decision.Action == failover.Wait {
			of[why{s.view.Migration.Kind, s.decision.Cause}]++
		}
	}
	for _, k := range kinds {
		for _, c := range failover.Causes {
			x.waiting.WithLabelValues(string(k), string(c)).Set(float64(of[why{k, c}]))
		}
	}
}
