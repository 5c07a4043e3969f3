package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
)

// course is a way in which containers move. All begin on the same node.
type course struct {
	name  string
	begin func(x *exercise, from, to *bubbleNode)
	ends  func(x *exercise, from, to *bubbleNode) // once all are where they should be; nil: nothing
	kind  fleet.MigrationKind
	state fleet.MigrationState // of every migration, when it is over
	moves int64                // how often the container was given to a node
}

// A move that comes to a good end is part of drained, one that does not of
// rolledBack.
var (
	lost = course{
		name: "lost", kind: fleet.KindFailover, state: fleet.MigrationDone, moves: 1,
		begin: func(_ *exercise, from, _ *bubbleNode) { from.link.cut(true) },
		ends:  func(_ *exercise, from, _ *bubbleNode) { from.link.cut(false) },
	}
	forced = course{
		name: "forced", kind: fleet.KindManual, state: fleet.MigrationDone, moves: 1,
		begin: func(x *exercise, _, _ *bubbleNode) { x.moveAll(actions.Move{Force: true}) },
	}
	rolledBack = course{
		name: "rolled back", kind: fleet.KindManual, state: fleet.MigrationRolledBack, moves: 2,
		begin: func(x *exercise, _, to *bubbleNode) {
			to.Sick(true)
			x.moveAll(actions.Move{Target: &to.Node})
		},
		ends: func(_ *exercise, _, to *bubbleNode) { to.Sick(false) },
	}
	drained = course{
		name: "drained", kind: fleet.KindDrain, state: fleet.MigrationDone, moves: 1,
		begin: func(x *exercise, from, _ *bubbleNode) { x.drain(from) },
	}
)

// exercise is an available and an exclusive container that move, while
// something goes wrong.
type exercise struct {
	*bubble
	all   []fleet.Container
	ended chan struct{} // the controller has

	was   map[id.ContainerID]past
	job   *fleet.Job // of a drain
	shown []moment   // by the last round
	fired bool
}

// past is what was before a round.
type past struct {
	epoch      int64
	ends       int
	migrations map[id.MigrationID]bool
}

func newExercise(b *bubble) *exercise {
	b.Helper()
	x := &exercise{bubble: b, ended: make(chan struct{}, 1)}
	b.await("the guards to be heard of", b.guarded)
	for _, policy := range []fleet.HAPolicy{fleet.Available, fleet.Exclusive} {
		c := b.container(string(policy), func(in *actions.NewContainer) {
			in.Type, in.HAPolicy, in.NodeID = fleet.HA, policy, &b.nodes[0].Node
		})
		x.all = append(x.all, c)
		b.never(c)
	}
	x.wait("all containers to run", x.calm)
	time.Sleep(time.Minute) // grace
	return x
}

// controllerEnds is a failpoint's deed: all that works in it ends at once, and
// a new controller begins with what is written down.
func (x *exercise) controllerEnds() error {
	x.kill()
	x.ended <- struct{}{}
	return errMoment
}

// round lets a course happen from beginning to end, and checks what has come
// of it.
func (x *exercise) round(c course, what string, at moment, does func() error) {
	x.Helper()
	x.gather()
	from, to := x.nodes[x.at(x.seen(x.all[0].ID).NodeID)], x.nodes[0]
	if to == from {
		to = x.nodes[1]
	}
	x.remember()
	x.fail.arm(at, does)
	c.begin(x, from, to)
	x.wait(what+": all to be moved", func() bool { return x.moved(from) })
	if c.ends != nil {
		c.ends(x, from, to)
	}
	x.wait(what+": one copy of each", x.calm)
	x.shown, x.fired = x.fail.moments(), x.fail.hasFired()
	x.fail.arm(moment{}, nil)
	x.check(c, what)
	if c.kind == fleet.KindFailover || c.kind == fleet.KindDrain { // who is lost so often would be quarantined
		x.ask(func(_ string) error {
			_, err := x.Actions().UncordonNode(x.Context(), authz.System("test"), from.Node)
			return err
		})
	}
}

