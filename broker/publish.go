package broker

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/lormas/lormas/shared/wire"
)

// publishWorkers is how many of the controller's messages can be on their
// way at once: a client that takes nothing holds one up for WriteTimeout.
const publishWorkers = 16

// ErrBusy is returned by Publish when too much waits to be published. The
// message is dropped; what must arrive is published again from the outbox.
var ErrBusy = errors.New("too many messages wait to be published")

// publication is one message of the controller.
type publication struct {
	topic   wire.Topic
	payload []byte
}

// publisher publishes from a fixed number of goroutines, so that nobody who
// calls Publish waits for a slow client. Messages of one topic keep their
// order, as one worker has them all.
type publisher struct {
	seed    maphash.Seed
	queues  []chan publication
	publish func(publication)
	limit   int64
	waiting atomic.Int64 // bytes in the queues
	quit    chan struct{}
	workers sync.WaitGroup
}

func newPublisher(limits Limits, publish func(publication)) *publisher {
	p := &publisher{
		seed:    maphash.MakeSeed(),
		queues:  make([]chan publication, publishWorkers),
		publish: publish,
		limit:   limits.PublishBytes,
		quit:    make(chan struct{}),
	}
	for i := range p.queues {
		p.queues[i] = make(chan publication, limits.PublishQueue)
		p.workers.Go(func() { p.work(p.queues[i]) })
	}
	return p
}

// offer queues the message or reports that there is no room.
func (p *publisher) offer(m publication) bool {
	size := int64(len(m.payload))
	if p.waiting.Add(size) > p.limit {
		p.waiting.Add(-size)
		return false
	}
	select {
	case p.queues[maphash.Comparable(p.seed, m.topic)%publishWorkers] <- m:
		return true
	default:
		p.waiting.Add(-size)
		return false
	}
}

func (p *publisher) work(queue <-chan publication) {
	for {
		select {
		case m := <-queue:
			p.publish(m)
			p.waiting.Add(-int64(len(m.payload)))
		case <-p.quit:
			return
		}
	}
}

func (p *publisher) close() { close(p.quit) }
func (p *publisher) wait()  { p.workers.Wait() }

// Publish sends a message of the controller to whoever subscribed; QoS and
// retention are the topic's rule. It never blocks. Messages of one topic keep
// their order. The payload must not be changed afterwards. With nobody there
// to get it, the message is gone: nothing queues for absent agents.
func (b *Broker) Publish(t wire.Topic, payload []byte) error {
	if t.Rule().Sender != wire.FromController {
		return fmt.Errorf("publish on %s: it is not the controller's topic", t)
	}
	if len(payload) == 0 || len(payload) > wire.MaxPayload {
		return fmt.Errorf("publish on %s: a payload has 1 to %d bytes, not %d", t, wire.MaxPayload, len(payload))
	}
	return b.offer(publication{topic: t, payload: payload})
}

// Relay shows people here what an agent has published on another broker.
// Nothing of it reaches the Handler.
func (b *Broker) Relay(t wire.Topic, payload []byte) error {
	if t.Rule().Sender != wire.FromAgent {
		return fmt.Errorf("relay on %s: it is not an agent's topic", t)
	}
	if len(payload) == 0 || len(payload) > wire.MaxPayload {
		return fmt.Errorf("relay on %s: a payload has 1 to %d bytes, not %d", t, wire.MaxPayload, len(payload))
	}
	return b.offer(publication{topic: t, payload: payload})
}

// ClearRetained forgets the message that the topic retains, in order with
// what was published on it before. Call it when a node or container is gone.
func (b *Broker) ClearRetained(t wire.Topic) error {
	if !t.Rule().Retained {
		return fmt.Errorf("clear %s: the topic retains nothing", t)
	}
	return b.offer(publication{topic: t})
}

func (b *Broker) offer(m publication) error {
	if b.closing.Load() {
		return ErrClosed
	}
	if !b.publisher.offer(m) {
		b.metrics.queueFull.Inc()
		return fmt.Errorf("publish on %s: %w", m.topic, ErrBusy)
	}
	return nil
}

// publishNow may wait for a slow client.
func (b *Broker) publishNow(m publication) {
	rule := m.topic.Rule()
	b.guarded("Publish", func() {
		if err := b.server.Publish(m.topic.String(), m.payload, rule.Retained, rule.QoS); err != nil {
			b.log.Error("message was not published", "kind", rule.Kind, "error", err)
		}
	})
}
