package authz_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func TestHoldsIn(t *testing.T) {
	owner := id.New[id.UserID]()
	owned := onNode
	owned.Owner = owner
	tests := map[string]struct {
		actor   authz.Actor
		pattern string
		scope   authz.Scope
		scopeID uuid.UUID
		at      authz.Target
		want    bool
	}{
		"global holds everywhere":                {granted(authz.Global, uuid.Nil, "*"), "container.kill", authz.OfNode, uuid.UUID(node), onNode, true},
		"a cluster holds its node":               {granted(authz.OfCluster, cluster, "container.*"), "container.kill", authz.OfNode, uuid.UUID(node), onNode, true},
		"a cluster holds its container":          {granted(authz.OfCluster, cluster, "container.*"), "container.kill", authz.OfContainer, uuid.UUID(web), onNode, true},
		"a node holds its container":             {granted(authz.OfNode, node, "container.*"), "container.*", authz.OfContainer, uuid.UUID(web), onNode, true},
		"a node does not hold its cluster":       {granted(authz.OfNode, node, "*"), "node.view", authz.OfCluster, uuid.UUID(cluster), onNode, false},
		"a container does not hold its node":     {granted(authz.OfContainer, web, "*"), "node.view", authz.OfNode, uuid.UUID(node), onNode, false},
		"nothing but global holds global":        {granted(authz.OfCluster, cluster, "*"), "node.view", authz.Global, uuid.Nil, onNode, false},
		"another cluster":                        {granted(authz.OfCluster, id.New[id.ClusterID](), "*"), "node.view", authz.OfNode, uuid.UUID(node), onNode, false},
		"a node of no cluster":                   {granted(authz.OfCluster, uuid.Nil, "*"), "node.view", authz.OfNode, uuid.UUID(node), authz.Target{}, false},
		"a part of the pattern":                  {granted(authz.Global, uuid.Nil, "container.start", "container.stop"), "container.*", authz.Global, uuid.Nil, authz.Target{}, false},
		"an owner holds what is his":             {granted(authz.Owned, owner, "container.start"), "container.start", authz.OfContainer, uuid.UUID(web), owned, true},
		"an owner does not hold what is not":     {granted(authz.Owned, owner, "container.start"), "container.start", authz.OfContainer, uuid.UUID(web), onNode, false},
		"an owner holds what he owns, as such":   {granted(authz.Owned, owner, "container.start"), "container.start", authz.Owned, uuid.UUID(owner), authz.Target{}, true},
		"nobody else holds what somebody owns":   {granted(authz.OfCluster, cluster, "*"), "container.start", authz.Owned, uuid.UUID(owner), onNode, false},
		"global holds what somebody owns":        {granted(authz.Global, uuid.Nil, "*"), "container.start", authz.Owned, uuid.UUID(owner), authz.Target{}, true},
		"a token holds no more than its limit":   {limited(granted(authz.Global, uuid.Nil, "*"), "node.*"), "container.start", authz.Global, uuid.Nil, authz.Target{}, false},
		"a token within its limit":               {limited(granted(authz.Global, uuid.Nil, "*"), "node.*"), "node.view", authz.OfNode, uuid.UUID(node), onNode, true},
		"an unknown scope":                       {granted("planet", node, "*"), "node.view", "planet", uuid.UUID(node), onNode, false},
		"an unknown scope, to who has it global": {granted(authz.Global, uuid.Nil, "*"), "node.view", "planet", uuid.UUID(node), onNode, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.actor.HoldsIn(tt.pattern, tt.scope, tt.scopeID, tt.at); got != tt.want {
				t.Errorf("HoldsIn(%s, %s) = %v, want %v", tt.pattern, tt.scope, got, tt.want)
			}
		})
	}
}

// fleetOf is a small fleet for the property tests: who stands where, and
// whose it is.
type smallFleet struct {
	clusters   []id.ClusterID
	nodes      []authz.Target
	containers []authz.Target
	owners     []id.UserID
}

func newSmallFleet() smallFleet {
	f := smallFleet{}
	for range 2 {
		f.clusters = append(f.clusters, id.New[id.ClusterID]())
		f.owners = append(f.owners, id.New[id.UserID]())
	}
	f.clusters = append(f.clusters, id.ClusterID{}) // of nodes in no cluster
	for _, c := range f.clusters {
		n := authz.Target{Node: id.New[id.NodeID](), Cluster: c}
		f.nodes = append(f.nodes, n)
		for _, owner := range f.owners {
			on := n
			on.Container, on.Owner = id.New[id.ContainerID](), owner
			f.containers = append(f.containers, on)
		}
	}
	return f
}

// reaches looks through the whole fleet.
func (f smallFleet) reaches(scope authz.Scope, key uuid.UUID) (out []authz.Target) {
	switch scope {
	case authz.OfCluster:
		out = append(out, authz.Target{Cluster: id.ClusterID(key)})
	case authz.OfNode:
		for _, n := range f.nodes {
			if uuid.UUID(n.Node) == key {
				out = append(out, n)
			}
		}
	case authz.OfContainer, authz.Owned:
		for _, c := range f.containers {
			if scope == authz.Owned && uuid.UUID(c.Owner) == key || scope == authz.OfContainer && uuid.UUID(c.Container) == key {
				out = append(out, c)
			}
		}
	}
	return out
}

