package placement

import (
	"testing"
	"time"
)

// promised is what FAILOVER §8 and §10 leave for deciding where a whole lost
// node's containers go.
const promised = 300 * time.Millisecond

// A lost node with 1,000 containers in a fleet of 10,000, next to looking at
// every node for every container.
func BenchmarkALostNode(b *testing.B) {
	requests, nodes := lost(1000, 10_000)
	b.Run("Batch", func(b *testing.B) {
		for b.Loop() {
			for _, d := range Batch(requests, nodes, 1) {
				if d.Refusal != nil {
					b.Fatal(d.Refusal)
				}
			}
		}
		each := b.Elapsed() / time.Duration(b.N)
		b.ReportMetric(float64(each.Milliseconds()), "ms/1000-containers")
		b.ReportMetric(float64(each)/float64(promised), "of-the-promised-300ms")
	})
	b.Run("OneByOne", func(b *testing.B) { // the reference
		for b.Loop() {
			for _, r := range requests {
				if _, refusal := Choose(r, nodes); refusal != nil {
					b.Fatal(refusal)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/1000-containers")
	})
}
