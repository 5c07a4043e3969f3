package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func TestReserveTakesGivesBackAndExplains(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", spec.Resources{CPU: 1000, Memory: spec.GiB, Disk: 10 * spec.GiB})
	reserve := func(want spec.Resources) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.Reserve(h.ctx, n.ID, want) }
	}
	all := spec.Resources{CPU: 1000, Memory: spec.GiB, Disk: 10 * spec.GiB}
	h.do(reserve(all))
	h.refused(fleet.NoCapacity, reserve(spec.Resources{CPU: 1, Memory: spec.MiB}),
		"edge", "cpu 0.001 wanted, 0 free", "memory 1m wanted, 0 free")
	// an edit that asks for less of one thing is not held up by the others
	h.do(reserve(spec.Resources{CPU: -250}))
	h.do(reserve(spec.Resources{CPU: 250, Memory: -spec.MiB}))
	h.refused(fleet.NoCapacity, reserve(spec.Resources{Disk: 1}), "disk 1 wanted, 0 free")
	h.do(reserve(spec.Resources{}.Sub(all).Add(spec.Resources{Memory: spec.MiB})))
	got, err := h.Node(h.ctx, n.ID)
	if err != nil || got.Health.Reserved != (spec.Resources{}) {
		t.Errorf("reserved after all was given back: %+v, %v", got.Health.Reserved, err)
	}
}

func TestEveryResourceIsGuardedByItself(t *testing.T) {
	h := newHouse(t)
	offer := spec.Resources{CPU: 1000, Memory: spec.GiB, Disk: 10 * spec.GiB}
	n := h.joined("edge", offer)
	one := map[string]spec.Resources{"cpu": {CPU: offer.CPU}, "memory": {Memory: offer.Memory}, "disk": {Disk: offer.Disk}}
	more := map[string]spec.Resources{"cpu": {CPU: 1}, "memory": {Memory: 1}, "disk": {Disk: 1}}
	for name := range one {
		h.do(func(tx *store.Tx) error { return tx.Reserve(h.ctx, n.ID, one[name]) })
		h.refused(fleet.NoCapacity, func(tx *store.Tx) error { return tx.Reserve(h.ctx, n.ID, more[name]) }, name+" ")
	}
	// a node whose offer has shrunk can still give back, and what it asks no
	// more of is no obstacle
	h.do(func(tx *store.Tx) error {
		shrunk := spec.Resources{CPU: 2000, Memory: spec.MiB, Disk: 1}
		return tx.RecordHello(h.ctx, n.ID, store.Facts{Offer: &shrunk}, now())
	})
	h.do(func(tx *store.Tx) error { return tx.Reserve(h.ctx, n.ID, spec.Resources{CPU: 100, Memory: -1}) })
}

// Constraints hold the ledger also where code would not.
func TestNobodyCanReserveLessThanNothing(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", big)
	err := h.InTx(h.ctx, func(tx *store.Tx) error { return tx.Reserve(h.ctx, n.ID, spec.Resources{CPU: -1}) })
	if err == nil {
		t.Error("a negative reservation was written")
	}
}

func TestOnlyOneOfManyGetsTheLastRoom(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", small)
	e := h.egg("demo")
	const racers = 8
	results := race(racers, func(i int) error {
		c := newContainer(fmt.Sprintf("c%d", i), e, n)
		return h.InTx(h.ctx, func(tx *store.Tx) error { return place(h.ctx, tx, &c) })
	})
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, fleet.NoCapacity, "memory 256m wanted, 0 free")
	}
	if won != 1 {
		t.Errorf("%d of %d got the last room, want 1", won, racers)
	}
}

