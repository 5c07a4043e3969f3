package sim

import "time"

// clock is that of a machine: a little fast or slow, and never set.
type clock struct {
	rate float64
	zero time.Duration // the real time at which it began
}

// at is what the clock shows at a real time.
func (c clock) at(real time.Duration) time.Duration {
	return time.Duration(float64(real-c.zero) * c.rate)
}

// real is how long a time of this clock really takes.
func (c clock) real(d time.Duration) time.Duration { return time.Duration(float64(d)/c.rate) + 1 }

// process is a program on a machine. It may die and begin anew, and it may
// stand still: then what happens to it waits, and comes in some order.
type process struct {
	w       *World
	clock   *clock
	up      bool
	frozen  bool
	thawed  time.Duration // when it last began to move again
	life    int
	waiting []func()
	dbCut   bool // its line to the database is cut
	ordered bool // what waited is taken in the order in which it came
}

func (p *process) start() { p.up, p.frozen, p.waiting = true, false, nil; p.life++ }
func (p *process) die()   { p.up, p.frozen, p.waiting = false, false, nil; p.life++ }

// runs reports whether the process does anything at the moment.
func (p *process) runs() bool { return p.up && !p.frozen }

// do has the process do something now, or when it moves again. If it dies
// before, it is never done.
func (p *process) do(what func()) {
	switch {
	case !p.up:
	case p.frozen:
		p.waiting = append(p.waiting, what)
	default:
		what()
	}
}

// after is a timer of the process, by its machine's clock.
func (p *process) after(d time.Duration, what func()) {
	life := p.life
	p.w.after(p.clock.real(d), func() {
		if p.life == life {
			p.do(what)
		}
	})
}

// every does something again and again until the process dies. The first
// time is at once.
func (p *process) every(d time.Duration, what func()) {
	what()
	p.after(d, func() { p.every(d, what) })
}

func (p *process) freeze() { p.frozen = p.up }

// thaw ends a freeze. Timers and messages that came due meanwhile are taken
// in an order that nobody chose.
func (p *process) thaw() {
	if !p.frozen {
		return
	}
	p.frozen, p.thawed = false, p.w.now
	waiting := p.waiting
	p.waiting = nil
	if p.ordered {
		for _, what := range waiting {
			p.do(what)
		}
		return
	}
	p.w.rng.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	life := p.life
	for _, what := range waiting {
		p.w.after(p.w.between(0, 20*time.Millisecond), func() {
			if p.life == life {
				p.do(what)
			}
		})
	}
}
