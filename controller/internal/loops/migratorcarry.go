package loops

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lormas/lormas/controller/internal/failover"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// atOnce is how many containers are moved in one transaction, and movers how
// many of those go on side by side: Postgres is at one while we are at another.
const (
	atOnce = 250
	movers = 4
)

// move gives containers to their new places. Whatever becomes of it, no node
// stays seized whose revision can be read.
func (m *Migrator) move(ctx context.Context, w *work) error {
	bySource(w.moves)
	c := carried{work: w, revs: map[id.NodeID]int64{}}
	var all errgroup.Group
	all.SetLimit(movers)
	for chunk := range slices.Chunk(w.moves, atOnce) {
		all.Go(func() error {
			err := apart(ctx, m, chunk,
				func(some []*move) error { return m.carry(ctx, some, &c) },
				func(mv *move, err error) { m.setAside(mv, err, &c) })
			c.fail(err)
			return nil
		})
	}
	_ = all.Wait()
	failed := errors.Join(c.failed, m.yield(ctx, w, c.revs, c.doubt))
	m.tell(ctx, c.moved, nil) // after all of them: people can wait, the next containers cannot
	return failed
}

// carried is what has become of the moves of a round so far.
type carried struct {
	sync.Mutex
	*work
	revs   map[id.NodeID]int64
	moved  []fleet.Migration
	failed error
	doubt  bool // whether something was committed
}

func (c *carried) fail(err error) {
	c.Lock()
	defer c.Unlock()
	c.failed = errors.Join(c.failed, err)
}

// carry moves some, and notes it.
func (m *Migrator) carry(ctx context.Context, some []*move, c *carried) error {
	out, err := m.moveSome(ctx, some)
	c.Lock()
	defer c.Unlock()
	if err != nil {
		c.doubt = true
		return err
	}
	m.heard(out.revs)
	m.Sent()
	newest(c.revs, out.revs)
	c.done += len(out.moved)
	c.left += len(some) - len(out.moved)
	c.moved = append(c.moved, out.moved...)
	return nil
}

// newest keeps the higher of two revisions of each node.
func newest(known, more map[id.NodeID]int64) {
	for node, rev := range more {
		known[node] = max(known[node], rev)
	}
}

// setAside leaves one alone for a while that cannot be moved.
func (m *Migrator) setAside(mv *move, err error, c *carried) {
	c.Lock()
	defer c.Unlock()
	m.refused[mv.view.Migration.ID] = refused{at: m.Now(), why: err.Error()}
	if mv.view.Migration.Version == 0 { // it is to be seen, and tried again
		c.refuse(mv, err.Error(), m.Rules, m.Now())
	}
}

// bySource brings those together that leave the same node, among those that are
// equally urgent: a node is locked, changed and told anew by every transaction
// that takes something from it.
func bySource(moves []*move) {
	slices.SortStableFunc(moves, func(a, b *move) int {
		from, other := a.view.Container.NodeID, b.view.Container.NodeID
		return cmp.Or(cmp.Compare(failover.Urgency(b.decision.Next), failover.Urgency(a.decision.Next)), bytes.Compare(from[:], other[:]))
	})
}

// yield ends the decisions about the nodes that were seized, given the
// revisions that were committed, and whether it is in doubt what was.
func (m *Migrator) yield(ctx context.Context, w *work, committed map[id.NodeID]int64, doubt bool) error {
	if len(w.seized) == 0 {
		return nil
	}
	// A node of which all commits are known yields to the newest; any other is
	// asked for.
	if doubt {
		return m.release(ctx, w.seized)
	}
	var unmoved []id.NodeID
	revs := map[id.NodeID]int64{}
	for _, node := range w.seized {
		if rev, ok := committed[node]; ok {
			revs[node] = rev
		} else {
			unmoved = append(unmoved, node)
		}
	}
	m.Nodes.Yield(revs)
	return m.release(ctx, unmoved)
}

