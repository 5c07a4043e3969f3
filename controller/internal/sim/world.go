package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lormas/lormas/shared/id"
)

// World is one history of a fleet. Its clock is real time, which nobody in it
// can read.
type World struct {
	seed   uint64
	rules  Rules
	rng    *rand.Rand
	now    time.Duration
	queue  queue
	ids    uint64
	events int
	trace  func(string) // nil: nobody looks

	loss, slow float64 // of a usual path
	harsh      bool    // a usual path is a bad one, all the time
	quiet      bool    // the weather has cleared
	open       bool    // it need not end well by itself
	nodes      []*node
	ctls       []*controller
	reignFor   time.Duration // the lease of a controller; 0: as it fits
	db         *database
	keys       map[id.NodeID]time.Duration // Redis: until when each node's key lives
	check      *checker
}

// event is something that happens at a moment.
type event struct {
	at  time.Duration
	seq uint64 // keeps the order of those of one moment
	do  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}

// after has something happen once d of real time has passed.
func (w *World) after(d time.Duration, do func()) {
	w.ids++
	heap.Push(&w.queue, event{at: w.now + max(0, d), seq: w.ids, do: do})
}

// run lets time go by until a moment.
func (w *World) run(until time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		w.events++
		e.do()
	}
	w.now = until
}

func (w *World) logf(format string, args ...any) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%12s  ", w.now.Round(time.Millisecond)) + fmt.Sprintf(format, args...))
	}
}

// chance is true with probability p.
func (w *World) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

// between picks a duration; short ones come more often the higher the bias.
func (w *World) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(w.rng.Int64N(int64(most-least)))
}

// mostly is usually a short time, and at times as long as it may get.
func (w *World) mostly(usual, worst time.Duration, rare float64) time.Duration {
	if w.chance(rare) {
		return w.between(usual, worst)
	}
	return w.between(usual/10, usual)
}

// newID makes ids that sort by creation, as UUIDv7 do, and that a seed makes
// the same each time.
func (w *World) newID() (id [16]byte) {
	w.ids++
	for i := range 8 {
		id[15-i] = byte(w.ids >> (8 * i))
	}
	id[0] = 1
	return id
}