func TestAutomaticPortsAreTheLowestFree(t *testing.T) {
	h := newHouse(t)
	n, other, e := h.joined("edge", big), h.joined("other", big), h.egg("demo")
	udp := spec.Port{Container: 53, Protocol: "udp"}
	a := h.container("a", e, n, tcp(0), udp, tcp(20002), tcp(0))
	b := h.container("b", e, n, tcp(0))
	c := h.container("c", e, other, tcp(0))
	got := map[string][]int{}
	for _, x := range []fleet.Container{a, b, c} {
		for _, p := range x.Spec.Ports {
			got[x.Name] = append(got[x.Name], p.Host)
		}
	}
	// udp has its own numbers; 20002 was asked for by name in the same breath
	want := map[string][]int{"a": {20000, 20000, 20002, 20001}, "b": {20003}, "c": {20000}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h.do(func(tx *store.Tx) error { return tx.Deallocate(h.ctx, a.ID) })
	if d := h.container("d", e, n, tcp(0)); d.Spec.Ports[0].Host != 20000 {
		t.Errorf("a port that was given back is not used again: %d", d.Spec.Ports[0].Host)
	}
}

func TestTakenPortsNameTheirHolder(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg("demo")
	everywhere := h.container("everywhere", e, n, tcp(8080))
	local := h.container("local", e, n, spec.Port{IP: "127.0.0.1", Host: 9090, Container: 80, Protocol: "tcp"})
	tests := []struct {
		ip       string
		host     int
		protocol string
		holder   *fleet.Container
	}{
		{"", 8080, "tcp", &everywhere},
		{"0.0.0.0", 8080, "tcp", &everywhere},
		{"::", 8080, "tcp", &everywhere},
		{"127.0.0.1", 8080, "tcp", &everywhere},
		{"127.0.0.1", 9090, "tcp", &local},
		{"::ffff:127.0.0.1", 9090, "tcp", &local},
		{"0.0.0.0", 9090, "tcp", &local},
		{"", 9090, "tcp", &local},
		{"127.0.0.2", 9090, "tcp", nil},
		{"", 8080, "udp", nil},
		{"", 8081, "tcp", nil},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s:%d/%s", test.ip, test.host, test.protocol), func(t *testing.T) {
			wanted := spec.Port{IP: test.ip, Host: test.host, Container: 80, Protocol: test.protocol}
			c := newContainer("x", e, n, tcp(0), wanted)
			undo := fmt.Errorf("undo")
			err := h.InTx(h.ctx, func(tx *store.Tx) error {
				if _, err := tx.Allocate(h.ctx, c, c.Spec.Ports); err != nil {
					return err
				}
				return undo
			})
			if test.holder == nil {
				if err != undo {
					t.Errorf("a free port was refused: %v", err)
				}
				return
			}
			wantError(t, err, fleet.Conflict, "ports[1].host", test.holder.Name, test.holder.ID.String())
		})
	}
}

func TestPortsAreHandedOutOnceInARace(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg("demo")
	const racers = 8
	ports := make([]int, racers)
	results := race(racers, func(i int) error {
		c := newContainer(fmt.Sprintf("auto%d", i), e, n, tcp(0))
		err := h.InTx(h.ctx, func(tx *store.Tx) error {
			c.Spec.Ports = []spec.Port{tcp(0)} // a retried transaction begins anew
			return place(h.ctx, tx, &c)
		})
		if err == nil {
			ports[i] = c.Spec.Ports[0].Host
		}
		return err
	})
	seen := map[int]bool{}
	for i, err := range results {
		if err != nil || seen[ports[i]] || ports[i] < 20000 || ports[i] >= 20000+racers {
			t.Errorf("racer %d: port %d, %v", i, ports[i], err)
		}
		seen[ports[i]] = true
	}
	results = race(racers, func(i int) error { // here nobody took the ledger's lock before
		c := newContainer(fmt.Sprintf("fixed%d", i), e, n)
		return h.InTx(h.ctx, func(tx *store.Tx) error {
			if _, err := tx.Allocate(h.ctx, c, []spec.Port{tcp(8080)}); err != nil {
				return err
			}
			return tx.InsertContainer(h.ctx, c)
		})
	})
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		wantError(t, err, fleet.Conflict, "ports[0].host")
	}
	if won != 1 {
		t.Errorf("%d of %d got port 8080, want 1", won, racers)
	}
}

