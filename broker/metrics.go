package broker

import (
	"errors"
	"sync/atomic"

	"github.com/mochi-mqtt/server/v2/system"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics is what the broker shows of itself.
type metrics struct {
	connections  *prometheus.GaugeVec
	connects     *prometheus.CounterVec
	denied       *prometheus.CounterVec
	received     prometheus.Counter
	slowClient   prometheus.Counter
	queueFull    prometheus.Counter
	panics       prometheus.Counter
	acceptErrors prometheus.Counter
}

func newMetrics(r prometheus.Registerer, info *system.Info) (*metrics, error) {
	dropped := prometheus.NewCounterVec(opts("messages_dropped_total", "Messages that were not delivered."), []string{"reason"})
	m := &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("connections", "Established connections.")), []string{"kind"}),
		connects:    prometheus.NewCounterVec(opts("connects_total", "CONNECT packets by how they ended."), []string{"result"}),
		denied:      prometheus.NewCounterVec(opts("denied_total", "Breaches of the rules."), []string{"action", "kind"}),
		received:    prometheus.NewCounter(opts("messages_received_total", "Messages received from agents.")),
		slowClient:  dropped.WithLabelValues("slow_client"),
		queueFull:   dropped.WithLabelValues("queue_full"),
		panics:      prometheus.NewCounter(opts("panics_total", "Panics that were caught.")),
		acceptErrors: prometheus.NewCounter(
			opts("accept_errors_total", "Connections that could not be accepted, mostly for want of file descriptors.")),
	}
	unacknowledged := prometheus.NewCounterFunc(opts("inflight_dropped_total", "Messages dropped for agents that acknowledge nothing."),
		func() float64 { return float64(atomic.LoadInt64(&info.InflightDropped)) })
	sent := prometheus.NewCounterFunc(opts("messages_sent_total", "Messages delivered to agents and people."),
		func() float64 { return float64(atomic.LoadInt64(&info.MessagesSent)) })
	var errs []error
	for _, c := range []prometheus.Collector{m.connections, m.connects, m.denied, m.received, dropped, m.panics, m.acceptErrors, sent, unacknowledged} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

func opts(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: "lormas", Subsystem: "broker", Name: name, Help: help}
}
