package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
)

func TestEggComesBackAsItWasWritten(t *testing.T) {
	h := newHouse(t)
	drawer := fleet.EggCategory{ID: id.New[id.EggCategoryID](), Name: "games", CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertEggCategory(h.ctx, drawer) })
	at := now()
	e := fleet.Egg{ID: id.New[id.EggID](), CategoryID: &drawer.ID, Generation: 1, CreatedAt: at, UpdatedAt: at, Egg: egg.Egg{
		Name: "Minecraft: Paper", Description: "d", Author: "a@b.c", Startup: "java -jar {{JAR}}",
		Images:  []egg.Image{{Name: "Java 21", Image: "java:21"}, {Name: "Java 17", Image: "java:17"}},
		TTY:     true,
		Stop:    "stop",
		Done:    []string{")! For help, type "},
		Ports:   []egg.Port{{Container: 25565, Protocol: "tcp"}},
		Volumes: []egg.Volume{{Name: "world", Container: "/world"}},
		Variables: []egg.Variable{
			{Name: "Jar", Description: "which", Env: "JAR", Default: "server.jar", Rules: []string{"required", "regex:/^[a-z|.]+$/"}, Viewable: true, Editable: true},
			{Name: "Hidden", Env: "HIDDEN", Rules: []string{}},
		},
	}}
	h.do(func(tx *store.Tx) error { return tx.InsertEgg(h.ctx, e) })
	check := func() {
		t.Helper()
		got, err := h.Egg(h.ctx, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Error(diff)
		}
		list, _, err := h.Eggs(h.ctx, store.EggFilter{Category: e.CategoryID})
		if diff := cmp.Diff([]fleet.Egg{e}, list); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	check()
	e.CategoryID, e.Generation, e.UpdatedAt = nil, 2, now()
	e.Egg.Name, e.Egg.Variables = "Paper", e.Egg.Variables[:1]
	h.do(func(tx *store.Tx) error { return tx.UpdateEgg(h.ctx, e) })
	check()
}

func TestEggFaults(t *testing.T) {
	h := newHouse(t)
	first := h.egg("first")
	nowhere := id.New[id.EggCategoryID]()
	h.refused(fleet.Conflict, func(tx *store.Tx) error {
		return tx.InsertEgg(h.ctx, fleet.Egg{ID: id.New[id.EggID](), Generation: 1, Egg: egg.Egg{Name: "first"}})
	}, "name")
	h.refused(fleet.Invalid, func(tx *store.Tx) error {
		first.CategoryID = &nowhere
		return tx.UpdateEgg(h.ctx, first)
	}, "categoryId", nowhere.String())
}

func TestCategoryThatHoldsEggsStays(t *testing.T) {
	h := newHouse(t)
	drawer := fleet.EggCategory{ID: id.New[id.EggCategoryID](), Name: "games", CreatedAt: now()}
	e := h.egg("demo")
	h.do(func(tx *store.Tx) error { return tx.InsertEggCategory(h.ctx, drawer) })
	h.refused(fleet.Conflict, func(tx *store.Tx) error {
		return tx.InsertEggCategory(h.ctx, fleet.EggCategory{ID: id.New[id.EggCategoryID](), Name: "games"})
	}, "name")
	e.CategoryID = &drawer.ID
	h.do(func(tx *store.Tx) error { return tx.UpdateEgg(h.ctx, e) })
	remove := func(tx *store.Tx) error { return tx.DeleteEggCategory(h.ctx, drawer.ID) }
	h.refused(fleet.Conflict, remove, "still holds eggs")
	h.do(func(tx *store.Tx) error { return tx.DeleteEgg(h.ctx, e.ID) })
	h.do(remove) // a deleted egg is no reason
	h.refused(fleet.NotFound, remove)
	drawers, _, err := h.EggCategories(h.ctx, store.Page{})
	if err != nil || len(drawers) != 0 {
		t.Errorf("categories left: %v, %v", drawers, err)
	}
}

// While a container is being made from an egg nobody can delete the egg.
func TestEggInUseWaitsToBeDeleted(t *testing.T) {
	h := newHouse(t)
	e := h.egg("demo")
	h.do(func(tx *store.Tx) error {
		if _, err := tx.UseEgg(h.ctx, e.ID); err != nil {
			return err
		}
		soon, cancel := context.WithTimeout(h.ctx, 100*time.Millisecond)
		defer cancel()
		err := h.InTx(soon, func(other *store.Tx) error {
			_, err := other.LockEgg(soon, e.ID)
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the egg was locked for deletion while in use: %v", err)
		}
		return h.InTx(h.ctx, func(other *store.Tx) error { // editing it does not wait
			e.UpdatedAt = now()
			return other.UpdateEgg(h.ctx, e)
		})
	})
	h.do(func(tx *store.Tx) error { return tx.DeleteEgg(h.ctx, e.ID) })
	h.refused(fleet.NotFound, func(tx *store.Tx) error {
		_, err := tx.UseEgg(h.ctx, e.ID)
		return err
	}, "there is no egg "+e.ID.String())
}

func TestClusterIsCountedAndForgotten(t *testing.T) {
	h := newHouse(t)
	c := fleet.Cluster{ID: id.New[id.ClusterID](), Name: "berlin", CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertCluster(h.ctx, c) })
	n := h.joined("edge", big)
	n.ClusterID = &c.ID
	h.do(func(tx *store.Tx) error { return tx.UpdateNode(h.ctx, n) })
	web := newContainer("web", h.egg("demo"), n)
	web.PreferredClusterID = &c.ID
	h.do(func(tx *store.Tx) error { return place(h.ctx, tx, &web) })
	h.do(func(tx *store.Tx) error {
		nodes, containers, err := tx.ClusterUse(h.ctx, c.ID)
		if nodes != 1 || containers != 1 {
			t.Errorf("use of the cluster is %d nodes and %d containers, want one each", nodes, containers)
		}
		return err
	})
	h.refused(fleet.Conflict, func(tx *store.Tx) error {
		return tx.InsertCluster(h.ctx, fleet.Cluster{ID: id.New[id.ClusterID](), Name: "berlin"})
	}, "name")
	h.do(func(tx *store.Tx) error { return tx.DeleteCluster(h.ctx, c.ID) })
	left, err := h.Container(h.ctx, web.ID)
	if err != nil || left.PreferredClusterID != nil {
		t.Errorf("the container still prefers a cluster that is gone: %v, %v", left.PreferredClusterID, err)
	}
}