// moved is what a transaction has done.
type moved struct {
	revs  map[id.NodeID]int64
	moved []fleet.Migration
}

// moveSome is one transaction: the containers and migrations that are still
// what they were, the ledgers of all nodes concerned, room and ports, the
// switch.
func (m *Migrator) moveSome(ctx context.Context, moves []*move) (out moved, err error) {
	err = m.inTx(ctx, "move", func(tx *store.Tx) error {
		out = moved{}
		live, err := m.lock(ctx, tx, moves)
		if err != nil || len(live) == 0 {
			return err
		}
		fresh, err := tx.LockPlaces(ctx, placesOf(live))
		if err != nil {
			return err
		}
		if err := m.before("move: places locked"); err != nil {
			return err
		}
		live = m.confirm(live, fresh)
		var reserves, switches []store.Placed
		for _, mv := range live {
			p := store.Placed{Migration: mv.decision.Next, Node: mv.node, Ports: mv.ports, Locked: mv.locked}
			if p.Migration.State == fleet.MigrationStarting {
				p.Migration.Waiting = failover.StartsAt(fresh[mv.node].Name)
			}
			if mv.decision.Action == failover.Reserve {
				reserves = append(reserves, p)
			} else {
				switches = append(switches, p)
			}
			p.Migration.To = &mv.node
			out.moved = append(out.moved, p.Migration)
		}
		if len(reserves) > 0 {
			if err := tx.ReserveFor(ctx, reserves); err != nil {
				return err
			}
			if err := m.before("move: reserved"); err != nil {
				return err
			}
		}
		if len(switches) > 0 {
			if out.revs, err = tx.Switch(ctx, switches); err != nil {
				return err
			}
		}
		return m.before("move: switched")
	})
	if err != nil {
		return moved{}, fmt.Errorf("move containers: %w", err)
	}
	return out, nil
}

// lock keeps the moves whose migration is still what the decision was made
// on.
func (m *Migrator) lock(ctx context.Context, tx *store.Tx, moves []*move) ([]*move, error) {
	list := make([]fleet.Migration, len(moves))
	for i, mv := range moves {
		list[i] = mv.view.Migration
	}
	locked, err := tx.LockMigrations(ctx, list)
	if err != nil {
		return nil, err
	}
	is := map[id.MigrationID]*store.LockedMigration{}
	for i := range locked {
		is[locked[i].ID] = &locked[i]
	}
	var live []*move
	for _, mv := range moves {
		if mv.locked = is[mv.view.Migration.ID]; mv.locked != nil && mv.locked.Still(mv.view.Container) {
			live = append(live, mv)
		}
	}
	return live, m.before("move: locked")
}

// placesOf are the nodes that moves change: where they go, and what they
// leave.
func placesOf(moves []*move) []id.NodeID {
	nodes := map[id.NodeID]bool{}
	for _, mv := range moves {
		nodes[mv.node], nodes[mv.view.Container.NodeID] = true, true
		if to := mv.view.Migration.To; to != nil {
			nodes[*to] = true
		}
	}
	return slices.Collect(maps.Keys(nodes))
}

// confirm checks the places again that were chosen from what was true a
// moment ago, and leaves out those that somebody was faster at: they come
// round again.
func (m *Migrator) confirm(moves []*move, fresh map[id.NodeID]placement.Candidate) []*move {
	var choices []placement.Choice
	var asked []*move
	for _, mv := range moves {
		if !mv.kept {
			choices = append(choices, placement.Choice{Request: mv.request, Node: mv.node})
			asked = append(asked, mv)
		}
	}
	lost := map[*move]bool{}
	for i, c := range placement.Confirm(choices, fresh) {
		asked[i].ports = c.Ports
		lost[asked[i]] = c.Refusal != nil
	}
	return slices.DeleteFunc(slices.Clone(moves), func(mv *move) bool { return lost[mv] })
}

