package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
)

const (
	usualLoss = 0.005
	usualSlow = 0.003

	settleStep = 10 * time.Second
	// settleMost is so long because a node in quarantine is no target for more
	// than half an hour, and all may be.
	settleMost = 2 * time.Hour
)

// Outcome is what came of a seed.
type Outcome struct {
	Seed       uint64
	Events     int // that the queue had
	Virtual    time.Duration
	Violations []Violation
	Failovers  int // containers taken from lost nodes
	Planned    int // containers moved because somebody wanted it
	Fenced     int // copies killed because their lease was over
	Verdicts   int // nodes given up
	Settled    time.Duration
}

// Run plays the history of a seed. It ends with the first violation.
func Run(seed uint64, rules Rules, trace func(string)) Outcome {
	w := newWorld(seed, rules, trace)
	storm := w.between(4*time.Minute, 12*time.Minute)
	w.storm(storm)
	return w.play(storm + time.Minute)
}

// play lets time go by until a moment, and then until everything is as it
// should be.
func (w *World) play(until time.Duration) Outcome {
	for w.now < until && len(w.check.violations) == 0 {
		w.run(w.now + time.Second)
	}
	cleared := w.now
	for len(w.check.violations) == 0 && !w.open {
		invariant, what := w.check.unsettled()
		if invariant == "" {
			break
		}
		if w.now > cleared+settleMost {
			w.check.violated(invariant, "%s after the weather has cleared: %s", (w.now - cleared).Round(time.Second), what)
			break
		}
		w.run(w.now + settleStep)
	}
	k := w.check
	return Outcome{
		Seed: w.seed, Events: w.events, Virtual: w.now, Violations: k.violations, Failovers: k.failovers, Planned: k.planned,
		Fenced: k.fenced, Verdicts: k.verdicts, Settled: w.now - cleared,
	}
}

// newWorld makes a fleet at rest: what it is made of depends on the seed.
func newWorld(seed uint64, rules Rules, trace func(string)) *World {
	w := &World{seed: seed, rules: rules, rng: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)), trace: trace, keys: map[id.NodeID]time.Duration{}}
	if rules.profile == (lease.Profile{}) {
		w.rules.profile = w.anyProfile()
	}
	w.check = &checker{w: w}
	w.db = &database{w: w, up: true, clock: clock{rate: w.anyRate()}, rows: &rows{w: w}}
	w.addControllers()
	w.loss, w.slow = usualLoss, usualSlow
	if w.harsh = w.chance(0.12); w.harsh {
		w.loss, w.slow = 0.1, 0.15
	}
	for i := range 4 + w.rng.IntN(4) {
		w.addNode(i, w.anyRate())
	}
	for i := range 6 + w.rng.IntN(7) {
		w.addContainer(i)
	}
	if w.chance(0.25) { // little more room than is needed
		w.tighten()
	}
	w.begin()
	return w
}

// begin switches everything on.
func (w *World) begin() {
	for _, c := range w.ctls {
		c.begin()
	}
	for _, n := range w.nodes {
		n.powerOn()
	}
}

func (w *World) addNode(i int, rate float64) {
	n := w.newNode(i, rate)
	n.path.loss, n.path.slow = w.loss, w.slow
	w.nodes = append(w.nodes, n)
	w.db.rows.nodes = append(w.db.rows.nodes, &nodeRow{
		id: n.id, state: fleet.NodeJoining, offer: spec.Resources{CPU: 8000, Memory: 8 << 30, Disk: 1 << 40},
	})
}

// addControllers makes one controller, or two of which one stands by.
func (w *World) addControllers() {
	for i := range 1 + w.rng.IntN(2) {
		w.addController(i, w.anyRate())
	}
	if w.chance(0.3) {
		w.reignFor = w.between(5*time.Second, 90*time.Second)
	}
}

func (w *World) addController(i int, rate float64) {
	c := &controller{w: w, name: fmt.Sprintf("controller %d", i+1), clock: clock{rate: rate}, arrived: map[id.NodeID]time.Duration{}}
	c.proc = process{w: w, clock: &c.clock}
	w.ctls = append(w.ctls, c)
}

// tighten leaves room for one container more on each node.
func (w *World) tighten() {
	for _, n := range w.db.rows.nodes {
		n.offer.Memory = n.reserved.Memory + 2<<30
	}
}

func (w *World) addContainer(i int) {
	row := &containerRow{Container: fleet.Container{
		ID: w.newID(), Name: fmt.Sprintf("c%d", i+1), Epoch: 1, Generation: 1, Power: spec.Running, Type: fleet.HA,
		HAPolicy: fleet.Exclusive, MigrationStatus: fleet.MigrationIdle,
		Spec: spec.Container{Resources: spec.Resources{CPU: 100, Memory: spec.Bytes(1+w.rng.IntN(2)) << 30}},
	}}
	switch w.rng.IntN(5) {
	case 0:
		row.Type, row.HAPolicy = fleet.Standard, ""
	case 1:
		row.HAPolicy = fleet.Available
	}
	w.put(row, w.db.rows.nodes[i%len(w.nodes)])
}

// put creates a container on a node.
func (w *World) put(row *containerRow, n *nodeRow) {
	row.NodeID = n.id
	row.who = &container{id: row.ID, name: row.Name, ha: row.Type == fleet.HA, exclusive: row.HAPolicy == fleet.Exclusive}
	w.check.cast = append(w.check.cast, row.who)
	w.db.rows.containers = append(w.db.rows.containers, row)
	w.db.rows.room(n.id, row, true)
	w.db.rows.touch(n.id, row.ID)
}

// anyRate is that of a clock: often as wrong as it may be.
func (w *World) anyRate() float64 {
	const drift = 0.001
	switch w.rng.IntN(3) {
	case 0:
		return 1 - drift
	case 1:
		return 1 + drift
	}
	return 1 + drift*(2*w.rng.Float64()-1)
}

func (w *World) anyProfile() lease.Profile {
	switch w.rng.IntN(6) {
	case 0:
		return lease.Fast()
	case 1:
		return lease.LAN()
	case 2:
		return lease.Custom(20 * time.Second)
	}
	return lease.Standard()
}
