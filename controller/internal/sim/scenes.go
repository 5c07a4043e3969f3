package sim

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// rest is when the fleet of a scene is at rest.
const rest = time.Minute

// scenes are all that are written. Each is told of one node, with its
// container.
var scenes = []scene{
	{name: "a return that nobody wrote down", controllers: 1, length: 4 * time.Minute, play: unwritten},
	{name: "an agent that starts while its engine is at work", controllers: 1, length: 3 * time.Minute, play: atWork},
	{name: "an engine that comes to itself", controllers: 1, length: 4 * time.Minute, play: lateEngine},
	{name: "a controller that slept", controllers: 2, length: 5 * time.Minute, play: sleeper},
	{name: "an answer to an earlier session", controllers: 1, length: 4 * time.Minute, play: lateAnswer},
	{name: "a database that was restored", controllers: 1, length: 3 * time.Minute, open: true, play: restored},
	{name: "a container that somebody starts by hand", controllers: 1, length: 3 * time.Minute, play: byHand},
	{name: "a return while a decision is on its way", controllers: 1, length: 4 * time.Minute, play: overtaken},
	{name: "a container that is made while a decision is on its way", controllers: 1, length: 4 * time.Minute, play: crowded},
	{name: "a record that is written too late", controllers: 2, length: 5 * time.Minute, play: lateRecord},
	{name: "a controller that is gone for long", controllers: 1, length: 6 * time.Minute, play: alone},
	{name: "a commit that fails", controllers: 1, length: 4 * time.Minute, play: failedCommit},
}

// unwritten: a lost node comes back and is granted a lease, and the controller
// ends before it has that on record. The next one finds a lost node that is
// silent, and there is room for what it runs.
func unwritten(w *World) {
	n, c := w.nodes[0], w.ctls[0]
	w.leave(0)
	w.after(rest, n.sever)
	w.when(w.recorded(n, fleet.NodeUnhealthy), func() {
		w.after(2*time.Second, n.mend)
		w.when(c.has(n, fleet.NodeHealthy), func() {
			w.after(150*time.Millisecond, c.crash)
			w.after(700*time.Millisecond, n.sever)
			w.after(time.Second, c.begin)
			w.leave(4 << 30)
			w.after(90*time.Second, n.mend)
		})
	})
}

// atWork: an agent ends while its engine is at a start that takes long. It was
// not told yet that the container has to stop, and its next run is.
func atWork(w *World) {
	n, who := w.nodes[0], w.check.cast[0]
	row := w.db.rows.container(who.id)
	w.after(rest, func() {
		n.startTakes, n.path.noOrders = 9*time.Second, true
		w.move(w.ctls[0], row, fleet.KindManual, false)
		w.when(func() bool { return row.Evicting }, func() {
			n.end(n.engine[who.id], "crash")
			n.wakeAgent()
		})
		w.when(func() bool { return n.inWork[who.id] > 0 }, func() {
			n.agentDies()
			n.path.noOrders = false
			w.after(300*time.Millisecond, n.startAgent)
			w.after(30*time.Second, func() { n.startTakes = 0 })
		})
	})
}

// lateEngine: an engine hangs in the middle of a start, and goes on when the
// container has long been moved.
func lateEngine(w *World) {
	n, who := w.nodes[0], w.check.cast[0]
	w.after(rest, func() {
		n.end(n.engine[who.id], "crash")
		n.wakeAgent()
		w.when(func() bool { return n.inWork[who.id] > 0 }, func() {
			n.docker.freeze()
			n.sever()
			w.after(time.Minute, n.docker.thaw)
			w.after(90*time.Second, n.mend)
		})
	})
}

// sleeper: the machine of the controller that reigns is paused, and wakes with
// a lease by its own clock, cut off from Postgres, when a node that has been
// with the other controller finds no way to that.
func sleeper(w *World) {
	n, old, next := w.nodes[0], w.ctls[0], w.ctls[1]
	w.after(rest, func() {
		if _, reigns := old.claim.Authority(old.wall()); !reigns {
			old, next = next, old
		}
		wake := old.sleep()
		w.after(2*rest, func() { // long after the grace of the other
			n.path.astray = next
			w.after(15*time.Second, func() {
				old.proc.dbCut = true
				wake()
			})
			w.after(90*time.Second, func() { n.path.astray, old.proc.dbCut = nil, false })
		})
	})
}

// lateAnswer: answers of one session arrive in the next one, where the numbers
// that they answer have been used again, for heartbeats that nobody heard.
func lateAnswer(w *World) {
	n := w.nodes[0]
	answered := func() bool { return n.mem.conn != 0 && n.mem.seq == 1 && n.mem.unasked == 0 }
	w.after(rest, func() {
		n.disconnected(n.mem.conn)
		w.when(answered, func() {
			n.path.keeps = true
			w.when(func() bool { return n.mem.conn == 0 }, func() {
				n.path.keeps = false
				w.when(answered, func() { w.tooLate(n) })
			})
		})
	})
}