// ask repeats a request that fails, as people do, under one Idempotency-Key.
func (x *exercise) ask(request func(key string) error) {
	x.Helper()
	key, err := uuid.NewString(), error(nil)
	for range 5 {
		if err = request(key); err == nil {
			return
		}
		time.Sleep(time.Second)
	}
	x.Fatal(err)
}

// gather moves all to the node of the first.
func (x *exercise) gather() {
	x.Helper()
	home := x.seen(x.all[0].ID).NodeID
	for _, c := range x.all[1:] {
		if x.seen(c.ID).NodeID != home {
			x.move(c, actions.Move{Target: &home})
		}
	}
	x.wait("all to be on one node", x.calm)
}

func (x *exercise) at(n id.NodeID) int {
	return slices.IndexFunc(x.nodes, func(m *bubbleNode) bool { return m.Node == n })
}

func (x *exercise) moveAll(how actions.Move) {
	x.Helper()
	for _, c := range x.all {
		x.move(c, how)
	}
}

func (x *exercise) move(c fleet.Container, how actions.Move) {
	x.Helper()
	x.ask(func(key string) error {
		how.Key = key
		_, err := x.Actions().MigrateContainer(x.Context(), authz.System("test"), c.ID, how)
		return err
	})
}

func (x *exercise) drain(n *bubbleNode) {
	x.Helper()
	x.ask(func(key string) error {
		job, err := x.Actions().DrainNode(x.Context(), authz.System("test"), n.Node, actions.Drain{Reason: "new disks", Key: key})
		x.job = &job
		return err
	})
}

// wait waits for a level, with a new controller when one has ended.
func (x *exercise) wait(what string, reached func() bool) {
	x.Helper()
	defer func() {
		if x.Failed() {
			x.describe()
		}
	}()
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		select {
		case <-x.ended:
			c := x.config
			x.end()
			x.begin(c)
		case <-time.After(time.Second): // rarely: looking costs more than all else
			if reached() && len(x.ended) == 0 {
				return
			}
		}
	}
	x.Fatalf("not reached in ten virtual minutes: %s", what)
}

// moved reports whether every migration is over, and what it was about. A node
// that is cut off may run its old copies yet.
func (x *exercise) moved(from *bubbleNode) bool {
	for _, c := range x.all {
		now := x.seen(c.ID)
		if len(x.migrations(c)) == len(x.was[c.ID].migrations) || !x.latest(c.ID).State.Final() {
			return false
		}
		on := slices.DeleteFunc(x.where(c.ID), func(n id.NodeID) bool { return n == from.Node && n != now.NodeID })
		if !slices.Equal(on, []id.NodeID{now.NodeID}) {
			return false
		}
	}
	return true
}

// calm reports whether everything is as it should be, and nothing is to be
// done.
func (x *exercise) calm() bool {
	left, err := x.store.Leftovers(context.Background())
	x.ok(err)
	if x.job != nil {
		job, err := x.store.Job(context.Background(), x.job.ID)
		x.ok(err)
		if !job.State.Final() {
			return false
		}
	}
	return x.settled(x.all) == "" && len(left) == 0 && x.Main.nodes.States()[fleet.NodeHealthy] == len(x.nodes)
}

func (x *exercise) migrations(c fleet.Container) map[id.MigrationID]fleet.Migration {
	x.Helper()
	list, _, err := x.store.Migrations(context.Background(), store.MigrationFilter{
		Page: store.Page{Limit: 200}, Container: &c.ID, Reach: store.Reach{All: true},
	})
	x.ok(err)
	out := map[id.MigrationID]fleet.Migration{}
	for _, m := range list {
		out[m.ID] = m
	}
	return out
}

// remember keeps what was, for check.
func (x *exercise) remember() {
	x.was, x.job = map[id.ContainerID]past{}, nil
	for _, c := range x.all {
		p := past{epoch: x.seen(c.ID).Epoch, migrations: map[id.MigrationID]bool{}}
		for m := range maps.Keys(x.migrations(c)) {
			p.migrations[m] = true
		}
		x.mu.Lock()
		p.ends = x.ends[c.ID]
		x.mu.Unlock()
		x.was[c.ID] = p
	}
}