// targets is everything that something can be done to.
func (f smallFleet) targets() []authz.Target {
	all := []authz.Target{authz.Everything}
	for _, c := range f.clusters {
		all = append(all, authz.Target{Cluster: c})
	}
	return slices.Concat(all, f.nodes, f.containers)
}

func (f smallFleet) grants(t *rapid.T, label string) []authz.Grant {
	pattern := rapid.SampledFrom([]string{"*", "container.*", "container.ha.*", "container.start", "container.view", "node.*", "node.view", "user.*", "user.password.reset"})
	one := rapid.Custom(func(t *rapid.T) authz.Grant {
		g := authz.Grant{Permission: pattern.Draw(t, "permission"), Scope: authz.Global}
		switch rapid.IntRange(0, 4).Draw(t, "scope") {
		case 1:
			g.Scope, g.ScopeID = authz.OfCluster, uuid.UUID(rapid.SampledFrom(f.clusters[:2]).Draw(t, "cluster"))
		case 2:
			g.Scope, g.ScopeID = authz.OfNode, uuid.UUID(rapid.SampledFrom(f.nodes).Draw(t, "node").Node)
		case 3:
			g.Scope, g.ScopeID = authz.OfContainer, uuid.UUID(rapid.SampledFrom(f.containers).Draw(t, "container").Container)
		case 4:
			g.Scope, g.ScopeID = authz.Owned, uuid.UUID(rapid.SampledFrom(f.owners).Draw(t, "owner"))
		}
		return g
	})
	return rapid.SliceOfN(one, 0, 4).Draw(t, label)
}

// Who holds all that another was granted can do all that the other can: to
// get at the other's account gives him nothing.
func TestWhoHoldsAllGainsNothing(t *testing.T) {
	f := newSmallFleet()
	held := 0
	rapid.Check(t, func(t *rapid.T) {
		actor := authz.Actor{Grants: f.grants(t, "actor")}
		other := authz.Actor{Grants: f.grants(t, "other")}
		if rapid.Bool().Draw(t, "by token") {
			actor.Limit = []string{rapid.SampledFrom([]string{"*", "container.*", "user.*"}).Draw(t, "limit")}
		}
		missing, ok := actor.HoldsAll(other.Grants, f.reaches)
		if !ok {
			if !slices.Contains(other.Grants, missing) {
				t.Fatalf("%+v is missing and was not granted", missing)
			}
			return
		}
		held++
		for _, target := range f.targets() {
			for _, r := range authz.Rules {
				if other.Can(r.Verb, target) && !actor.Can(r.Verb, target) {
					t.Fatalf("the other may %s at %+v and the actor, who is said to hold all, may not", r.Verb, target)
				}
			}
		}
	})
	if held == 0 {
		t.Error("no actor ever held all: the test proves nothing")
	}
}

// Everybody holds what he was granted himself, and a superuser holds all.
func TestEverybodyHoldsHisOwn(t *testing.T) {
	f := newSmallFleet()
	rapid.Check(t, func(t *rapid.T) {
		actor := authz.Actor{Grants: f.grants(t, "actor")}
		if missing, ok := actor.HoldsAll(actor.Grants, f.reaches); !ok {
			t.Fatalf("he does not hold his own %+v", missing)
		}
		if missing, ok := granted(authz.Global, uuid.Nil, "*").HoldsAll(actor.Grants, f.reaches); !ok {
			t.Fatalf("a superuser does not hold %+v", missing)
		}
	})
}

func TestExceedsSaysWhatIsMissing(t *testing.T) {
	f := newSmallFleet()
	manager := granted(authz.Global, uuid.Nil, "user.*")
	superuser := granted(authz.Global, uuid.Nil, "*")
	err := manager.Exceeds(fleet.UserPasswordReset, superuser.Grants, f.reaches)
	if fleet.KindOf(err) != fleet.Forbidden || !strings.Contains(err.Error(), "permission *") || !strings.Contains(err.Error(), "user.password.reset") {
		t.Errorf("the refusal: %v", err)
	}
	if err := superuser.Exceeds(fleet.UserPasswordReset, manager.Grants, f.reaches); err != nil {
		t.Error(err)
	}
	// what is his and not there gives nothing, and so keeps nobody away
	poor := granted(authz.Owned, id.New[id.UserID](), "container.*")
	if err := manager.Exceeds(fleet.UserPasswordReset, poor.Grants, f.reaches); err != nil {
		t.Errorf("an owner of nothing: %v", err)
	}
	rich := granted(authz.Owned, f.owners[0], "container.secret.view")
	if err := manager.Exceeds(fleet.UserPasswordReset, rich.Grants, f.reaches); fleet.KindOf(err) != fleet.Forbidden {
		t.Errorf("an owner of secrets: %v", err)
	}
}
