package uplink

import (
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/shared/wire"
)

// Messages on their way at once: at QoS 1 each waits for the broker's answer.
const (
	senders   = 16
	queueSize = 2048 // of each sender
)

// letter is one message of the controller.
type letter struct {
	topic   wire.Topic
	payload []byte
}

// sender publishes from a fixed number of goroutines. Messages of one topic
// keep their order, as one goroutine has them all.
type sender struct {
	seed   maphash.Seed
	queues [senders]chan letter
	send   func(wire.Topic, []byte)
}

func newSender(send func(wire.Topic, []byte)) *sender {
	s := &sender{seed: maphash.MakeSeed(), send: send}
	for i := range s.queues {
		s.queues[i] = make(chan letter, queueSize)
	}
	return s
}

// start works until stop is called; what waits then is dropped.
func (s *sender) start() (stop func()) {
	quit := make(chan struct{})
	var group sync.WaitGroup
	for _, queue := range s.queues {
		group.Go(func() {
			for {
				select {
				case <-quit:
					return
				case l := <-queue:
					s.send(l.topic, l.payload)
				}
			}
		})
	}
	return func() { close(quit); group.Wait() }
}

func (s *sender) offer(t wire.Topic, payload []byte) error {
	select {
	case s.queues[maphash.Comparable(s.seed, t)%senders] <- letter{topic: t, payload: payload}:
		return nil
	default:
		return fmt.Errorf("publish on %s: %w", t, broker.ErrBusy)
	}
}
