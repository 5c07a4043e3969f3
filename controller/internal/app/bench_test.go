package app_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/wire"
)

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHeartbeats is a round of heartbeats of 1,000 nodes, each answered
// with a lease, over real connections. The processor time is that of the
// controller, its broker and the 1,000 agents together, as all are one
// process here.
func BenchmarkHeartbeats(b *testing.B) {
	const nodes = 1000
	c := newController(b)
	agents := make([]*agent, nodes)
	var group sync.WaitGroup
	for i := range agents {
		node, token := c.enrol(fmt.Sprintf("n%d", i))
		agents[i] = newAgent(b, node, token)
		group.Go(func() {
			agents[i].connect("mqtt://"+c.MQTTAddr()).hello(0).
				awaitDesired("the answer to hello", func(wire.Desired) bool { return true })
		})
		if i%100 == 99 {
			group.Wait()
		}
	}
	group.Wait()
	rounds, began := 0, cpu(b)
	for b.Loop() {
		rounds++
		for _, a := range agents {
			a.heartbeat(0)
		}
		for _, a := range agents {
			eventually(b, "every heartbeat has a lease", func() bool {
				a.mu.Lock()
				defer a.mu.Unlock()
				return len(a.leases) >= rounds
			})
		}
	}
	b.ReportMetric(float64((cpu(b)-began).Microseconds())/float64(rounds*nodes), "cpu-µs/heartbeat")
	lease := agents[0].awaitLease("a lease", func(wire.Lease) bool { return true })
	b.ReportMetric(float64(len(wire.Encode(lease))), "B/lease")
}
