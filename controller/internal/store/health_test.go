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
			{Node: node.ID, From: fleet.NodeHealthy, State: fleet.NodeSuspect, Since: at, Reason: "connection lost"},
			{Node: id.New[id.NodeID](), From: fleet.NodeHealthy, State: fleet.NodeSuspect, Since: at},
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

// Steps are kept, newest first, and what is not a step is not.
func TestNodeTransitions(t *testing.T) {
	h := newHouse(t)
	node, at := h.node("n1"), now().Add(-time.Hour)
	for i, c := range []store.NodeChange{
		{From: fleet.NodeHealthy, State: fleet.NodeSuspect, Reason: "connection lost"},
		{From: fleet.NodeSuspect, State: fleet.NodeSuspect, Reason: "a better reason"},
		{From: fleet.NodeSuspect, State: fleet.NodeUnhealthy, Reason: "no heartbeat for 30 s"},
	} {
		c.Node, c.Since = node.ID, at.Add(time.Duration(i)*time.Second)
		h.do(func(tx *store.Tx) error { _, err := tx.SaveNodeStates(h.ctx, []store.NodeChange{c}); return err })
	}
	want := []store.Transition{
		{At: at.Add(2 * time.Second), From: fleet.NodeSuspect, To: fleet.NodeUnhealthy, Reason: "no heartbeat for 30 s"},
		{At: at, From: fleet.NodeHealthy, To: fleet.NodeSuspect, Reason: "connection lost"},
	}
	read := func(limit int) []store.Transition {
		got, err := h.NodeTransitions(h.ctx, node.ID, limit)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if d := cmp.Diff(want, read(5)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want[:1], read(1)); d != "" {
		t.Error(d)
	}
	h.do(func(tx *store.Tx) error {
		return tx.Sweep(h.ctx, at.Add(time.Hour+time.Second), store.Keep{Idempotency: time.Hour, Jobs: time.Hour, Transitions: time.Hour, Revisions: 2})
	})
	if d := cmp.Diff(want[:1], read(5)); d != "" {
		t.Error("after the sweep: ", d)
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