func (w *World) tooLate(n *node) {
	n.path.upCut = true
	w.when(func() bool { return n.mem.seq == 4 }, func() {
		for _, deliver := range n.path.kept {
			deliver()
		}
	})
	w.after(90*time.Second, n.mend)
}

// restored: a container is moved, and then Postgres is what it was before. Its
// revisions are used again.
func restored(w *World) {
	n, who, c := w.nodes[0], w.check.cast[0], w.ctls[0]
	w.after(rest, func() {
		backup := w.db.rows.backup()
		w.move(c, w.db.rows.container(who.id), fleet.KindManual, false)
		w.when(func() bool { return who.highest == 2 && n.disk.desired[who.id].Power == "" && n.engine[who.id] == nil }, func() {
			c.crash()
			w.db.rows, w.check.uncounted = backup, true
			for range 9 {
				w.db.rows.touch(n.id, who.id)
			}
			w.after(time.Second, c.begin)
		})
	})
}

// byHand: somebody on a machine starts what the guard has killed there.
func byHand(w *World) {
	n, who := w.nodes[0], w.check.cast[0]
	w.after(rest, n.sever)
	w.when(w.moved(who), func() {
		w.after(5*time.Second, func() {
			i := n.engine[who.id]
			i.byHand = true
			n.begin(i)
		})
		w.after(30*time.Second, n.mend)
	})
}

// overtaken: a lost node comes back while its container is being moved, which
// is committed, and nobody hears of it. Nor does the node, as the answer to
// its hello is on its way.
func overtaken(w *World) {
	n, c := w.nodes[0], w.ctls[0]
	w.after(rest, n.sever)
	w.when(c.has(n, fleet.NodeUnhealthy), func() { w.db.locks = 4 * time.Second })
	w.when(func() bool { return len(c.nodes.Seized()) > 0 }, func() {
		n.mend()
		n.connect()
		before := w.db.rows.node(n.id).rev
		w.after(3*time.Second, func() {
			c.told[n.id] = told{busy: true}
			w.db.mute, w.db.locks = true, 0
		})
		w.when(func() bool { return w.db.rows.node(n.id).rev > before }, func() { w.db.mute = false })
		w.after(20*time.Second, func() { c.told[n.id] = told{} })
	})
}

// crowded: somebody makes a container where another is about to be moved to.
func crowded(w *World) {
	n, c := w.nodes[0], w.ctls[0]
	w.leave(0, 2<<30, 0)
	w.after(rest, n.sever)
	w.when(c.has(n, fleet.NodeUnhealthy), func() { w.db.locks = 4 * time.Second })
	w.when(func() bool { return len(c.nodes.Seized()) > 0 }, func() {
		w.create(fleet.Exclusive, 2<<30, 1)
		w.db.locks = 0
		w.after(10*time.Second, func() { w.leave(4 << 30) })
		w.after(time.Minute, n.mend)
	})
}

// lateRecord: a controller stands still while it writes down that it has given
// a node up. It goes on when another one reigns, which finds the node well.
func lateRecord(w *World) {
	n, old, next := w.nodes[0], w.ctls[0], w.ctls[1]
	w.after(rest, func() {
		if _, reigns := old.claim.Authority(old.wall()); !reigns {
			old, next = next, old
		}
		n.sever()
		w.when(old.has(n, fleet.NodeUnhealthy), func() {
			w.db.locks = 3 * time.Second
			w.after(2*time.Second, func() {
				old.proc.freeze()
				w.db.locks = 0
				n.mend()
				w.when(func() bool {
					return next.open && next.has(n, fleet.NodeHealthy)() && w.recorded(n, fleet.NodeHealthy)()
				}, func() {
					w.after(5*time.Second, old.proc.thaw)
				})
			})
		})
	})
}

// alone: while nobody tells it anything, an agent begins anew, and then a
// container crashes that needs no lease. The agent has to start it again.
func alone(w *World) {
	n, c := w.nodes[0], w.ctls[0]
	who := w.create(fleet.Available, 1<<30, 0)
	w.after(rest, c.crash)
	w.after(rest+10*time.Second, n.agentDies)
	w.after(rest+12*time.Second, n.startAgent)
	w.after(rest+20*time.Second, func() {
		n.end(n.engine[who.id], "crash")
		n.wakeAgent()
	})
	w.after(rest+time.Minute, func() {
		if len(who.live) == 0 {
			w.check.violated("I13", "%s crashed while %s was alone, and was not started again", who.name, n.name)
		}
	})
	w.after(3*time.Minute, c.begin)
}

// failedCommit: Postgres goes away when a container that needs no lease is
// about to be moved from a lost node, which then comes back.
func failedCommit(w *World) {
	n, c := w.nodes[0], w.ctls[0]
	w.create(fleet.Available, 1<<30, 0)
	w.after(rest, n.sever)
	w.when(c.has(n, fleet.NodeUnhealthy), func() { w.db.locks = 4 * time.Second })
	w.when(func() bool { return len(c.nodes.Seized()) > 0 }, func() {
		n.mend()
		n.connect()
		w.after(3*time.Second, func() { w.db.up, w.db.locks = false, 0 })
		w.after(10*time.Second, func() { w.db.up = true })
	})
}
