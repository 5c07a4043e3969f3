package intake

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/shared/id"
)

// metrics count messages by kind of topic.
type metrics struct {
	received *prometheus.CounterVec
	rejected *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	failed   *prometheus.CounterVec

	regressed prometheus.Counter
}

func newMetrics(r prometheus.Registerer, waiting func() float64) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lormas_intake_" + name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lormas_intake_waiting_bytes", Help: "Messages of agents that wait to be taken in.",
	}, waiting))
	regressed := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "lormas_intake_regressed_total", Help: "Greetings of nodes that know more than the database, which was restored from a backup. They are told nothing until the fleet is released.",
	})
	r.MustRegister(regressed)
	return &metrics{
		regressed: regressed,
		received:  counter("received_total", "Messages of agents.", "type"),
		rejected:  counter("rejected_total", "Messages of agents that did not count.", "type", "why"),
		dropped:   counter("dropped_total", "Messages of agents for which there was no room.", "type"),
		failed:    counter("failed_total", "Messages of agents that could not be taken in now.", "type"),
	}
}

// reject counts a message that does not count, and logs the first of each
// connection. The payload is not logged: it may hold anything.
func (i *Intake) reject(l letter, why string, err error) {
	i.metrics.rejected.WithLabelValues(string(l.topic.Kind), why).Inc()
	if i.logged.first(l.node, l.conn) {
		i.Log.Warn("message of an agent rejected; further ones of this connection are only counted",
			"node", l.node, "kind", l.topic.Kind, "why", why, "error", err)
	}
}

// logged remembers of which connections a rejection was logged.
type logged struct {
	mu    sync.Mutex
	conns map[id.NodeID]uint64
}

func (g *logged) first(n id.NodeID, conn uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns[n] == conn {
		return false
	}
	if g.conns == nil {
		g.conns = map[id.NodeID]uint64{}
	}
	g.conns[n] = conn
	return true
}

func (g *logged) forget(n id.NodeID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, n)
}
