package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
)

// fleetMetrics shows how the nodes are, counted when asked.
type fleetMetrics struct {
	nodes *liveness.Registry
	count *prometheus.Desc
	held  *prometheus.Desc
}

func newFleetMetrics(nodes *liveness.Registry) fleetMetrics {
	return fleetMetrics{
		nodes: nodes,
		count: prometheus.NewDesc("lormas_nodes", "Nodes in each state.", []string{"state"}, nil),
		held:  prometheus.NewDesc("lormas_fleet_held", "Whether no node is declared lost, as the controller may be the one at fault.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (m fleetMetrics) Describe(out chan<- *prometheus.Desc) { out <- m.count; out <- m.held }

// Collect implements prometheus.Collector.
func (m fleetMetrics) Collect(out chan<- prometheus.Metric) {
	states := m.nodes.States()
	for _, s := range []fleet.NodeState{
		fleet.NodeJoining, fleet.NodeHealthy, fleet.NodeSuspect, fleet.NodeUnhealthy, fleet.NodeReturning,
	} {
		out <- prometheus.MustNewConstMetric(m.count, prometheus.GaugeValue, float64(states[s]), string(s))
	}
	held := 0.0
	if m.nodes.Held() != "" {
		held = 1
	}
	out <- prometheus.MustNewConstMetric(m.held, prometheus.GaugeValue, held)
}