func TestRevisionsGrowOneByOne(t *testing.T) {
	h := newHouse(t)
	n := h.joined("edge", big)
	const racers = 8
	revs := make([]int64, racers)
	for _, err := range race(racers, func(i int) error {
		return h.InTx(h.ctx, func(tx *store.Tx) (err error) {
			revs[i], err = tx.TouchNode(h.ctx, n.ID, id.New[id.ContainerID]())
			return err
		})
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := map[int64]bool{}
	for _, rev := range revs {
		seen[rev] = true
	}
	for rev := int64(1); rev <= racers; rev++ {
		if !seen[rev] {
			t.Errorf("revision %d is missing in %v", rev, revs)
		}
	}
}

func TestFinishDeleteFreesNamePortsAndRoomOnce(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg("demo")
	h.container("stays", e, n, tcp(8081))
	c := h.container("goes", e, n, tcp(8080))
	finish := func(tx *store.Tx) error { return tx.FinishDelete(h.ctx, c.ID) }

	h.do(finish) // an agent's word cannot delete what should be there
	if _, err := h.Container(h.ctx, c.ID); err != nil {
		t.Fatalf("a container that should run was deleted: %v", err)
	}
	c.Power = spec.Absent
	h.do(func(tx *store.Tx) error { return tx.UpdateDesired(h.ctx, c) })
	h.do(finish)
	h.do(finish)
	got, err := h.Node(h.ctx, n.ID)
	if err != nil || got.Health.Reserved != small {
		t.Errorf("reserved is %+v, %v; want what is left, %+v", got.Health.Reserved, err, small)
	}
	_, err = h.Container(h.ctx, c.ID)
	wantError(t, err, fleet.NotFound)
	h.container("goes", e, n, tcp(8080))
}

// race runs work at once in n goroutines.
func race(n int, work func(i int) error) []error {
	results := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { results[i] = work(i) })
	}
	all.Wait()
	return results
}

func TestPortsKeepClearOfWhatElseRunsOnTheNode(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg("demo")
	n.Pools = []spec.Pool{{IP: "10.0.0.1", First: 27015, Last: 27017}}
	busy := []spec.Port{{Host: 27015, Protocol: spec.UDP}, {Host: 22, Protocol: spec.TCP}}
	h.do(func(tx *store.Tx) error {
		if err := tx.UpdateNode(h.ctx, n); err != nil {
			return err
		}
		_, err := tx.SaveHeartbeats(h.ctx, []store.Heartbeat{{Node: n.ID, At: now(), Busy: busy}})
		return err
	})
	game := spec.Port{Protocol: spec.Both, Same: true}
	got := h.container("game", e, n, game).Spec.Ports
	want := []spec.Port{{IP: "10.0.0.1", AutoIP: true, Host: 27016, Container: 27016, Protocol: spec.Both, Same: true, Auto: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	allocate := func(p spec.Port) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			_, err := tx.Allocate(h.ctx, newContainer("x", e, n), []spec.Port{p})
			return err
		}
	}
	ssh := spec.Port{Host: 22, Container: 22, Protocol: spec.TCP}
	wantError(t, h.InTx(h.ctx, allocate(ssh)), fleet.Conflict, "ports[0].host", "not a container of ours")
	h.container("another", e, n, game)
	h.refused(fleet.NoCapacity, allocate(game), "portPools")
	places, err := h.Candidates(h.ctx, []spec.Port{ssh})
	if err != nil || len(places) != 1 || cmp.Diff(n.Pools, places[0].Pools) != "" || !slices.ContainsFunc(places[0].Taken, ssh.Overlaps) {
		t.Errorf("placement sees %+v, %v", places, err)
	}
	// A heartbeat that says nothing of ports, and one that says there are none.
	for _, said := range [][]spec.Port{nil, {}} {
		h.do(func(tx *store.Tx) error {
			_, err := tx.SaveHeartbeats(h.ctx, []store.Heartbeat{{Node: n.ID, At: now(), Busy: said}})
			return err
		})
		places, _ = h.Candidates(h.ctx, []spec.Port{ssh})
		if forgotten := !slices.ContainsFunc(places[0].Taken, ssh.Overlaps); forgotten != (said != nil) {
			t.Errorf("after %v the port is forgotten: %v", said, forgotten)
		}
	}
}
