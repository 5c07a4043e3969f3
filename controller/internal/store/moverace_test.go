package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/placement"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// times is a multiple of small.
func times(n int64) spec.Resources {
	return spec.Resources{CPU: small.CPU * spec.CPU(n), Memory: small.Memory * spec.Bytes(n), Disk: small.Disk * spec.Bytes(n)}
}

// pass is what a migrator does in a round: it looks, chooses, and moves what
// is still as it was. It reports how many it moved, and whether any wanted to.
func (h sqlHouse) pass(seed uint64) (moved int, wanted bool, err error) {
	open, err := h.OpenMigrations(h.ctx, 100)
	if err != nil {
		return 0, false, err
	}
	views, requests := map[id.MigrationID]store.OpenMigration{}, []placement.Request{}
	var queued []fleet.Migration
	var ports []spec.Port
	for _, o := range open {
		if o.State == fleet.MigrationQueued {
			views[o.ID] = o
			queued, ports = append(queued, o.Migration), append(ports, o.Container.Spec.Ports...)
			requests = append(requests, placement.Request{
				Container: o.ContainerID, Want: o.Container.Spec.Resources, Ports: o.Container.Spec.Ports, From: &o.From,
			})
		}
	}
	all, err := h.Candidates(h.ctx, ports)
	if err != nil {
		return 0, false, err
	}
	var choices []placement.Choice
	var chosen []fleet.Migration
	for i, d := range placement.Batch(requests, all, seed) {
		if d.Refusal == nil {
			choices = append(choices, placement.Choice{Request: requests[i], Node: d.Node})
			chosen = append(chosen, queued[i])
		}
	}
	if len(chosen) == 0 {
		return 0, false, nil
	}
	err = h.InTx(h.ctx, func(tx *store.Tx) error {
		moved = 0
		live, err := tx.LockMigrations(h.ctx, chosen)
		if err != nil || len(live) == 0 {
			return err
		}
		is := map[id.MigrationID]bool{}
		nodes := []id.NodeID{}
		for _, o := range live {
			is[o.ID] = true
			nodes = append(nodes, o.From)
		}
		var still []placement.Choice
		var mine []fleet.Migration
		for i, m := range chosen {
			if is[m.ID] {
				still, mine = append(still, choices[i]), append(mine, m)
				nodes = append(nodes, choices[i].Node)
			}
		}
		fresh, err := tx.LockPlaces(h.ctx, nodes)
		if err != nil {
			return err
		}
		var placed []store.Placed
		for i, c := range placement.Confirm(still, fresh) {
			if c.Refusal == nil {
				placed = append(placed, store.Placed{Migration: at(mine[i], fleet.MigrationStarting), Node: still[i].Node, Ports: c.Ports})
			}
		}
		if len(placed) == 0 {
			return nil
		}
		_, err = tx.Switch(h.ctx, placed)
		moved = len(placed)
		return err
	})
	return moved, true, err
}

// I5, I7, I8: eight migrators at once with stale views, and less room than is
// wanted: every place is given away once, and no container goes twice.
func TestI5_I7_I8_MigratorsAtOnceGiveNothingAwayTwice(t *testing.T) {
	h := newSQLHouse(t)
	const containers, targets, room, racers = 30, 4, 5, 8
	e, from := h.egg("demo"), h.joined("from", big)
	for i := range targets {
		h.joined(fmt.Sprintf("to%d", i), times(room))
	}
	for i := range containers {
		c := h.container(fmt.Sprintf("c%d", i), e, from, spec.Port{Host: 7000 + i, Container: 80, Protocol: "tcp", Auto: i%2 == 0}, tcp(0))
		h.do(func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, move(c)) })
	}
	var mu sync.Mutex
	total := 0
	results := race(racers, func(i int) error {
		for seed := uint64(i) << 32; ; seed++ {
			moved, wanted, err := h.pass(seed)
			if err != nil || !wanted {
				return err
			}
			mu.Lock()
			total += moved
			mu.Unlock()
		}
	})
	for _, err := range results {
		if err != nil {
			t.Fatal(err)
		}
	}
	if total != targets*room {
		t.Errorf("%d containers were moved into %d places", total, targets*room)
	}
	h.sound("after the race")
}

