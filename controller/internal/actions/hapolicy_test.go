package actions_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// howItMoves is what Moving can change of a container.
type howItMoves struct {
	Type      fleet.ContainerType
	Policy    fleet.HAPolicy
	Reason    string
	HA        bool // of its spec
	Exclusive bool
	Group     string
	Preferred bool
}

func howMoves(c fleet.Container) howItMoves {
	return howItMoves{c.Type, c.HAPolicy, c.HAPolicyReason, c.Spec.HA, c.Spec.Exclusive, c.Group, c.PreferredClusterID != nil}
}

func TestEditHowAContainerMoves(t *testing.T) {
	const chosen = "nothing that it writes to is shared: a second copy does no harm for a while"
	available := howItMoves{fleet.HA, fleet.Available, chosen, true, false, "", false}
	exclusive := howItMoves{fleet.HA, fleet.Exclusive, "asked for", true, true, "", false}
	grouped, preferring := available, available
	grouped.Group, preferring.Preferred = "web", true
	for name, test := range map[string]struct {
		from       actions.NewContainer
		edit       func(*house, fleet.Cluster) actions.Moving
		want       howItMoves
		generation int64
	}{
		"standard becomes ha":      {actions.NewContainer{}, change(actions.Moving{Type: ptr(fleet.HA)}), available, 2},
		"it becomes exclusive":     {actions.NewContainer{}, change(actions.Moving{Type: ptr(fleet.HA), HAPolicy: ptr(fleet.Exclusive)}), exclusive, 2},
		"available to exclusive":   {actions.NewContainer{Type: fleet.HA}, change(actions.Moving{HAPolicy: ptr(fleet.Exclusive)}), exclusive, 2},
		"exclusive stays":          {actions.NewContainer{Type: fleet.HA, HAPolicy: fleet.Exclusive}, change(actions.Moving{HAPolicy: ptr(fleet.Exclusive)}), exclusive, 1},
		"exclusive to standard":    {actions.NewContainer{Type: fleet.HA, HAPolicy: fleet.Exclusive}, change(actions.Moving{Type: ptr(fleet.Standard)}), howItMoves{Type: fleet.Standard}, 2},
		"a group":                  {actions.NewContainer{Type: fleet.HA}, change(actions.Moving{Group: ptr("web")}), grouped, 2},
		"out of its group":         {actions.NewContainer{Type: fleet.HA, Group: "web"}, change(actions.Moving{Group: ptr("")}), available, 2},
		"a preferred cluster":      {actions.NewContainer{Type: fleet.HA}, func(_ *house, c fleet.Cluster) actions.Moving { return actions.Moving{PreferredClusterID: &c.ID} }, preferring, 2},
		"that is the same as ever": {actions.NewContainer{Type: fleet.HA}, change(actions.Moving{Type: ptr(fleet.HA)}), available, 1},
		"no preferred cluster":     {actions.NewContainer{Type: fleet.HA}, change(actions.Moving{NoPreference: true}), available, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := h.joined("edge", big)
			h.exec(`update node_health set guard_ok = true where node_id = $1`, n.ID)
			cluster, err := h.CreateCluster(h.ctx, h.admin, actions.NewCluster{Name: "east"})
			if err != nil {
				t.Fatal(err)
			}
			in := wish("web", h.egg())
			in.Type, in.HAPolicy, in.Group = test.from.Type, test.from.HAPolicy, test.from.Group
			made, err := h.CreateContainer(h.ctx, h.admin, in)
			if err != nil {
				t.Fatal(err)
			}
			h.stopped(made.Container)
			if _, err := h.EditContainer(h.ctx, h.admin, made.Container.ID, actions.ContainerEdit{Moving: test.edit(h, cluster)}); err != nil {
				t.Fatal(err)
			}
			kept, err := h.Container(h.ctx, h.admin, made.Container.ID)
			if err != nil || kept.Generation != test.generation {
				t.Errorf("generation is %d, %v; want %d", kept.Generation, err, test.generation)
			}
			if diff := cmp.Diff(test.want, howMoves(kept)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func change(m actions.Moving) func(*house, fleet.Cluster) actions.Moving {
	return func(*house, fleet.Cluster) actions.Moving { return m }
}

// stopped has a container stopped, and its node know.
func (h *house) stopped(c fleet.Container) {
	h.Helper()
	if _, err := h.StopContainer(h.ctx, h.admin, c.ID); err != nil {
		h.Fatal(err)
	}
	h.exec(`update node_health set applied_rev = rev where node_id = $1`, c.NodeID)
}

// TestNoneBecomesExclusiveThatMayRunWithoutALease goes through all that a lost
// node would make two copies of.
func TestNoneBecomesExclusiveThatMayRunWithoutALease(t *testing.T) {
	exclusive := actions.ContainerEdit{Moving: actions.Moving{HAPolicy: ptr(fleet.Exclusive)}}
	for name, test := range map[string]struct {
		spoil func(*house, fleet.Container)
		words []string
	}{
		"it runs":                      {func(h *house, c fleet.Container) { mustDo(h, start(h), c) }, []string{"stop it", "edge"}},
		"it was not seen to stop":      {func(h *house, c fleet.Container) { h.exec(`update node_health set applied_rev = rev - 1`) }, []string{"stop it"}},
		"its node is suspect":          {func(h *house, c fleet.Container) { h.exec(`update node_health set status = 'suspect'`) }, []string{"stop it"}},
		"no guard answers":             {func(h *house, c fleet.Container) { h.exec(`update node_health set guard_ok = false`) }, []string{"lormas-guard"}},
		"its profile cannot":           {func(h *house, c fleet.Container) { h.shortWindow(c) }, []string{"cannot keep two copies", "ha_policy available"}},
		"an old copy may be elsewhere": {(*house).leftBehind, []string{"an old copy", "old-home"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := h.joined("edge", big)
			h.exec(`update node_health set guard_ok = true where node_id = $1`, n.ID)
			in := wish("web", h.egg())
			in.Type = fleet.HA
			made, err := h.CreateContainer(h.ctx, h.admin, in)
			if err != nil {
				t.Fatal(err)
			}
			h.stopped(made.Container)
			test.spoil(h, made.Container)
			before := h.everything()
			_, err = h.EditContainer(h.ctx, h.admin, made.Container.ID, exclusive)
			wantError(t, err, fleet.Conflict, test.words...)
			if diff := cmp.Diff(before, h.everything()); diff != "" {
				t.Errorf("something was left behind: %s", diff)
			}
		})
	}
}

func mustDo(h *house, do verb, c fleet.Container) {
	h.Helper()
	if _, err := do(h.ctx, h.admin, c.ID); err != nil {
		h.Fatal(err)
	}
	h.exec(`update node_health set applied_rev = rev`)
}

// shortWindow puts the container's node into a cluster that lives by a window
// too short for a lease.
func (h *house) shortWindow(c fleet.Container) {
	h.Helper()
	h.exec(`with made as (insert into clusters (id, name, profile, window_ms) values (gen_random_uuid(), 'quick', 'custom', 1500) returning id)
		update nodes set cluster_id = (select id from made) where id = $1`, c.NodeID)
}

// leftBehind makes the container have been elsewhere, from where nothing was
// heard since.
func (h *house) leftBehind(c fleet.Container) {
	h.Helper()
	old := h.joined("old-home", spec.Resources{})
	h.exec(`insert into container_migrations (id, container_id, kind, from_node_id, to_node_id, from_epoch, to_epoch, policy, state, leftover, created_at, next_run_at, finished_at)
		values ($1, $2, 'failover', $3, $4, 1, 2, 'available', 'completed', 'unknown', now(), now(), now())`,
		id.New[id.MigrationID](), c.ID, old.ID, c.NodeID)
}

func TestBadMovingIsRefused(t *testing.T) {
	h := newHouse(t)
	h.joined("edge", big)
	c := h.container("web", h.egg()).Container
	before := h.everything()
	nowhere := id.New[id.ClusterID]()
	for name, test := range map[string]struct {
		edit  actions.Moving
		words []string
	}{
		"no such type":          {actions.Moving{Type: ptr(fleet.ContainerType("best"))}, []string{"type:", "standard or ha"}},
		"no such policy":        {actions.Moving{Type: ptr(fleet.HA), HAPolicy: ptr(fleet.HAPolicy("both"))}, []string{"ha_policy:", "available or exclusive"}},
		"a policy for standard": {actions.Moving{HAPolicy: ptr(fleet.Available)}, []string{"ha_policy:", "send type ha"}},
		"no such cluster":       {actions.Moving{PreferredClusterID: &nowhere}, []string{"preferred_cluster_id:", nowhere.String()}},
		"not a group":           {actions.Moving{Group: ptr("a b")}, []string{"group:"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.EditContainer(h.ctx, h.admin, c.ID, actions.ContainerEdit{Moving: test.edit})
			wantError(t, err, fleet.Invalid, test.words...)
			if diff := cmp.Diff(before, h.everything()); diff != "" {
				t.Errorf("something was left behind: %s", diff)
			}
		})
	}
}

func TestWhoMayMakeOneMoveAndEndMoves(t *testing.T) {
	h := newHouse(t)
	h.joined("edge", big)
	c := h.container("web", h.egg()).Container
	editor := with("container.edit", authz.Global, [16]byte{})
	editor.Grants = append(editor.Grants, with("container.view", authz.Global, [16]byte{}).Grants...)
	if _, err := h.EditContainer(h.ctx, editor, c.ID, actions.ContainerEdit{Moving: actions.Moving{Group: ptr("web")}}); err != nil {
		t.Error(err)
	}
	_, err := h.EditContainer(h.ctx, editor, c.ID, actions.ContainerEdit{Moving: actions.Moving{Type: ptr(fleet.HA)}})
	wantError(t, err, fleet.Forbidden, "container.ha.create")
	remover := with("container.delete", authz.Global, [16]byte{})
	remover.Grants = append(remover.Grants, with("container.view", authz.Global, [16]byte{}).Grants...)
	_, err = h.ForceDeleteContainer(h.ctx, remover, c.ID)
	wantError(t, err, fleet.Forbidden, "migration.manage")
	if _, err = h.DeleteContainer(h.ctx, remover, c.ID); err != nil {
		t.Error(err)
	}
}
