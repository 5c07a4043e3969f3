package watch

import (
	"sync"

	"github.com/lormas/lormas/shared/wire"
)

// queue is how many chunks or samples wait for a slow viewer.
const queue = 256

// Stream is what one viewer gets. C is closed at the end; Err then says why,
// and is nil at a proper end.
type Stream[T any] struct {
	c chan T

	mu     sync.Mutex
	closed bool
	err    error
}

func newStream[T any]() *Stream[T] { return &Stream[T]{c: make(chan T, queue)} }

// C delivers until the stream ends.
func (s *Stream[T]) C() <-chan T { return s.c }

// Err is why the stream ended. Ask it once C is closed.
func (s *Stream[T]) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *Stream[T]) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed, s.err = true, err
		close(s.c)
	}
}

// offer gives something to a viewer who has room for it.
func (s *Stream[T]) offer(item T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	select {
	case s.c <- item:
		return true
	default:
		return false
	}
}

// roomy reports whether a viewer has room for a good deal.
func (s *Stream[T]) roomy() bool { return len(s.c) <= cap(s.c)/2 }

// offerStats gives a sample to a viewer; the oldest one makes room.
func offerStats(s *Stream[wire.Stats], sample wire.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for {
		select {
		case s.c <- sample:
			return
		default:
		}
		select {
		case <-s.c:
		default:
		}
	}
}
