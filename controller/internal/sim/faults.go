package sim

import (
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// fault is something that goes wrong, and comes right after a time. Those
// that weigh more come more often.
type fault struct {
	name   string
	weight int
	strike func(w *World)
}

// faults are all that may go wrong (FAILOVER §6.3, §9.2). What is not among
// them is named there, too: a machine that is paused as a whole, and a guard
// that is dead or frozen for longer than it takes to notice.
var faults = []fault{
	{"cut", 6, func(w *World) { w.cut(w.anyNode(), true, true, w.between(2*time.Second, 2*time.Minute)) }},
	{"cut away from the node", 3, func(w *World) { w.cut(w.anyNode(), true, false, w.between(2*time.Second, 2*time.Minute)) }},
	{"cut towards the node", 3, func(w *World) { w.cut(w.anyNode(), false, true, w.between(2*time.Second, 2*time.Minute)) }},
	{"bad link", 3, (*World).badLink},
	{"flapping link", 2, (*World).flap},
	{"many cut", 2, (*World).cutMany},
	{"agent crash", 4, (*World).agentCrash},
	{"agent freeze", 3, (*World).agentFreeze},
	{"guard crash", 2, (*World).guardCrash},
	{"agent and guard crash", 2, func(w *World) { n := w.anyNode(); w.crashGuard(n); w.crashAgent(n) }},
	{"guard gone", 2, (*World).guardGone},
	{"engine crash", 2, (*World).dockerCrash},
	{"engine freeze", 2, (*World).dockerFreeze},
	{"power loss", 5, (*World).powerLoss},
	{"controller crash", 4, (*World).controllerCrash},
	{"controller restart", 3, (*World).controllerRestart},
	{"controller freeze", 3, (*World).controllerFreeze},
	{"controller cut off", 3, (*World).controllerCut},
	{"Postgres away", 3, (*World).postgresAway},
	{"Postgres cut off", 3, (*World).postgresCut},
	{"partition", 4, (*World).partition},
	{"orders lost", 3, (*World).ordersLost},
	{"machine paused", 3, (*World).hostPause},
	{"operator", 10, (*World).operator},
}

// flushed is what only one history in ten knows: Redis loses everything. It is
// by itself so that all other histories stay what they are.
var flushed = fault{"FLUSHALL", 6, func(w *World) { clear(w.keys) }}

// storm has faults strike until a moment, then everything heals.
func (w *World) storm(until time.Duration) {
	faults := faults
	if w.seed%10 == 2 {
		faults = append(slices.Clip(faults), flushed)
	}
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	var next func()
	next = func() {
		if w.now >= until {
			w.clearUp()
			return
		}
		pick := w.rng.IntN(total)
		for _, f := range faults {
			if pick -= f.weight; pick < 0 {
				w.logf("fault: %s", f.name)
				f.strike(w)
				break
			}
		}
		w.after(w.between(time.Second, 40*time.Second), next)
	}
	w.after(w.between(10*time.Second, time.Minute), next)
}

// clearUp ends all bad weather.
func (w *World) clearUp() {
	w.logf("the weather clears")
	w.quiet = true
	w.db.up = true
	for _, c := range w.ctls {
		c.upCut, c.downCut, c.proc.dbCut = false, false, false
		c.proc.thaw()
		c.begin()
	}
	for i, n := range w.nodes {
		n.path = path{}
		w.db.rows.nodes[i].cordoned = false
		n.powerOn()
		n.agent.thaw()
		n.docker.thaw()
		n.startDocker()
		n.gone = false
		n.startGuard()
		n.startAgent()
	}
}

// anyNode picks a node that is not spared.
func (w *World) anyNode() *node {
	n := w.nodes[w.rng.IntN(len(w.nodes))]
	for i := 0; w.now < n.spared && i < len(w.nodes); i++ {
		n = w.nodes[(n.index+1)%len(w.nodes)]
	}
	return n
}

// heal is what happens after a fault, unless the weather has cleared before.
func (w *World) heal(d time.Duration, do func()) {
	w.after(d, func() {
		if !w.quiet {
			do()
		}
	})
}

func (w *World) cut(n *node, up, down bool, d time.Duration) {
	n.path.upCut, n.path.downCut = n.path.upCut || up, n.path.downCut || down
	n.trouble(d)
	w.heal(d, func() { n.path.upCut, n.path.downCut = n.path.upCut && !up, n.path.downCut && !down })
}

func (w *World) badLink() {
	n, d := w.anyNode(), w.between(10*time.Second, 2*time.Minute)
	n.path.loss, n.path.slow = w.rng.Float64()*0.6, w.rng.Float64()*0.3
	n.trouble(d)
	w.heal(d, func() { n.path.loss, n.path.slow = w.loss, w.slow })
}

func (w *World) flap() {
	n := w.anyNode()
	at := time.Duration(0)
	for range 2 + w.rng.IntN(5) {
		at += w.between(5*time.Second, 40*time.Second)
		d := w.between(5*time.Second, 45*time.Second)
		w.heal(at, func() { w.cut(n, true, true, d) })
		at += d
	}
}

func (w *World) cutMany() {
	d := w.between(5*time.Second, 3*time.Minute)
	for range 2 + w.rng.IntN(len(w.nodes)) {
		w.cut(w.anyNode(), true, true, d+w.between(0, 5*time.Second))
	}
}

func (w *World) crashAgent(n *node) {
	if !n.agent.up {
		return
	}
	d := w.between(200*time.Millisecond, 2*time.Second) // its supervisor is quick
	if w.chance(0.5) {
		d = w.between(2*time.Second, time.Minute)
	}
	n.agentDies()
	n.trouble(d)
	boot := n.boot
	w.heal(d, func() {
		if n.on && n.boot == boot {
			n.startAgent()
		}
	})
}

func (w *World) agentCrash() { w.crashAgent(w.anyNode()) }

func (w *World) agentFreeze() {
	n, d := w.anyNode(), w.between(time.Second, 90*time.Second)
	n.agent.freeze()
	n.trouble(d)
	w.heal(d, n.agent.thaw)
}

// crashGuard ends a guard; whoever supervises it has it back at once.
func (w *World) crashGuard(n *node) {
	if !n.guard.up {
		return
	}
	n.guard.die()
	boot := n.boot
	w.after(w.between(50*time.Millisecond, guardBack), func() {
		if n.on && n.boot == boot {
			n.startGuard()
		}
	})
}

// guardGone ends a guard that does not come back, which the agent alone has to
// cope with: until everything exclusive has ended there, nothing else may go
// wrong on that machine. Then it is cut off and its agent stands still.
func (w *World) guardGone() {
	n := w.anyNode()
	alone, d := 2*w.rules.profile.Window+10*time.Second, w.between(10*time.Second, time.Minute)
	if !n.guard.up || !n.agent.runs() || !n.docker.runs() || w.now < n.spared {
		return
	}
	n.spared = w.now + alone
	n.guard.die()
	n.gone = true
	w.heal(alone, func() {
		w.cut(n, true, true, d)
		n.agent.freeze()
		w.heal(d, func() {
			n.agent.thaw()
			n.gone = false
			n.startGuard()
		})
	})
}

// guardBack is how soon a guard is there again that was killed. It has to be
// within what the profile has left.
const guardBack = 300 * time.Millisecond

func (w *World) guardCrash() { w.crashGuard(w.anyNode()) }

func (w *World) dockerCrash() {
	n, d := w.anyNode(), w.between(time.Second, 40*time.Second)
	if !n.docker.up {
		return
	}
	n.dockerDies()
	boot := n.boot
	w.heal(d, func() {
		if n.on && n.boot == boot {
			n.startDocker()
		}
	})
}

func (w *World) dockerFreeze() {
	n, d := w.anyNode(), w.between(time.Second, time.Minute)
	n.docker.freeze()
	w.heal(d, n.docker.thaw)
}

// hostPause stops a machine as a hypervisor does: nothing on it notices, its
// clocks included. No lease can help against that (FAILOVER §12), so that it
// happens only to show so.
func (w *World) hostPause() {
	n, d := w.anyNode(), w.between(5*time.Second, 2*time.Minute)
	if !w.rules.HostPause || n.agent.frozen || n.docker.frozen {
		return
	}
	n.trouble(d)
	boot := n.boot
	all := []*process{&n.agent, &n.guard, &n.docker}
	for _, p := range all {
		p.freeze()
	}
	w.after(d, func() {
		if n.on && n.boot == boot {
			n.clock.zero += d
		}
		for _, p := range all {
			p.thaw()
		}
	})
}

func (w *World) powerLoss() {
	n, d := w.anyNode(), w.between(3*time.Second, 2*time.Minute)
	n.powerOff()
	n.trouble(d + 10*time.Second)
	w.heal(d, n.powerOn)
}

func (w *World) anyController() *controller { return w.ctls[w.rng.IntN(len(w.ctls))] }

func (w *World) controllerCrash() {
	c := w.anyController()
	c.crash()
	w.heal(w.between(time.Second, time.Minute), c.begin)
}

// ambush crashes a controller in the middle of something, with what it has
// committed known to nobody, or freezes it there.
func (w *World) ambush(c *controller, p float64) {
	if w.quiet || !w.chance(p) || !c.open {
		return
	}
	if w.chance(0.5) {
		w.logf("fault: %s freezes in the middle of something", c.name)
		c.proc.freeze()
		w.heal(w.between(time.Second, 90*time.Second), c.proc.thaw)
		return
	}
	w.logf("fault: %s crashes in the middle of something", c.name)
	w.heal(w.between(0, 600*time.Millisecond), c.crash)
	w.heal(w.between(time.Second, 10*time.Second), c.begin)
}

func (w *World) controllerRestart() {
	c := w.anyController()
	c.restart()
	w.heal(w.between(time.Second, 10*time.Second), c.begin)
}

func (w *World) controllerFreeze() {
	c := w.anyController()
	c.proc.freeze()
	w.heal(w.between(time.Second, 90*time.Second), c.proc.thaw)
}

func (w *World) controllerCut() {
	c, up, down := w.anyController(), w.chance(0.7), w.chance(0.7)
	c.upCut, c.downCut = c.upCut || up, c.downCut || down
	w.heal(w.between(3*time.Second, 2*time.Minute), func() { c.upCut, c.downCut = false, false })
}

func (w *World) postgresAway() {
	w.db.up = false
	w.heal(w.between(time.Second, time.Minute), func() { w.db.up = true })
}

// postgresCut takes the database away from one controller.
func (w *World) postgresCut() {
	c := w.anyController()
	c.proc.dbCut = true
	w.heal(w.between(time.Second, 3*time.Minute), func() { c.proc.dbCut = false })
}

// partition leaves the controller that reigns on the wrong side: without the
// database, and with a part of the nodes.
func (w *World) partition() {
	c := w.active()
	if c == nil || len(w.ctls) < 2 {
		w.postgresCut()
		return
	}
	d := w.between(30*time.Second, 4*time.Minute)
	c.proc.dbCut = true
	w.heal(d, func() { c.proc.dbCut = false })
	for _, n := range w.nodes {
		if w.chance(0.7) {
			n.path.astray = c
			n.trouble(0)
			w.heal(d, func() { n.path.astray = nil })
		}
	}
}

// ordersLost takes from a node all that it is told but leases, while somebody
// wants what runs there elsewhere.
func (w *World) ordersLost() {
	n, by := w.anyNode(), w.active()
	n.path.noOrders = true
	n.trouble(0)
	w.heal(w.between(20*time.Second, 2*time.Minute), func() { n.path.noOrders = false })
	if by == nil {
		return
	}
	for _, c := range w.db.rows.containers {
		if c.NodeID == n.id && c.Power == spec.Running {
			w.force(by, c)
		}
	}
}

// comeback lets a lost node find its way back just while it is decided about,
// and answers how long the decision takes to be written down.
func (w *World) comeback(seized []id.NodeID) time.Duration {
	if len(seized) == 0 || w.quiet || !w.chance(0.1) {
		return 0
	}
	for _, s := range seized {
		n := w.node(s)
		n.path.upCut, n.path.downCut, n.mem.failures = false, false, 0
		if n.on && n.agent.runs() {
			n.connect()
		}
	}
	return w.between(time.Second, 6*time.Second)
}

// forget ends the controller just when a node has come back, so that nobody
// has that on record, and cuts the node off again.
func (w *World) forget(c *controller, n *node, s fleet.NodeState) {
	if s != fleet.NodeHealthy || w.quiet || !w.chance(0.05) {
		return
	}
	w.logf("fault: %s crashes when %s has come back", c.name, n.name)
	w.heal(w.between(100*time.Millisecond, 700*time.Millisecond), c.crash)
	w.heal(w.between(time.Second, 3*time.Second), c.begin)
	w.after(w.between(600*time.Millisecond, 2*time.Second), func() {
		if !w.quiet {
			w.cut(n, true, true, w.between(20*time.Second, time.Minute))
		}
	})
}
