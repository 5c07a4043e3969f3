package intake

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// BenchmarkMessageHeartbeat is what a heartbeat costs the controller above
// the broker: read, judged, noted for Redis, and answered with a lease.
func BenchmarkMessageHeartbeat(b *testing.B) {
	const nodes = 1000
	metrics := prometheus.NewRegistry()
	var sent int
	registry := liveness.NewRegistry(liveness.Options{
		Profile: liveness.Standard(), Now: time.Now, Lease: func(_ id.NodeID, l wire.Lease) { sent += len(wire.Encode(l)) },
	})
	i := New(Options{
		Nodes: registry, Presence: presence.New(presence.Options{Now: time.Now, Log: slog.Default(), Registerer: metrics}),
		Now: time.Now, Log: slog.Default(), Registerer: metrics,
	})
	var topics [nodes]wire.Topic
	var payloads [nodes][]byte
	for n := range nodes {
		topics[n] = wire.OfNode(wire.NodeHeartbeat, id.New[id.NodeID]())
		payloads[n] = wire.Encode(wire.Heartbeat{
			Header: wire.Head(wire.TypeHeartbeat), Session: wire.Session{BootID: "b", Session: 1}, NodeID: topics[n].Node,
			Status: wire.Online, Timestamp: time.Now(), Seq: 1, DockerOK: true, Digest: "0123456789abcdef",
		})
		i.AgentConnected(topics[n].Node, broker.ConnInfo{ConnID: uint64(n + 1)})
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		i.Message(topics[n].Node, uint64(n+1), topics[n], payloads[n])
		n = (n + 1) % nodes
	}
	b.ReportMetric(float64(len(payloads[0])), "B/heartbeat")
	b.ReportMetric(float64(sent)/float64(b.N), "B/lease")
}
