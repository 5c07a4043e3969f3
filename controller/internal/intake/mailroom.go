package intake

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

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
	since   []time.Time // of all that are not taken in yet, oldest first
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
		b.since = append(b.since, time.Now())
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
	b.since = b.since[1:] // one worker takes them in order
	if b.waiting[l.node]--; b.waiting[l.node] == 0 {
		delete(b.waiting, l.node)
	}
}

// waits reports whether letters of a node are not taken in yet.
func (m *mailroom) waits(node id.NodeID) bool {
	b := m.of(node)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting[node] > 0
}

// oldest is how long the oldest letter has waited.
func (m *mailroom) oldest(now time.Time) time.Duration {
	var age time.Duration
	for i := range m.boxes {
		age = max(age, m.boxes[i].oldest(now))
	}
	return age
}

func (b *box) oldest(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.since) == 0 {
		return 0
	}
	return now.Sub(b.since[0])
}
