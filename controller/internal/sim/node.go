package sim

import (
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// node is a machine with its engine, guard and agent.
type node struct {
	w     *World
	index int
	id    id.NodeID
	name  string
	clock clock
	path  path

	on          bool
	boot        int  // counts the boots of the machine
	liveRestore bool // containers outlive the engine's daemon
	agent       process
	guard       process
	docker      process

	engine map[id.ContainerID]*instance
	inWork map[id.ContainerID]int // starts that the engine has begun
	disk   ledger                 // survives everything
	tmpfs  lease.Guard            // the guard's record; survives the guard, not a boot
	mem    agentMemory

	startTakes   time.Duration // its engine takes so long over each start; 0: as usual
	gone         bool          // its guard does not come back
	spared       time.Duration // no further fault strikes it before
	troubleUntil time.Duration // until then it has a fault of its own
	ackedUntil   time.Duration // real time at which the last lease granted ends
}

// instance is a container that an engine has.
type instance struct {
	what    *container
	epoch   int64
	running bool
	since   time.Duration // real
	run     int           // counts its runs
	dying   bool          // its engine was told to stop it
	killed  int           // the run that was sent SIGKILL
	leased  bool          // its agent held a lease when it asked for this run
	byHand  bool          // somebody on the machine started this run, and no agent
}

// How long an engine takes.
const (
	usualStart = 400 * time.Millisecond
	worstStart = 4 * time.Second
	usualStop  = time.Second
	worstStop  = 10 * time.Second
)

func (w *World) newNode(index int, rate float64) *node {
	n := &node{w: w, index: index, id: w.newID(), clock: clock{rate: rate}, engine: map[id.ContainerID]*instance{}, inWork: map[id.ContainerID]int{}}
	n.name = "n" + string(rune('1'+index))
	for _, p := range []*process{&n.agent, &n.guard, &n.docker} {
		p.w, p.clock = w, &n.clock
	}
	n.docker.ordered = true
	n.liveRestore = w.chance(0.5)
	n.disk = newLedger(n.name)
	return n
}

// powerOn boots the machine: engine, guard and agent come up in any order.
func (n *node) powerOn() {
	if n.on {
		return
	}
	n.on = true
	n.boot++
	n.clock.zero = n.w.now
	if !n.w.rules.OldRecord {
		n.tmpfs = nil
	}
	boot := n.boot
	for _, begin := range []func(){n.startDocker, n.startGuard, n.startAgent} {
		n.w.after(n.w.between(100*time.Millisecond, 5*time.Second), func() {
			if n.on && n.boot == boot {
				begin()
			}
		})
	}
}

// powerOff is the loss of power: nobody can say goodbye.
func (n *node) powerOff() {
	if !n.on {
		return
	}
	n.on = false
	n.agent.die()
	n.guard.die()
	n.docker.die()
	clear(n.inWork)
	for _, c := range n.w.check.cast {
		n.end(n.engine[c.id], "power loss")
	}
	n.trouble(0)
}

// trouble notes a fault of the node's own, that ends after d at the earliest.
func (n *node) trouble(d time.Duration) { n.troubleUntil = max(n.troubleUntil, n.w.now+d) }

func (n *node) startDocker() {
	if n.docker.up {
		return
	}
	n.docker.start()
	for _, c := range n.w.check.cast {
		i := n.engine[c.id]
		switch {
		case i == nil:
		case i.running && !n.liveRestore:
			n.end(i, "the engine's daemon began anew")
			if n.w.rules.DockerAutostart {
				n.begin(i)
			}
		case !i.running && n.w.rules.DockerAutostart && i.run > 0 && !i.dying:
			n.begin(i)
		}
	}
	n.wakeAgent()
}

// begin is the moment at which the processes of a container exist.
func (n *node) begin(i *instance) {
	i.running, i.dying, i.since = true, false, n.w.now
	i.run++
	n.w.check.began(n, i)
	n.w.logf("%s: %s runs at epoch %d", n.name, i.what.name, i.epoch)
	if n.w.chance(0.02) && !n.w.quiet { // it will crash one day
		run := i.run
		n.w.after(n.w.between(time.Second, 2*time.Minute), func() {
			if i.run == run {
				n.end(i, "crash")
				n.wakeAgent()
			}
		})
	}
}

// end is the moment at which they no longer do.
func (n *node) end(i *instance, why string) {
	if i == nil || !i.running {
		return
	}
	i.running, i.leased, i.byHand = false, false, false
	n.w.check.ended(n, i, why)
	n.w.logf("%s: %s ended at epoch %d: %s", n.name, i.what.name, i.epoch, why)
}

// engineStart asks the engine to make and start a container; done is told
// when it has.
func (n *node) engineStart(c *container, epoch int64, done func()) {
	leased, asked := n.w.now <= n.ackedUntil, n.w.now
	n.docker.do(func() {
		n.inWork[c.id]++
		n.docker.after(max(n.startTakes, n.w.mostly(usualStart, worstStart, 0.05)), func() {
			n.inWork[c.id]--
			if c.exclusive && n.w.now-asked > n.w.startMost() && !n.w.rules.EngineLate {
				n.agent.do(done)
				return
			}
			i := n.engine[c.id]
			if i == nil || i.epoch != epoch {
				i = &instance{what: c, epoch: epoch}
				n.engine[c.id] = i
			}
			if !i.running {
				i.leased = leased
				n.begin(i)
			}
			n.agent.do(done)
		})
	})
}

// startMost is the longest that an engine may take over a start, or it must
// not come about at all: an assumption that nothing enforces. A start is asked
// for until Soft, and what begins after Window may meet another copy.
func (w *World) startMost() time.Duration {
	p := w.rules.profile
	return p.Window*99/100 - p.Soft
}

// dockerDies ends the engine's daemon. Whoever waits for an answer hears that
// there will be none.
func (n *node) dockerDies() {
	n.docker.die()
	clear(n.inWork)
	n.agent.do(func() {
		clear(n.mem.busy)
		clear(n.mem.doing)
		n.mem.looked = false
	})
}

// look is the agent's look at the engine. It inspects each container, and so
// waits for what the engine has begun with one: a start that an earlier run
// of the agent asked for is not overlooked.
func (n *node) look() {
	life := n.agent.life
	n.docker.do(func() {
		for _, c := range n.w.check.cast {
			if n.inWork[c.id] > 0 {
				n.docker.after(100*time.Millisecond, n.look)
				return
			}
		}
		if n.agent.life == life {
			n.agent.do(func() {
				n.mem.looked = true
				n.reconcile()
			})
		}
	})
}

// engineStop asks the engine to stop a container and, if gone, to remove it.
func (n *node) engineStop(i *instance, remove bool, why string, done func()) {
	n.docker.do(func() {
		i.dying = true
		n.docker.after(n.w.mostly(usualStop, worstStop, 0.1), func() {
			n.end(i, why)
			if remove && n.engine[i.what.id] == i {
				delete(n.engine, i.what.id)
			}
			n.agent.do(done)
		})
	})
}

// kill is a signal to the processes themselves; no engine is needed.
func (n *node) kill(i *instance, why string) {
	worst := n.w.rules.profile.Kill
	run := i.run
	if i.killed == run {
		return
	}
	i.killed = run
	n.w.check.fenced++
	n.w.after(n.w.mostly(20*time.Millisecond, worst, 0.2), func() {
		if i.run == run {
			n.end(i, why)
			n.wakeAgent()
		}
	})
}

func (n *node) wakeAgent() {
	n.agent.do(func() { n.agent.after(n.w.between(0, 100*time.Millisecond), n.reconcile) })
}
