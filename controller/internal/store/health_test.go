package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func TestHeartbeatsInOneStatement(t *testing.T) {
	h := newHouse(t)
	offer := spec.Resources{CPU: 2000, Memory: spec.GiB, Disk: 10 * spec.GiB}
	first, second, at := h.joined("n1", offer), h.joined("n2", offer), now()
	var found []id.NodeID
	h.do(func(tx *store.Tx) (err error) {
		found, err = tx.SaveHeartbeats(h.ctx, []store.Heartbeat{
			{Node: first.ID, At: at, AppliedRev: 4},
			{Node: second.ID, At: at, AppliedRev: 5, Offer: &spec.Resources{CPU: 1}},
			{Node: id.New[id.NodeID](), At: at},
		})
		return err
	})
	if len(found) != 2 {
		t.Errorf("%d of the nodes exist, want 2", len(found))
	}
	for node, want := range map[id.NodeID]fleet.NodeHealth{
		first.ID:  {AppliedRev: 4, Offer: offer},
		second.ID: {AppliedRev: 5, Offer: spec.Resources{CPU: 1}},
	} {
		n, err := h.Node(h.ctx, node)
		if err != nil {
			t.Fatal(err)
		}
		if n.Health.AppliedRev != want.AppliedRev || n.Health.Offer != want.Offer || !n.Health.LastHeartbeat.Equal(at) {
			t.Errorf("health is %+v, want %+v", n.Health, want)
		}
	}
}

func TestNodeStates(t *testing.T) {
	h := newHouse(t)
	node, at := h.node("n1"), now().Add(-time.Hour)
	h.do(func(tx *store.Tx) error {
		found, err := tx.SaveNodeStates(h.ctx, []store.NodeChange{
			{Node: node.ID, State: fleet.NodeSuspect, Since: at, Reason: "connection lost"},
			{Node: id.New[id.NodeID](), State: fleet.NodeSuspect, Since: at},
		})
		if d := cmp.Diff([]id.NodeID{node.ID}, found); d != "" {
			t.Error(d)
		}
		return err
	})
	h.do(func(tx *store.Tx) error {
		_, err := tx.LockCursor(h.ctx, node.ID, "l1")
		return err
	})
	got, err := h.NodeMemories(h.ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.NodeMemory{{Node: node.ID, State: fleet.NodeSuspect, Since: at, Reason: "connection lost", DockerOK: true}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestHello(t *testing.T) {
	h := newHouse(t)
	node, first := h.node("n1"), now().Add(-time.Hour)
	hello := func(f store.Facts, at time.Time) fleet.Node {
		h.do(func(tx *store.Tx) error { return tx.RecordHello(h.ctx, node.ID, f, at) })
		n, err := h.Node(h.ctx, node.ID)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := hello(store.Facts{Hostname: "van-1", MachineID: "m", Arch: "amd64", AgentVersion: "1", DockerVersion: "20", Offer: &big}, first)
	if n.JoinedAt == nil || !n.JoinedAt.Equal(first) || n.Hostname != "van-1" || n.Health.Offer != big {
		t.Errorf("after the first hello: %+v", n)
	}
	n = hello(store.Facts{Hostname: "van-2"}, now())
	if !n.JoinedAt.Equal(first) || n.Hostname != "van-2" || n.Health.Offer != big {
		t.Errorf("after the second hello: %+v", n)
	}
	h.refused(fleet.NotFound, func(tx *store.Tx) error {
		return tx.RecordHello(h.ctx, id.New[id.NodeID](), store.Facts{}, now())
	})
}

func TestPlaces(t *testing.T) {
	f := newFleet(t)
	got, err := f.Places(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Place{{Node: f.node.ID}, {Node: f.node.ID, Container: f.container.ID}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
