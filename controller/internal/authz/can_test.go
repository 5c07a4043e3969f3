package authz_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

var (
	cluster = id.New[id.ClusterID]()
	node    = id.New[id.NodeID]()
	web     = id.New[id.ContainerID]()
	other   = id.New[id.ContainerID]()

	onNode = authz.Target{Node: node, Cluster: cluster, Container: web}
)

func granted(scope authz.Scope, key [16]byte, patterns ...string) authz.Actor {
	a := authz.Actor{Kind: fleet.ActorUser, ID: uuid.New()}
	for _, p := range patterns {
		a.Grants = append(a.Grants, authz.Grant{Permission: p, Scope: scope, ScopeID: key})
	}
	return a
}

func limited(a authz.Actor, limit ...string) authz.Actor {
	a.Limit = append([]string{}, limit...)
	return a
}

func TestCan(t *testing.T) {
	superuser := granted(authz.Global, uuid.Nil, "*")
	tests := map[string]struct {
		actor  authz.Actor
		verb   fleet.Verb
		target authz.Target
		want   bool
	}{
		"everything, of anything":                 {superuser, fleet.NodeDelete, authz.Everything, true},
		"nobody":                                  {authz.Anonymous("", ""), fleet.NodeView, authz.Everything, false},
		"the controller itself":                   {authz.System("sweeper"), fleet.ContainerStop, onNode, true},
		"the very permission":                     {granted(authz.Global, uuid.Nil, "node.view"), fleet.NodeView, onNode, true},
		"another permission":                      {granted(authz.Global, uuid.Nil, "node.view"), fleet.NodeEdit, onNode, false},
		"a prefix":                                {granted(authz.Global, uuid.Nil, "container.*"), fleet.ContainerHACreate, onNode, true},
		"a prefix of another noun":                {granted(authz.Global, uuid.Nil, "container.*"), fleet.NodeView, onNode, false},
		"a prefix ends at a dot":                  {granted(authz.Global, uuid.Nil, "egg*"), fleet.EggView, authz.Everything, false},
		"a lone dot and star is no pattern":       {granted(authz.Global, uuid.Nil, ".*"), fleet.EggView, authz.Everything, false},
		"the empty pattern":                       {granted(authz.Global, uuid.Nil, ""), fleet.EggView, authz.Everything, false},
		"within the cluster":                      {granted(authz.OfCluster, cluster, "*"), fleet.ContainerStop, onNode, true},
		"in another cluster":                      {granted(authz.OfCluster, id.New[id.ClusterID](), "*"), fleet.ContainerStop, onNode, false},
		"on the node":                             {granted(authz.OfNode, node, "*"), fleet.ContainerStop, onNode, true},
		"the container":                           {granted(authz.OfContainer, web, "*"), fleet.ContainerStop, onNode, true},
		"another container":                       {granted(authz.OfContainer, other, "*"), fleet.ContainerStop, onNode, false},
		"a scoped grant does not cover all":       {granted(authz.OfNode, node, "*"), fleet.NodeCreate, authz.Everything, false},
		"a scope without an id covers nothing":    {granted(authz.OfCluster, uuid.Nil, "*"), fleet.NodeView, authz.Everything, false},
		"an unknown scope covers nothing":         {granted("planet", uuid.Nil, "*"), fleet.NodeView, authz.Everything, false},
		"a token within its limit":                {limited(superuser, "node.*"), fleet.NodeView, onNode, true},
		"a token beyond its limit":                {limited(superuser, "node.*"), fleet.ContainerView, onNode, false},
		"a token limited to nothing":              {limited(superuser), fleet.NodeView, onNode, false},
		"a limit grants nothing":                  {limited(authz.Actor{}, "*"), fleet.NodeView, onNode, false},
		"one id serves only as what it is the id": {granted(authz.OfContainer, node, "*"), fleet.NodeView, onNode, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.actor.Can(tt.verb, tt.target); got != tt.want {
				t.Errorf("Can(%s) = %v, want %v", tt.verb, got, tt.want)
			}
		})
	}
}

func TestCheckKeepsExistenceSecret(t *testing.T) {
	tests := map[string]struct {
		actor  authz.Actor
		verb   fleet.Verb
		target authz.Target
		want   fleet.Kind
	}{
		"allowed":                      {granted(authz.OfNode, node, "*"), fleet.ContainerStop, onNode, ""},
		"may see but not touch":        {granted(authz.Global, uuid.Nil, "container.view"), fleet.ContainerStop, onNode, fleet.Forbidden},
		"may not even see":             {granted(authz.OfContainer, other, "*"), fleet.ContainerStop, onNode, fleet.NotFound},
		"may touch elsewhere, not see": {granted(authz.OfContainer, other, "container.stop"), fleet.ContainerStop, onNode, fleet.NotFound},
		"no single target":             {granted(authz.OfNode, node, "*"), fleet.NodeCreate, authz.Everything, fleet.Forbidden},
		"a node":                       {granted(authz.OfContainer, web, "*"), fleet.NodeCredentialRotate, authz.Target{Node: node, Cluster: cluster}, fleet.NotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := tt.actor.Check(tt.verb, tt.target); fleet.KindOf(err) != tt.want {
				t.Errorf("Check(%s) = %v, want kind %q", tt.verb, err, tt.want)
			}
		})
	}
	err := granted(authz.Global, uuid.Nil, "container.view").Check(fleet.ContainerStop, onNode)
	if err == nil || !strings.Contains(err.Error(), "container.stop") {
		t.Errorf("a refusal must name the permission: %v", err)
	}
}

func TestParsePattern(t *testing.T) {
	for in, want := range map[string]string{
		"container.start": "container.start", "container:ha:create": "container.ha.create", " node.* ": "node.*",
		"container:*": "container.*", "*": "*", "container.ha.*": "container.ha.*",
		"": "", "contaner.start": "", "container": "", "container.": "", "*.view": "", "container*": "", "auth.login": "", "a.*": "",
	} {
		got, err := authz.ParsePattern(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("ParsePattern(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestHolds(t *testing.T) {
	operator := granted(authz.OfNode, node, "container.*", "node.view")
	for pattern, want := range map[string]bool{
		"container.start": true, "container.*": true, "container.ha.*": true, "node.view": true,
		"node.*": false, "*": false, "containers.start": false,
	} {
		if got := operator.Holds(pattern); got != want {
			t.Errorf("Holds(%q) = %v, want %v", pattern, got, want)
		}
	}
	if limited(operator, "node.view").Holds("container.start") {
		t.Error("a token can hand on what it is not itself allowed")
	}
}

// What somebody holds contains nothing that he may not do.
func TestHoldsGivesNothingAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.SampledFrom([]string{"*", "container.*", "container.ha.*", "container.ha.create", "node.*", "node.view", "egg.category.*"})
		a := granted(authz.Global, uuid.Nil, rapid.SliceOf(pattern).Draw(t, "grants")...)
		if limit := rapid.SliceOf(pattern).Draw(t, "limit"); len(limit) > 0 {
			a = limited(a, limit...)
		}
		given := pattern.Draw(t, "given")
		if !a.Holds(given) {
			return
		}
		token := limited(a, given)
		whole := limited(granted(authz.Global, uuid.Nil, "*"), given)
		for _, r := range authz.Rules {
			if whole.Can(r.Verb, authz.Everything) && (!token.Can(r.Verb, authz.Everything) || !a.Can(r.Verb, authz.Everything)) {
				t.Fatalf("%s was handed on as part of %s by somebody without it", r.Verb, given)
			}
		}
	})
}
