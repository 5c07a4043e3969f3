package intake

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

const (
	workers    = 32
	perNode    = 64        // messages of one node that may wait
	perWorker  = 1024      // of all its nodes
	totalBytes = 128 << 20 // of all nodes
)

// letter is a message that waits to be worked off.
type letter struct {
	node    id.NodeID
	conn    uint64
	topic   wire.Topic
	payload []byte
}

// mailroom keeps letters until a worker has time. All letters of one node go
// to the same worker, which keeps their order.
type mailroom struct {
	seed  maphash.Seed
	boxes [workers]box
	bytes atomic.Int64
}

type box struct {
	letters chan letter
	mu      sync.Mutex
	waiting map[id.NodeID]int
}

func newMailroom() *mailroom {
	m := &mailroom{seed: maphash.MakeSeed()}
	for i := range m.boxes {
		m.boxes[i].letters = make(chan letter, perWorker)
		m.boxes[i].waiting = map[id.NodeID]int{}
	}
	return m
}

func (m *mailroom) of(node id.NodeID) *box {
	return &m.boxes[maphash.Comparable(m.seed, node)%workers]
}

// put never blocks; it reports false where there is no room.
func (m *mailroom) put(l letter) bool {
	b := m.of(l.node)
	b.mu.Lock()
	defer b.mu.Unlock()
	size := int64(len(l.payload))
	if b.waiting[l.node] >= perNode || m.bytes.Load()+size > totalBytes {
		return false
	}
	select {
	case b.letters <- l:
		b.waiting[l.node]++
		m.bytes.Add(size)
		return true
	default:
		return false
	}
}

// run works letters off until ctx ends.
func (m *mailroom) run(ctx context.Context, work func(context.Context, letter)) {
	var group sync.WaitGroup
	for i := range m.boxes {
		group.Go(func() { m.serve(ctx, &m.boxes[i], work) })
	}
	group.Wait()
}

func (m *mailroom) serve(ctx context.Context, b *box, work func(context.Context, letter)) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-b.letters:
			work(ctx, l)
			m.taken(b, l)
		}
	}
}

func (m *mailroom) taken(b *box, l letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.bytes.Add(-int64(len(l.payload)))
	if b.waiting[l.node]--; b.waiting[l.node] == 0 {
		delete(b.waiting, l.node)
	}
}
