package failover_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// machine is a node as it truly is.
type machine struct {
	id    id.NodeID
	state fleet.NodeState
	held  string
	runs  int64 // the epoch of the copy that runs there; 0: none
	sick  bool  // cannot start anything
	stuck bool  // does not stop anything
}

func (n *machine) inTouch() bool {
	return n.state == fleet.NodeHealthy || n.state == fleet.NodeReturning
}

// world is a container that is moved, and the truth about all copies of it.
// It does what loops.Migrator, the store and the agents would.
type world struct {
	now      time.Time
	machines []*machine
	view     failover.View
	holder   *machine
	told     spec.Power // what the holder is told
	fenced   time.Time
	full     bool // there is no room anywhere
	history  []string
}

const window = 30 * time.Second

func newWorld(kind fleet.MigrationKind, policy fleet.HAPolicy, nodes int) *world {
	w := &world{now: start, told: spec.Running}
	for range nodes {
		w.machines = append(w.machines, &machine{id: id.New[id.NodeID](), state: fleet.NodeHealthy})
	}
	w.holder = w.machines[0]
	w.holder.runs = 1
	w.view = failover.View{
		Migration: fleet.Migration{
			ID: id.New[id.MigrationID](), Kind: kind, Policy: policy, From: w.holder.id, FromEpoch: 1, State: fleet.MigrationQueued,
			Attempt: 1, CreatedAt: start, NextRunAt: start,
		},
		Container: fleet.Container{
			ID: id.New[id.ContainerID](), NodeID: w.holder.id, Epoch: 1, Power: spec.Running, HAPolicy: policy,
			Observed: &wire.ContainerStatus{Epoch: 1, Phase: spec.Up},
		},
	}
	if kind == fleet.KindFailover {
		w.lose(w.holder)
	}
	return w
}

func (w *world) exclusive() bool { return w.view.Migration.Policy == fleet.Exclusive }

func (w *world) log(format string, args ...any) {
	w.history = append(w.history, w.now.Sub(start).String()+" "+fmt.Sprintf(format, args...))
}

func (w *world) name(n *machine) string { return fmt.Sprintf("n%d", slices.Index(w.machines, n)) }

func (w *world) machine(of id.NodeID) *machine {
	i := slices.IndexFunc(w.machines, func(n *machine) bool { return n.id == of })
	return w.machines[i]
}

// lose is the verdict on a node: by then its guard has ended what is
// exclusive.
func (w *world) lose(n *machine) {
	n.state = fleet.NodeUnhealthy
	if w.exclusive() {
		n.runs = 0
	}
	w.log("%s is lost", w.name(n))
}

// comeBack is a heartbeat of a node that was lost.
func (w *world) comeBack(n *machine) {
	if n.state == fleet.NodeUnhealthy {
		n.state = fleet.NodeReturning
		w.log("%s returns", w.name(n))
	}
}

// pass lets time go by: leases that nobody renews run out.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	if w.exclusive() && !w.fenced.IsZero() && w.told != spec.Running && !w.now.Before(w.fenced.Add(window-time.Second)) {
		w.holder.runs = 0
	}
}

// work is an agent doing what it was told, and saying so.
func (w *world) work(n *machine) {
	if !n.inTouch() {
		return
	}
	c := &w.view.Container
	if n != w.holder || n.runs != 0 && n.runs != c.Epoch {
		n.runs = 0
	}
	if n.state == fleet.NodeReturning {
		n.state = fleet.NodeHealthy
	}
	if n != w.holder {
		return
	}
	switch {
	case w.told != spec.Running && n.stuck:
		w.view.Receipt, w.view.Message = wire.FailedR, "stuck"
		return
	case w.told != spec.Running:
		n.runs = 0
		w.see(spec.Down)
	case n.sick && n.runs == 0:
		w.see(spec.Failed)
		return
	default:
		n.runs = c.Epoch
		w.see(spec.Up)
	}
	if w.view.Receipt == wire.Queued {
		w.view.Receipt = wire.Applied
	}
}

func (w *world) see(p spec.Phase) {
	w.view.Container.Observed = &wire.ContainerStatus{Epoch: w.view.Container.Epoch, Phase: p}
}

func (w *world) node(n *machine) failover.Node {
	return failover.Node{ID: n.id, Name: w.name(n), State: n.state, Held: n.held, Window: window}
}

// step decides, and carries out.
func (w *world) step() (failover.View, failover.Decision) {
	v := w.view
	v.Holder, v.Source, v.Target = w.node(w.holder), w.node(w.machine(v.Migration.From)), failover.Node{}
	v.FencedAt = w.fenced
	source := w.machine(v.Migration.From)
	v.Source.Runs = source.state == fleet.NodeReturning && source.runs == v.Migration.FromEpoch && source != w.holder
	if to := v.Migration.To; to != nil {
		v.Target = w.node(w.machine(*to))
	}
	d := failover.Step(v, rules, w.now)
	w.carry(v, &d)
	if d.Action != failover.Wait {
		w.log("%s ─▶ %s: %s %s (%s%s)", v.Migration.State, d.Next.State, d.Action, d.Proof, d.Next.Waiting, d.Next.Error)
	}
	w.view.Migration = d.Next
	return v, d
}

func (w *world) carry(v failover.View, d *failover.Decision) {
	switch d.Action {
	case failover.Reserve:
		if to := w.find(d.Next); to != nil {
			d.Next.To = &to.id
		} else {
			*d = failover.Refused(v, "full", rules, w.now)
		}
	case failover.Evict:
		d.Next.StopRev++
		w.told, w.fenced, w.view.Receipt = spec.Stopped, w.now, wire.Queued
	case failover.Switch:
		to := w.find(d.Next)
		if d.Next.To != nil {
			to = w.machine(*d.Next.To)
		}
		if to == nil {
			*d = failover.Refused(v, "full", rules, w.now)
			return
		}
		w.give(to, d)
	case failover.GoHome:
		if d.Back {
			w.give(w.machine(d.Next.From), d)
			return
		}
		w.told, w.fenced, w.view.Receipt = spec.Running, time.Time{}, wire.Queued
	case failover.Save:
		if d.Next.StopRev == 0 {
			w.view.Receipt = ""
		}
	case failover.Wait, failover.Finish:
	}
}

func (w *world) find(m fleet.Migration) *machine {
	for _, n := range w.machines {
		if n != w.holder && n.state == fleet.NodeHealthy && !slices.Contains(m.Excluded, n.id) && !w.full {
			return n
		}
	}
	return nil
}

func (w *world) give(to *machine, d *failover.Decision) {
	w.holder, w.told, w.fenced, w.view.Receipt = to, spec.Running, time.Time{}, ""
	w.view.Container.NodeID = to.id
	w.view.Container.Epoch++
	d.Next.To, d.Next.ToEpoch = &to.id, w.view.Container.Epoch
}

// copies counts what runs.
func (w *world) copies() int {
	n := 0
	for _, x := range w.machines {
		if x.runs != 0 {
			n++
		}
	}
	return n
}
