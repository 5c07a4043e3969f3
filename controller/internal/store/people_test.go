package store_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func (h house) user(email, hash string) fleet.User {
	h.Helper()
	u := fleet.User{ID: id.New[id.UserID](), Email: email, Generation: 1, CreatedAt: now(), UpdatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertUser(h.ctx, u, hash) })
	return u
}

// superuser gives somebody everything, everywhere.
func (h house) superuser(u fleet.User) {
	h.Helper()
	h.do(func(tx *store.Tx) error {
		role, err := tx.PutBuiltinRole(h.ctx, fleet.Role{ID: id.New[id.RoleID](), Name: fleet.RoleSuperuser, Permissions: []string{"*"}})
		if err != nil {
			return err
		}
		return tx.BindRole(h.ctx, u.ID, role)
	})
}

func TestKeepSuperuser(t *testing.T) {
	h := newHouse(t)
	keep := func(tx *store.Tx) error { return tx.KeepSuperuser(h.ctx) }
	h.refused(fleet.Conflict, keep, "nobody who may do everything")
	first, second, later := h.user("a@x", "hash"), h.user("b@x", "hash"), h.user("c@x", "")
	h.superuser(later)
	h.refused(fleet.Conflict, keep) // he cannot sign in yet
	h.superuser(first)
	h.do(keep)
	h.superuser(second)
	for i, u := range []fleet.User{first, second} {
		at := now()
		u.DisabledAt = &at
		work := func(tx *store.Tx) error {
			if err := tx.LockPeople(h.ctx); err != nil {
				return err
			}
			if err := tx.UpdateUser(h.ctx, u); err != nil {
				return err
			}
			return tx.KeepSuperuser(h.ctx)
		}
		if i == 0 {
			h.do(work)
		} else {
			h.refused(fleet.Conflict, work)
		}
	}
}

func TestReached(t *testing.T) {
	h := newHouse(t)
	owner, e := h.user("o@x", "hash"), h.egg("demo")
	cluster := fleet.Cluster{ID: id.New[id.ClusterID](), Name: "here", CreatedAt: now()}
	h.do(func(tx *store.Tx) error { return tx.InsertCluster(h.ctx, cluster) })
	n := h.joined("edge", big)
	n.ClusterID = &cluster.ID
	h.do(func(tx *store.Tx) error { return tx.UpdateNode(h.ctx, n) })
	other, mine := h.container("other", e, n), newContainer("mine", e, n)
	mine.OwnerID = &owner.ID
	h.do(func(tx *store.Tx) error { return place(h.ctx, tx, &mine) })

	grants := []authz.Grant{
		{Scope: authz.Global},
		{Scope: authz.OfCluster, ScopeID: uuid.UUID(cluster.ID)}, {Scope: authz.OfNode, ScopeID: uuid.UUID(n.ID)},
		{Scope: authz.OfContainer, ScopeID: uuid.UUID(other.ID)}, {Scope: authz.OfContainer, ScopeID: uuid.UUID(mine.ID)},
		{Scope: authz.Owned, ScopeID: uuid.UUID(owner.ID)}, {Scope: authz.OfNode, ScopeID: uuid.New()},
	}
	reaches, err := h.Reached(h.ctx, grants)
	if err != nil {
		t.Fatal(err)
	}
	onNode := authz.Target{Node: n.ID, Cluster: cluster.ID}
	ofMine, ofOther := onNode, onNode
	ofMine.Container, ofMine.Owner, ofOther.Container = mine.ID, owner.ID, other.ID
	for i, want := range [][]authz.Target{nil, {{Cluster: cluster.ID}}, {onNode}, {ofOther}, {ofMine}, {ofMine}, nil} {
		if got := reaches(grants[i].Scope, grants[i].ScopeID); len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
			t.Errorf("%+v reaches %+v, want %+v", grants[i], got, want)
		}
	}
}
