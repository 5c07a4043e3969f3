package loops

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// tell lets people know of what was committed, and counts it. It is news
// only: without them, the API still has it all.
func (m *Migrator) tell(ctx context.Context, list []fleet.Migration, news *store.News) {
	if len(list) == 0 {
		return
	}
	ids := make([]id.ContainerID, len(list))
	for i, g := range list {
		ids[i] = g.ContainerID
		m.Live.Migration(g)
		m.Metrics.count(g)
		m.Log.Info("migration", "migration", g.ID, "container", g.ContainerID, "kind", g.Kind, "state", g.State,
			"from", g.From, "to", g.To, "waiting", g.Waiting, "error", g.Error)
	}
	if news != nil {
		m.Live.Tell(store.News{Jobs: news.Jobs})
	}
	containers, err := m.Store.ContainersByID(ctx, ids)
	if err != nil {
		m.Log.Warn("news of moved containers not told", "error", err)
		return
	}
	m.Live.Tell(store.News{Containers: containers})
}

// Told is tell for those that somebody else has begun or ended.
func (m *Migrator) Told(ctx context.Context, list []fleet.Migration) { m.tell(ctx, list, nil) }

// MigratorMetrics count migrations.
type MigratorMetrics struct {
	outcomes *prometheus.CounterVec
	open     *prometheus.GaugeVec
	took     *prometheus.HistogramVec
	overlaps prometheus.Counter
}

// NewMigratorMetrics registers them.
func NewMigratorMetrics(r prometheus.Registerer) *MigratorMetrics {
	out := &MigratorMetrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lormas_migrations_total", Help: "Migrations that are over.",
		}, []string{"kind", "outcome"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lormas_migrations_open", Help: "Migrations that are not over, by state; queued is the length of the queue.",
		}, []string{"state"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lormas_migration_seconds", Help: "How long the parts of migrations took: detect from the verdict on a node until it was queued, decide until the switch, start until it was seen running.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
		}, []string{"kind", "part"}),
		overlaps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lormas_overlap_violations_total", Help: "Exclusive containers that were seen running on a node that they had been taken from. Must be 0.",
		}),
	}
	r.MustRegister(out.outcomes, out.open, out.took, out.overlaps)
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
	if g.State == fleet.MigrationDone && g.SwitchedAt != nil && g.RunningAt != nil {
		x.observe(g.Kind, "start", *g.SwitchedAt, *g.RunningAt)
	}
}

func (x *MigratorMetrics) observe(kind fleet.MigrationKind, part string, from, to time.Time) {
	x.took.WithLabelValues(string(kind), part).Observe(max(0, to.Sub(from).Seconds()))
}

// states sets how many migrations are in each state.
func (x *MigratorMetrics) states(of map[fleet.MigrationState]int) {
	for _, s := range []fleet.MigrationState{
		fleet.MigrationQueued, fleet.MigrationReserved, fleet.MigrationStopping, fleet.MigrationFencing, fleet.MigrationStarting, fleet.MigrationRollingBack,
	} {
		x.open.WithLabelValues(string(s)).Set(float64(of[s]))
	}
}
