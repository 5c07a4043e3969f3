package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func (f fleetOf) touch(containers ...id.ContainerID) {
	f.Helper()
	f.do(func(tx *store.Tx) error {
		for _, c := range containers {
			if _, err := tx.TouchNode(f.ctx, f.node.ID, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f fleetOf) since(rev int64, limit int) (d store.Desired) {
	f.Helper()
	err := f.InSnapshot(f.ctx, func(tx *store.Tx) (err error) {
		d, err = tx.DesiredSince(f.ctx, f.node.ID, rev, limit)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return d
}

func entry(c fleet.Container, power spec.Power) wire.DesiredContainer {
	return wire.DesiredContainer{ID: c.ID, Epoch: c.Epoch, Generation: c.Generation, SpecHash: c.Spec.Hash(), Power: power}
}

func TestDesiredSince(t *testing.T) {
	f := newFleet(t)
	second := f.house.container("c2", f.egg, f.node)
	f.touch(f.container.ID, second.ID, f.container.ID)

	all := store.Desired{Rev: 3, Complete: true, Containers: []wire.DesiredContainer{entry(f.container, spec.Running), entry(second, spec.Running)}}
	last := store.Desired{Rev: 3, Complete: true, Containers: all.Containers[:1]}
	for name, c := range map[string]struct {
		got, want store.Desired
	}{
		"everything":   {f.since(0, 10), all},
		"the newest":   {f.since(2, 10), last},
		"nothing":      {f.since(3, 10), store.Desired{Rev: 3, Complete: true}},
		"the future":   {f.since(4, 10), store.Desired{Rev: 3}},
		"at the limit": {f.since(0, 2), all},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	if f.since(0, 1).Complete {
		t.Error("a delta over the limit is called complete")
	}
	f.do(func(tx *store.Tx) error {
		return tx.Sweep(f.ctx, now(), store.Keep{Idempotency: time.Hour, Jobs: time.Hour, Revisions: 2})
	})
	if f.since(0, 10).Complete {
		t.Error("a delta over forgotten revisions is called complete")
	}
	if !f.since(1, 10).Complete {
		t.Error("the kept revisions make no delta")
	}
}

// Many nodes are asked for at once, and each is answered as if it were alone.
func TestDesiredAfter(t *testing.T) {
	f := newFleet(t)
	other, still, unknown := f.joined("n2", big), f.joined("n3", big), id.New[id.NodeID]()
	elsewhere := f.house.container("c2", f.egg, other)
	f.touch(f.container.ID, f.container.ID, elsewhere.ID)
	fleetOf{house: f.house, node: other}.touch(elsewhere.ID, f.container.ID, elsewhere.ID)
	after := map[id.NodeID]int64{f.node.ID: 1, other.ID: 2, still.ID: 0, unknown: 0}
	ask := func(limit int) (got map[id.NodeID]store.Desired) {
		f.Helper()
		if err := f.InSnapshot(f.ctx, func(tx *store.Tx) (err error) {
			got, err = tx.DesiredAfter(f.ctx, after, limit)
			return err
		}); err != nil {
			f.Fatal(err)
		}
		return got
	}
	mine := store.Desired{Rev: 3, Complete: true, Containers: []wire.DesiredContainer{entry(f.container, spec.Running), entry(elsewhere, spec.Absent)}}
	theirs := store.Desired{Rev: 3, Complete: true, Containers: []wire.DesiredContainer{entry(elsewhere, spec.Running)}}
	nothing := store.Desired{Complete: true}
	if d := cmp.Diff(map[id.NodeID]store.Desired{f.node.ID: mine, other.ID: theirs, still.ID: nothing}, ask(2)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[id.NodeID]store.Desired{f.node.ID: {Rev: 3}, other.ID: theirs, still.ID: nothing}, ask(1)); d != "" {
		t.Errorf("only one of them is over the limit:\n%s", d)
	}
}

func TestADeletedContainerShouldBeAbsent(t *testing.T) {
	f := newFleet(t)
	f.touch(f.container.ID)
	f.container.Power = spec.Absent
	f.do(func(tx *store.Tx) error { return tx.UpdateDesired(f.ctx, f.container) })
	f.touch(f.container.ID)
	if d := cmp.Diff([]wire.DesiredContainer{entry(f.container, spec.Absent)}, f.since(1, 10).Containers); d != "" {
		t.Errorf("while it is there:\n%s", d)
	}
	f.do(func(tx *store.Tx) error { return tx.FinishDelete(f.ctx, f.container.ID) })
	if d := cmp.Diff([]wire.DesiredContainer{entry(f.container, spec.Absent)}, f.since(1, 10).Containers); d != "" {
		t.Errorf("when it is gone:\n%s", d)
	}
}

func TestMisplaced(t *testing.T) {
	f := newFleet(t)
	other := f.joined("n2", big)
	elsewhere, gone := f.house.container("c2", f.egg, other), f.house.container("c3", f.egg, f.node)
	gone.Power = spec.Absent
	f.do(func(tx *store.Tx) error {
		if err := tx.UpdateDesired(f.ctx, gone); err != nil {
			return err
		}
		return tx.FinishDelete(f.ctx, gone.ID)
	})
	ref := func(c id.ContainerID) wire.ContainerRef { return wire.ContainerRef{ID: c, Epoch: 1} }
	var got []wire.ContainerRef
	f.do(func(tx *store.Tx) (err error) {
		got, err = tx.Misplaced(f.ctx, f.node.ID, []wire.ContainerRef{
			ref(f.container.ID), ref(elsewhere.ID), ref(gone.ID), ref(id.New[id.ContainerID]()), // the last is nobody's
		})
		return err
	})
	if d := cmp.Diff([]wire.ContainerRef{ref(elsewhere.ID), ref(gone.ID)}, got); d != "" {
		t.Error(d)
	}
}

func TestOpenCommands(t *testing.T) {
	f := newFleet(t)
	create, restart, done := f.order(wire.ActionCreate), f.order(wire.ActionRestart), f.order(wire.ActionStop)
	f.ingest(f.receipt(create.Commands[0], wire.Delivered, ""))
	f.ingest(f.receipt(done.Commands[0], wire.Applied, ""))
	open, err := f.Store.OpenCommands(f.ctx, []id.NodeID{f.node.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(open) != 2 || open[0].ID != create.Commands[0].ID || open[1].ID != restart.Commands[0].ID {
		t.Fatalf("open are %+v", open)
	}
	if open[0].Spec == nil || open[0].Spec.Hash() != f.container.Spec.Hash() || open[1].Spec != nil {
		t.Error("only a create carries the spec")
	}
	only, err := f.Store.OpenCommands(f.ctx, []id.NodeID{f.node.ID}, []id.CommandID{restart.Commands[0].ID, done.Commands[0].ID})
	if err != nil || len(only) != 1 || only[0].ID != restart.Commands[0].ID {
		t.Errorf("of two, one is open: %+v, %v", only, err)
	}
	none, err := f.Store.OpenCommands(f.ctx, []id.NodeID{f.node.ID}, []id.CommandID{})
	if err != nil || len(none) != 0 {
		t.Errorf("of none, %+v are open, %v", none, err)
	}
}

func TestOutbox(t *testing.T) {
	f := newFleet(t)
	first, second := f.order(wire.ActionStart), f.order(wire.ActionStop)
	rows, err := f.Outbox(f.ctx, 0, 10)
	if err != nil || len(rows) != 2 || *rows[0].Command != first.Commands[0].ID {
		t.Fatalf("%+v, %v", rows, err)
	}
	if page, _ := f.Outbox(f.ctx, rows[0].ID, 10); len(page) != 1 || *page[0].Command != second.Commands[0].ID {
		t.Errorf("after the first: %+v", page)
	}
	news, err := f.NewsOf(f.ctx, []id.CommandID{first.Commands[0].ID, second.Commands[0].ID})
	if err != nil || len(news.Containers) != 1 || len(news.Jobs) != 2 {
		t.Errorf("news: %+v, %v", news, err)
	}
	f.do(func(tx *store.Tx) error { return tx.DeleteOutbox(f.ctx, []int64{rows[0].ID, rows[1].ID}) })

	requeue := func(nodes ...id.NodeID) (n int) {
		f.do(func(tx *store.Tx) (err error) {
			n, err = tx.Requeue(f.ctx, nodes, now().Add(time.Second))
			return err
		})
		return n
	}
	f.ingest(f.receipt(second.Commands[0], wire.Delivered, ""))
	if n := requeue(f.joined("n2", big).ID); n != 0 {
		t.Errorf("%d commands of a node that is not there", n)
	}
	if n := requeue(f.node.ID); n != 1 {
		t.Errorf("%d commands were lost, want the one that nobody confirmed", n)
	}
	if n := requeue(f.node.ID); n != 0 {
		t.Errorf("%d more while it waits", n)
	}
}

func TestSpecs(t *testing.T) {
	f := newFleet(t)
	other := f.house.container("c2", f.egg, f.joined("n2", big))
	got, err := f.Specs(f.ctx, f.node.ID, []string{f.container.Spec.Hash(), other.Spec.Hash(), "none"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]spec.Container{f.container.Spec.Hash(): f.container.Spec}, got); d != "" {
		t.Errorf("a node gets its own specs and no others:\n%s", d)
	}
	both, err := f.SpecsOf(f.ctx, []id.NodeID{f.node.ID, other.NodeID}, []string{f.container.Spec.Hash(), other.Spec.Hash()})
	if err != nil {
		t.Fatal(err)
	}
	want := map[id.NodeID]map[string]spec.Container{f.node.ID: got, other.NodeID: {other.Spec.Hash(): other.Spec}}
	if d := cmp.Diff(want, both); d != "" {
		t.Errorf("two nodes get their own each:\n%s", d)
	}
}
