package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
)

// fleetMetrics shows how the nodes are, counted when asked.
type fleetMetrics struct {
	nodes *liveness.Registry

	states, moves, held, flags, gates *prometheus.Desc
}

func newFleetMetrics(nodes *liveness.Registry) fleetMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("lormas_"+name, help, labels, nil)
	}
	return fleetMetrics{
		nodes:  nodes,
		states: desc("nodes", "Nodes in each state.", "state"),
		moves:  desc("node_transitions_total", "Moves of nodes from one state to another.", "from", "to"),
		held:   desc("fleet_held", "Holds by kind: no node is declared lost, as the controller may be the one at fault; of site_outage, the clusters.", "kind"),
		flags:  desc("nodes_flagged", "Nodes that are quarantined as they come and go, silent and not yet lost, or being decided about.", "flag"),
		gates:  desc("fleet_gates", "Whether a gate is open (1): grace and authority one by one, all when nodes may be declared lost.", "gate"),
	}
}

// Describe implements prometheus.Collector.
func (m fleetMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.states, m.moves, m.held, m.flags, m.gates} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m fleetMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value int, label string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), label)
	}
	states := m.nodes.States()
	for _, s := range fleet.NodeStates {
		gauge(m.states, states[s], string(s))
	}
	for move, count := range m.nodes.Moves() {
		out <- prometheus.MustNewConstMetric(m.moves, prometheus.CounterValue, float64(count), string(move.From), string(move.To))
	}
	f := m.nodes.Fleet()
	held := map[liveness.HoldKind]int{}
	for _, h := range f.Holds {
		held[h.Kind]++
	}
	for _, kind := range append([]liveness.HoldKind{liveness.HoldSite}, liveness.HoldKinds...) {
		gauge(m.held, held[kind], string(kind))
	}
	gauge(m.flags, f.Quarantined, "quarantined")
	gauge(m.flags, f.Silent, "silent")
	gauge(m.flags, f.Seized, "seized")
	gauge(m.gates, one(f.GraceUntil.IsZero()), "grace")
	gauge(m.gates, one(f.Authority), "authority")
	gauge(m.gates, one(f.Open), "all")
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