// I8: of many who ask at once to move a container one is heard, and the others
// are told by whom.
func TestI8_OneOpenMigrationPerContainer(t *testing.T) {
	h := newSQLHouse(t)
	from := h.joined("from", big)
	c := h.container("web", h.egg("demo"), from)
	results := race(8, func(int) error {
		return h.InTx(h.ctx, func(tx *store.Tx) error { return tx.InsertMigration(h.ctx, move(c)) })
	})
	open, err := h.OpenMigrationOf(h.ctx, c.ID)
	if err != nil || open == nil {
		t.Fatalf("nobody was heard: %v", err)
	}
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, fleet.Conflict, open.ID.String())
	}
	if won != 1 {
		t.Errorf("%d of 8 were heard", won)
	}
	h.sound("after the race")
}

// I8, I11: whoever begins the failovers of lost nodes, and how often, each ha
// container that should run has one, and no other.
func TestI8_I11_FailoversBeginOnce(t *testing.T) {
	h := newSQLHouse(t)
	const ha = 10
	e, lost, well := h.egg("demo"), h.joined("lost", big), h.joined("well", big)
	for i := range ha {
		h.container(fmt.Sprintf("ha%d", i), e, lost)
	}
	h.exec(`update containers set type = 'ha', ha_policy = 'available'`)
	h.container("standard", e, lost)
	h.container("elsewhere", e, well)
	h.exec(`update containers set type = 'ha', ha_policy = 'available' where name = 'elsewhere'`)
	fresh := func() []fleet.Migration {
		list, err := h.NewFailovers(h.ctx, map[id.NodeID]time.Time{lost.ID: now()}, now(), 100)
		if err != nil {
			t.Fatal(err)
		}
		var out []fleet.Migration
		for _, o := range list {
			out = append(out, o.Migration)
		}
		return out
	}
	begin := func(list []fleet.Migration) (saved []id.MigrationID, err error) {
		err = h.InTx(h.ctx, func(tx *store.Tx) error {
			locked, err := tx.LockMigrations(h.ctx, list)
			if err != nil {
				return err
			}
			var ours []fleet.Migration
			for _, l := range locked {
				ours = append(ours, l.Migration)
			}
			saved, err = tx.SaveMigrations(h.ctx, ours)
			return err
		})
		return saved, err
	}
	if list := fresh(); len(list) != 0 {
		t.Errorf("%d would begin before it was written down that the node is lost", len(list))
	}
	h.exec(`update node_health set status = 'unhealthy' where node_id = $1`, lost.ID)
	counts := make([]int, 4)
	seen := make([][]fleet.Migration, len(counts))
	for i := range counts {
		seen[i] = fresh() // they all have
	}
	for _, err := range race(len(counts), func(i int) error {
		saved, err := begin(seen[i])
		counts[i] = len(saved)
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	open, err := h.OpenMigrations(h.ctx, 100)
	if err != nil || sum != ha || len(open) != ha {
		t.Errorf("%d have begun, %d are open, want %d, %v", sum, len(open), ha, err)
	}
	h.sound("after the race")
	if saved, err := begin(seen[0]); err != nil || len(saved) != 0 {
		t.Errorf("%d began again, %v", len(saved), err)
	}
	for what, sql := range map[string]string{
		"stays where it is":  `update containers set type = 'standard', ha_policy = null where id = $1`,
		"has another policy": `update containers set ha_policy = 'exclusive' where id = $1`,
		"is no more":         `update containers set deleted_at = now() where id = $1`,
		"came back":          `update node_health set status = 'healthy' where node_id = (select node_id from containers where id = $1)`,
	} {
		h.exec(`delete from container_migrations`)
		h.exec(`update node_health set status = 'unhealthy' where node_id = $1`, lost.ID)
		h.exec(`update containers set type = 'ha', ha_policy = 'available', migration_status = 'idle', deleted_at = null where name like 'ha%'`)
		list := fresh()
		h.exec(sql, list[0].ContainerID)
		if saved, err := begin(list[:1]); err != nil || len(saved) != 0 {
			t.Errorf("one that %s meanwhile has begun, %v", what, err)
		}
	}
}
