package actions_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
)

// verb is what takes a container and gives a job.
type verb func(context.Context, authz.Actor, id.ContainerID) (fleet.Job, error)

func TestCreateNodeShowsItsTokenOnce(t *testing.T) {
	h := newHouse(t)
	made, err := h.CreateNode(h.ctx, h.admin, actions.NewNode{Name: "edge", Description: "d", Labels: map[string]string{"rack": "7"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "LORMAS_AGENT_TOKEN='" + made.Token + "' lormas-agent --controller mqtt://controller:1883"; made.Command != want || !strings.HasPrefix(made.Token, "eyJ") {
		t.Errorf("the command is %q, want %q", made.Command, want)
	}
	if made.Node.Health.State != fleet.NodeJoining || made.Node.Labels["rack"] != "7" {
		t.Errorf("the node is %+v", made.Node)
	}
	h.wantAudit(fleet.NodeCreate, fleet.OutcomeOK, "edge")
	if kept := h.everything(); strings.Contains(kept, made.Token) {
		t.Error("the token is in the database")
	}
}

func TestBadNodesLeaveNothing(t *testing.T) {
	h := newHouse(t)
	n := h.node("taken")
	other := h.node("other")
	before := h.everything()
	for name, test := range map[string]struct {
		in    actions.NewNode
		kind  fleet.Kind
		words []string
	}{
		"no name":          {actions.NewNode{}, fleet.Invalid, []string{"name:"}},
		"a path":           {actions.NewNode{Name: "../x"}, fleet.Invalid, []string{"name:"}},
		"taken name":       {actions.NewNode{Name: "taken"}, fleet.Conflict, []string{"name:", "taken"}},
		"unknown cluster":  {actions.NewNode{Name: "x", ClusterID: ptr(id.New[id.ClusterID]())}, fleet.Invalid, []string{"cluster_id:"}},
		"NUL":              {actions.NewNode{Name: "x", Description: "\x00"}, fleet.Invalid, []string{"description:"}},
		"long description": {actions.NewNode{Name: "x", Description: strings.Repeat("x", 5000)}, fleet.Invalid, []string{"description:"}},
		"bad label":        {actions.NewNode{Name: "x", Labels: map[string]string{"a b": "c"}}, fleet.Invalid, []string{"labels:"}},
		"bad label value":  {actions.NewNode{Name: "x", Labels: map[string]string{"a": "b\n"}}, fleet.Invalid, []string{"labels.a:"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.CreateNode(h.ctx, h.admin, test.in)
			wantError(t, err, test.kind, test.words...)
			if test.in.Name != "" { // an edit refuses the same
				edit := actions.NodeEdit{Name: &test.in.Name, Description: &test.in.Description, ClusterID: test.in.ClusterID, Labels: test.in.Labels}
				_, err = h.EditNode(h.ctx, h.admin, other.ID, edit)
				wantError(t, err, test.kind, test.words...)
			}
			if diff := cmp.Diff(before, h.everything()); diff != "" {
				t.Errorf("something was left behind: %s", diff)
			}
		})
	}
	_, err := h.EditNode(h.ctx, h.admin, n.ID, actions.NodeEdit{Name: ptr("taken"), Description: ptr("its own name")})
	if err != nil {
		t.Errorf("a node may keep its name: %v", err)
	}
}

func TestRepeatedCreateOfANodeGivesAGoodToken(t *testing.T) {
	h := newHouse(t)
	in := actions.NewNode{Name: "edge", Key: "once"}
	first, err := h.CreateNode(h.ctx, h.admin, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.CreateNode(h.ctx, h.admin, in)
	if err != nil || again.Node.ID != first.Node.ID || again.Token == "" {
		t.Errorf("the repetition made %v, %v", again.Node.ID, err)
	}
	if _, err := h.RotateCredential(h.ctx, h.admin, first.Node.ID, ""); err != nil {
		t.Fatal(err)
	}
	_, err = h.CreateNode(h.ctx, h.admin, in)
	wantError(t, err, fleet.Conflict, "rotate")
}

// The connection is cut after the commit: an agent that comes straight back
// finds its old credential ended.
func TestCredentialsEndBeforeTheConnectionIsCut(t *testing.T) {
	for name, end := range map[string]func(*house, id.NodeID) error{
		"rotate": func(h *house, n id.NodeID) error {
			e, err := h.RotateCredential(h.ctx, h.admin, n, "")
			if err == nil && !strings.Contains(e.Command, e.Token) {
				h.Errorf("the command %q lacks the new token", e.Command)
			}
			return err
		},
		"revoke": func(h *house, n id.NodeID) error { return h.RevokeCredential(h.ctx, h.admin, n) },
		"delete": func(h *house, n id.NodeID) error { return h.DeleteNode(h.ctx, h.admin, n) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			n := h.node("edge")
			old, err := h.store.LiveCredential(h.ctx, n.ID)
			if err != nil {
				t.Fatal(err)
			}
			h.onKick = func(id.NodeID) {
				if live := h.count(`select count(*) from node_credentials where id = $1 and revoked_at is null`, old.ID); live != 0 {
					t.Error("the connection was cut while the old credential was still good")
				}
			}
			if err := end(h, n.ID); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]id.NodeID{n.ID}, h.kicked); diff != "" {
				t.Errorf("kicked: %s", diff)
			}
			if _, outcome, target := h.lastAudit(); outcome != fleet.OutcomeOK || target != "edge" {
				t.Errorf("audited as %s on %q", outcome, target)
			}
		})
	}
}

func TestNodeMovesBetweenClusters(t *testing.T) {
	h := newHouse(t)
	n := h.node("edge")
	berlin, err := h.CreateCluster(h.ctx, h.admin, actions.NewCluster{Name: "berlin"})
	if err != nil {
		t.Fatal(err)
	}
	in, err := h.EditNode(h.ctx, h.admin, n.ID, actions.NodeEdit{ClusterID: &berlin.ID})
	if err != nil || in.ClusterID == nil || *in.ClusterID != berlin.ID {
		t.Fatalf("the node is in %v, %v", in.ClusterID, err)
	}
	h.wantAudit(fleet.NodeEdit, fleet.OutcomeOK, "edge")
	wantError(t, h.DeleteCluster(h.ctx, h.admin, berlin.ID), fleet.Conflict, "1 nodes")
	out, err := h.EditNode(h.ctx, h.admin, n.ID, actions.NodeEdit{LeaveCluster: true})
	if err != nil || out.ClusterID != nil {
		t.Fatalf("the node is still in %v, %v", out.ClusterID, err)
	}
	renamed, err := h.EditCluster(h.ctx, h.admin, berlin.ID, actions.ClusterEdit{Named: actions.Named{Name: ptr("bern")}})
	if err != nil || renamed.Name != "bern" {
		t.Errorf("renamed to %q, %v", renamed.Name, err)
	}
	if err := h.DeleteCluster(h.ctx, h.admin, berlin.ID); err != nil {
		t.Error(err)
	}
	h.wantAudit(fleet.ClusterDelete, fleet.OutcomeOK, "bern")
}

func TestEggGenerations(t *testing.T) {
	h := newHouse(t)
	e := h.egg()
	drawer, err := h.CreateEggCategory(h.ctx, h.admin, actions.NewEggCategory{Name: "games"})
	if err != nil {
		t.Fatal(err)
	}
	next := demo()
	next.Description = "better"
	edited, err := h.EditEgg(h.ctx, h.admin, e.ID, actions.EggEdit{CategoryID: &drawer.ID, Egg: next, Generation: ptr(int64(1))})
	if err != nil || edited.Generation != 2 {
		t.Fatalf("generation is %d, %v", edited.Generation, err)
	}
	_, err = h.EditEgg(h.ctx, h.admin, e.ID, actions.EggEdit{Egg: next, Generation: ptr(int64(1))})
	wantError(t, err, fleet.Precondition, "generation 2, not 1")
	kept, err := h.Egg(h.ctx, h.admin, e.ID)
	if err != nil || kept.Egg.Description != "better" || kept.CategoryID == nil {
		t.Errorf("kept %+v, %v", kept, err)
	}
	wantError(t, h.DeleteEggCategory(h.ctx, h.admin, drawer.ID), fleet.Conflict, "still holds eggs")
	if err := h.DeleteEgg(h.ctx, h.admin, e.ID); err != nil {
		t.Fatal(err)
	}
	h.wantAudit(fleet.EggDelete, fleet.OutcomeOK, "demo")
	if _, err := h.EditEggCategory(h.ctx, h.admin, drawer.ID, actions.EggCategoryEdit{Named: actions.Named{Description: ptr("d")}}); err != nil {
		t.Error(err)
	}
	if err := h.DeleteEggCategory(h.ctx, h.admin, drawer.ID); err != nil {
		t.Error(err)
	}
	h.wantAudit(fleet.EggCategoryDelete, fleet.OutcomeOK, "games")
}

func TestBadEggsLeaveNothing(t *testing.T) {
	h := newHouse(t)
	e := h.egg()
	before := h.everything()
	bad := demo()
	bad.Images, bad.Variables[0].Rules = nil, []string{"hug"}
	_, err := h.CreateEgg(h.ctx, h.admin, actions.NewEgg{Egg: bad})
	wantError(t, err, fleet.Invalid, "images:", "variables[0].rules[0]:")
	_, err = h.EditEgg(h.ctx, h.admin, e.ID, actions.EggEdit{Egg: bad})
	wantError(t, err, fleet.Invalid, "images:", "variables[0].rules[0]:")
	_, err = h.CreateEgg(h.ctx, h.admin, actions.NewEgg{Egg: demo()})
	wantError(t, err, fleet.Conflict, "name:")
	unfiled := demo()
	unfiled.Name = "other"
	_, err = h.CreateEgg(h.ctx, h.admin, actions.NewEgg{CategoryID: ptr(id.New[id.EggCategoryID]()), Egg: unfiled})
	wantError(t, err, fleet.Invalid, "categoryId:")
	if diff := cmp.Diff(before, h.everything()); diff != "" {
		t.Errorf("something was left behind: %s", diff)
	}
}

// Every verb refuses who may not, changes nothing and leaves an entry.
func TestDeniedVerbsAreAuditedAndChangeNothing(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg()
	c := h.container("web", e)
	cluster, err := h.CreateCluster(h.ctx, h.admin, actions.NewCluster{Name: "berlin"})
	if err != nil {
		t.Fatal(err)
	}
	drawer, err := h.CreateEggCategory(h.ctx, h.admin, actions.NewEggCategory{Name: "games"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := h.ctx
	job := func(_ fleet.Job, err error) error { return err }
	verbs := map[fleet.Verb]func(a authz.Actor) error{
		fleet.NodeCreate:           func(a authz.Actor) error { _, err := h.CreateNode(ctx, a, actions.NewNode{Name: "x"}); return err },
		fleet.NodeView:             func(a authz.Actor) error { _, err := h.Node(ctx, a, n.ID); return err },
		fleet.NodeEdit:             func(a authz.Actor) error { _, err := h.EditNode(ctx, a, n.ID, actions.NodeEdit{}); return err },
		fleet.NodeDelete:           func(a authz.Actor) error { return h.DeleteNode(ctx, a, n.ID) },
		fleet.NodeCredentialRotate: func(a authz.Actor) error { _, err := h.RotateCredential(ctx, a, n.ID, ""); return err },
		fleet.NodeCredentialRevoke: func(a authz.Actor) error { return h.RevokeCredential(ctx, a, n.ID) },
		fleet.NodeHealthView:       func(a authz.Actor) error { _, err := h.Health(ctx, a); return err },
		fleet.ClusterCreate: func(a authz.Actor) error {
			_, err := h.CreateCluster(ctx, a, actions.NewCluster{Name: "x"})
			return err
		},
		fleet.ClusterView: func(a authz.Actor) error { _, err := h.Cluster(ctx, a, cluster.ID); return err },
		fleet.ClusterEdit: func(a authz.Actor) error {
			_, err := h.EditCluster(ctx, a, cluster.ID, actions.ClusterEdit{})
			return err
		},
		fleet.ClusterDelete: func(a authz.Actor) error { return h.DeleteCluster(ctx, a, cluster.ID) },
		fleet.EggCreate:     func(a authz.Actor) error { _, err := h.CreateEgg(ctx, a, actions.NewEgg{Egg: egg.Egg{}}); return err },
		fleet.EggView:       func(a authz.Actor) error { _, err := h.Egg(ctx, a, e.ID); return err },
		fleet.EggEdit:       func(a authz.Actor) error { _, err := h.EditEgg(ctx, a, e.ID, actions.EggEdit{}); return err },
		fleet.EggDelete:     func(a authz.Actor) error { return h.DeleteEgg(ctx, a, e.ID) },
		fleet.EggCategoryCreate: func(a authz.Actor) error {
			_, err := h.CreateEggCategory(ctx, a, actions.NewEggCategory{Name: "x"})
			return err
		},
		fleet.EggCategoryView: func(a authz.Actor) error { _, _, err := h.EggCategories(ctx, a, store.Page{}); return err },
		fleet.EggCategoryEdit: func(a authz.Actor) error {
			_, err := h.EditEggCategory(ctx, a, drawer.ID, actions.EggCategoryEdit{})
			return err
		},
		fleet.EggCategoryDelete: func(a authz.Actor) error { return h.DeleteEggCategory(ctx, a, drawer.ID) },
		fleet.ContainerCreate:   func(a authz.Actor) error { _, err := h.CreateContainer(ctx, a, wish("x", e)); return err },
		fleet.ContainerView:     func(a authz.Actor) error { _, err := h.Container(ctx, a, c.Container.ID); return err },
		fleet.ContainerEdit: func(a authz.Actor) error {
			_, err := h.EditContainer(ctx, a, c.Container.ID, actions.ContainerEdit{})
			return err
		},
		fleet.ContainerStart:   func(a authz.Actor) error { return job(h.StartContainer(ctx, a, c.Container.ID)) },
		fleet.ContainerStop:    func(a authz.Actor) error { return job(h.StopContainer(ctx, a, c.Container.ID)) },
		fleet.ContainerRestart: func(a authz.Actor) error { return job(h.RestartContainer(ctx, a, c.Container.ID)) },
		fleet.ContainerKill:    func(a authz.Actor) error { return job(h.KillContainer(ctx, a, c.Container.ID)) },
		fleet.ContainerDelete:  func(a authz.Actor) error { return job(h.DeleteContainer(ctx, a, c.Container.ID)) },
		fleet.JobView:          func(a authz.Actor) error { return job(h.Job(ctx, a, c.Job.ID)) },
	}
	before := h.everything()
	for v, do := range verbs {
		t.Run(string(v), func(t *testing.T) {
			err := do(nobody)
			if kind := fleet.KindOf(err); kind != fleet.Forbidden && kind != fleet.NotFound {
				t.Errorf("the verb was not refused: %v", err)
			}
			got, outcome, _ := h.lastAudit()
			if got != v || outcome != fleet.OutcomeDenied {
				t.Errorf("the newest audit entry is %s %s", got, outcome)
			}
			if diff := cmp.Diff(before, h.everything()); diff != "" {
				t.Errorf("something was left behind: %s", diff)
			}
		})
	}
	if len(h.woken) != 1 || len(h.kicked) != 0 {
		t.Errorf("refused verbs woke %v and cut %v", h.woken, h.kicked)
	}
}

// Who puts a node into a cluster gives it to all who may do something there, so
// the permission for the node alone is not enough.
func TestANodeJoinsOnlyAClusterWhereItMayBeEdited(t *testing.T) {
	h := newHouse(t)
	n := h.node("edge")
	cluster := func(name string) id.ClusterID {
		c, err := h.CreateCluster(h.ctx, h.admin, actions.NewCluster{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	berlin, bern := cluster("berlin"), cluster("bern")
	editor := with("node.*", authz.OfNode, n.ID)
	move := func(to id.ClusterID) error {
		_, err := h.EditNode(h.ctx, editor, n.ID, actions.NodeEdit{ClusterID: &to})
		return err
	}
	before := h.everything()
	for _, unseen := range []id.ClusterID{berlin, id.New[id.ClusterID]()} { // there or not, it is the same to him
		wantError(t, move(unseen), fleet.NotFound, "there is no cluster "+unseen.String())
		h.wantAudit(fleet.NodeEdit, fleet.OutcomeDenied, "")
	}
	editor.Grants = append(editor.Grants, authz.Grant{Permission: "cluster.view", Scope: authz.OfCluster, ScopeID: uuid.UUID(berlin)})
	wantError(t, move(berlin), fleet.Forbidden, "node.edit")
	h.wantAudit(fleet.NodeEdit, fleet.OutcomeDenied, "")
	if diff := cmp.Diff(before, h.everything()); diff != "" {
		t.Errorf("something was left behind: %s", diff)
	}
	editor.Grants = append(editor.Grants, authz.Grant{Permission: "node.edit", Scope: authz.OfCluster, ScopeID: uuid.UUID(berlin)})
	if err := move(berlin); err != nil {
		t.Errorf("he may edit nodes in both places: %v", err)
	}
	wantError(t, move(bern), fleet.NotFound, "there is no cluster")
	editor.Grants = editor.Grants[:1]
	if err := move(berlin); err != nil {
		t.Errorf("it is there already: %v", err)
	}
	editor.Grants[0] = authz.Grant{Permission: "*", Scope: authz.Global}
	wantError(t, move(id.New[id.ClusterID]()), fleet.Invalid, "cluster_id: there is no cluster")
}

func TestOneCannotSeeWhatOneMayNotKnow(t *testing.T) {
	h := newHouse(t)
	n, e := h.joined("edge", big), h.egg()
	c := h.container("web", e).Container
	viewer := with("container.view", authz.Global, [16]byte{})
	_, err := h.StartContainer(h.ctx, viewer, c.ID)
	wantError(t, err, fleet.Forbidden, "container.start")
	stranger := with("container.*", authz.OfNode, id.New[id.NodeID]())
	_, err = h.StartContainer(h.ctx, stranger, c.ID)
	wantError(t, err, fleet.NotFound, "there is no container "+c.ID.String())
	neighbour := with("container.*", authz.OfNode, n.ID)
	if _, err = h.StartContainer(h.ctx, neighbour, c.ID); err != nil {
		t.Error(err)
	}
	list, _, err := h.Containers(h.ctx, stranger, store.ContainerFilter{})
	if err != nil || len(list) != 0 {
		t.Errorf("a stranger sees %d containers, %v", len(list), err)
	}
	list, _, err = h.Containers(h.ctx, neighbour, store.ContainerFilter{})
	if err != nil || len(list) != 1 {
		t.Errorf("a neighbour sees %d containers, %v", len(list), err)
	}
}