// settle writes all the steps that need no place.
func (m *Migrator) settle(ctx context.Context, w *work) error {
	steps := slices.DeleteFunc(slices.Clone(w.steps), func(s step) bool { return !s.decision.Changes(s.view.Migration) })
	return apart(ctx, m, steps, func(some []step) error { return m.settleSome(ctx, w, some) }, func(s step, _ error) {
		w.unsaved = w.unsaved || s.view.Migration.Version == 0
	})
}

func (m *Migrator) settleSome(ctx context.Context, w *work, steps []step) error {
	var out settled
	err := m.inTx(ctx, "settle", func(tx *store.Tx) (err error) {
		out, err = m.settleAll(ctx, tx, steps)
		return err
	})
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	m.heard(out.revs)
	if len(out.revs) > 0 {
		m.Sent()
	}
	for _, s := range out.steps {
		if s.decision.Action != failover.Wait {
			w.done++
		}
	}
	w.left += len(steps) - len(out.steps)
	list := make([]fleet.Migration, len(out.steps))
	for i, s := range out.steps {
		list[i] = s.decision.Next
	}
	m.tell(ctx, list, &out.news)
	return nil
}

// settled is what a transaction has done.
type settled struct {
	revs  map[id.NodeID]int64
	steps []step
	news  store.News
}

func (m *Migrator) settleAll(ctx context.Context, tx *store.Tx, steps []step) (out settled, err error) {
	list := make([]fleet.Migration, len(steps))
	for i, s := range steps {
		list[i] = s.view.Migration
	}
	locked, err := tx.LockMigrations(ctx, list)
	if err != nil {
		return out, err
	}
	is := map[id.MigrationID]bool{}
	for _, o := range locked {
		is[o.ID] = true
	}
	out.revs = map[id.NodeID]int64{}
	by := map[failover.Action][]fleet.Migration{}
	for _, s := range steps {
		if is[s.view.Migration.ID] {
			out.steps = append(out.steps, s)
			action := s.decision.Action
			if action == failover.Wait {
				action = failover.Save
			}
			by[action] = append(by[action], s.decision.Next)
		}
	}
	if err := m.before("settle: locked"); err != nil {
		return out, err
	}
	return out, m.settleBy(ctx, tx, by, &out)
}

func (m *Migrator) settleBy(ctx context.Context, tx *store.Tx, by map[failover.Action][]fleet.Migration, out *settled) error {
	for _, told := range []struct {
		action failover.Action
		do     func(context.Context, []fleet.Migration) (map[id.NodeID]int64, error)
		done   string
	}{
		{failover.Evict, tx.Evict, "settle: evicted"},
		{failover.GoHome, tx.Stay, "settle: stays"},
	} {
		list := by[told.action]
		if len(list) == 0 {
			continue
		}
		revs, err := told.do(ctx, list)
		if err != nil {
			return err
		}
		newest(out.revs, revs)
		if err := m.before(told.done); err != nil {
			return err
		}
	}
	if list := by[failover.Finish]; len(list) > 0 {
		news, revs, err := tx.FinishMigrations(ctx, list)
		if err != nil {
			return err
		}
		out.news = news
		newest(out.revs, revs)
		if err := m.before("settle: finished"); err != nil {
			return err
		}
	}
	// Those that begin refer to nodes: that comes after the ledgers.
	if list := by[failover.Save]; len(list) > 0 {
		saved, err := tx.SaveMigrations(ctx, list)
		if err != nil {
			return err
		}
		out.drop(list, saved)
		return m.before("settle: saved")
	}
	return nil
}

// drop leaves out what was not saved.
func (o *settled) drop(list []fleet.Migration, saved []id.MigrationID) {
	lacking := map[id.MigrationID]bool{}
	for _, g := range list {
		lacking[g.ID] = true
	}
	for _, g := range saved {
		delete(lacking, g)
	}
	o.steps = slices.DeleteFunc(o.steps, func(s step) bool { return lacking[s.decision.Next.ID] })
}
