package sim

import "time"

// path is the way between a node and the controller.
type path struct {
	upCut, downCut bool
	loss           float64
	slow           float64     // share of messages that take long
	astray         *controller // the way to this one is cut
	noOrders       bool        // leases get through, and nothing else
	keeps          bool        // what the node is told waits on the way,
	kept           []func()    // here
}

const (
	usualLatency = 40 * time.Millisecond
	worstLatency = 90 * time.Second
	duplicates   = 0.01
)

func (p *path) open() bool { return !p.upCut && !p.downCut }

// carry brings a message to the other end: sooner or later, once, twice or
// never. What is on its way when the path is cut still arrives. It reports
// whether the message arrives soon.
func (w *World) carry(p *path, c *controller, up bool, deliver func()) bool {
	cut := p.downCut || c.downCut
	if up {
		cut = p.upCut || c.upCut
	}
	if cut || p.astray == c || w.chance(p.loss) {
		return false
	}
	if p.keeps && !up {
		p.kept = append(p.kept, deliver)
		return true
	}
	latency := w.latency(p)
	w.after(latency, deliver)
	if w.chance(duplicates) && !w.quiet {
		w.after(w.latency(p), deliver)
	}
	return latency < time.Second
}

func (w *World) latency(p *path) time.Duration {
	switch {
	case w.chance(p.slow):
		return w.mostly(3*time.Second, worstLatency, 0.3)
	default:
		return w.mostly(usualLatency, 500*time.Millisecond, 0.02)
	}
}