// check is what must hold after each round: one migration of each container,
// which has come to the end that it would have come to anyway; it was given to
// another node as often as that takes, and stopped once.
func (x *exercise) check(c course, what string) {
	x.Helper()
	x.mu.Lock()
	twice, ends := x.twice, maps.Clone(x.ends)
	x.twice = nil
	x.mu.Unlock()
	for _, t := range twice {
		x.Errorf("I1: %s: %s", what, t)
	}
	for _, one := range x.all {
		was, now := x.was[one.ID], x.seen(one.ID)
		made := x.migrations(one)
		maps.DeleteFunc(made, func(m id.MigrationID, _ fleet.Migration) bool { return was.migrations[m] })
		if len(made) != 1 {
			x.Errorf("I8: %s: the %s container was moved by %d migrations", what, one.HAPolicy, len(made))
		}
		for _, m := range made {
			if m.Kind != c.kind || m.State != c.state {
				x.Errorf("I8: %s: the %s container had a migration of kind %s that is %s: %s", what, one.HAPolicy, m.Kind, m.State, m.Error)
			}
		}
		if moves := now.Epoch - was.epoch; moves != c.moves {
			x.Errorf("I2: %s: the %s container was given to another node %d times, want %d", what, one.HAPolicy, moves, c.moves)
		}
		if n := ends[one.ID] - was.ends; n != 1 {
			x.Errorf("I2: %s: the %s container was ended %d times", what, one.HAPolicy, n)
		}
	}
	if x.job != nil {
		if job, err := x.store.Job(context.Background(), x.job.ID); err != nil || job.State != fleet.JobSucceeded {
			x.Errorf("I8: %s: the drain has %s: %s, %v", what, job.State, job.Error, err)
		}
	}
}

// describe logs where everything stands.
func (x *exercise) describe() {
	for _, c := range x.all {
		now, err := x.store.AnyContainer(context.Background(), c.ID)
		m := x.latest(c.ID)
		x.Logf("%s is %s on %s, runs on %v, %v; %s %s, waiting %q, error %q", now.Name, now.Phase(), now.NodeID, x.where(c.ID), err,
			m.Kind, m.State, m.Waiting, m.Error)
	}
	for _, n := range x.nodes {
		now, err := x.store.Node(context.Background(), n.Node)
		x.Logf("%s %s is %s (%s), %+v, %v", now.Name, now.ID, now.Health.State, now.Health.Reason, now.Drain, err)
	}
}

// everyStep goes through all courses, once undisturbed and then with a mishap
// at each moment that this has shown.
func everyStep(t *testing.T, what string, mishap func(*exercise, moment) func() error, courses ...course) {
	inBubble(t, 4, func(b *bubble) {
		x := newExercise(b)
		for _, c := range courses {
			began := time.Now()
			x.round(c, c.name, moment{}, nil)
			all, missed := x.shown, 0
			for _, at := range all {
				x.round(c, fmt.Sprintf("%s, %s %s", c.name, what, at), at, mishap(x, at))
				if !x.fired {
					missed++
				}
			}
			if len(all) < 4 || missed > len(all)/4 {
				t.Errorf("%s: %d of %d moments were not reached again: %v", c.name, missed, len(all), all)
			}
			t.Logf("%s: %d moments, %d of them not reached again, %s", c.name, len(all), missed, time.Since(began))
		}
	})
}

// The controller ends at any step; the next one goes on from what is written
// down.
func TestI1I2I8TheControllerMayEndBeforeAnyStep(t *testing.T) {
	everyStep(t, "the controller ends at", func(x *exercise, _ moment) func() error { return x.controllerEnds }, lost, forced, rolledBack, drained)
}

// Postgres ends every connection in a transaction, or its answer to a commit
// is lost: the same controller goes on.
func TestI1I2I8PostgresMayGoAwayBeforeAnyStep(t *testing.T) {
	everyStep(t, "Postgres goes away at", func(x *exercise, at moment) func() error {
		return func() error {
			testkit.Disconnect(t, x.config.DatabaseURL)
			if at.committed() {
				return errMoment
			}
			return nil
		}
	}, lost, rolledBack, drained)
}
