package authz_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

func TestEveryVerbHasOneRow(t *testing.T) {
	rows := map[fleet.Verb]int{}
	for _, r := range authz.Rules {
		rows[r.Verb]++
		if r.Help == "" || r.Access == "" {
			t.Errorf("%s: the row needs its access and a word of help", r.Verb)
		}
	}
	verbs := verbsOf(t, "../fleet/verb.go")
	for _, v := range verbs {
		if rows[v] != 1 {
			t.Errorf("%s has %d rows in authz.Rules, want 1", v, rows[v])
		}
	}
	if len(verbs) != len(rows) {
		t.Errorf("fleet has %d verbs, the table %d", len(verbs), len(rows))
	}
}

func TestEveryTopicHasAPermission(t *testing.T) {
	for _, r := range wire.Rules {
		rule, ok := authz.RuleOf(authz.TopicVerb(r.Kind))
		if !ok || rule.Access != authz.Permission {
			t.Errorf("%s: reading needs a permission that is granted, has %q", r.Pattern, authz.TopicVerb(r.Kind))
		}
	}
	if authz.TopicVerb("no.such") != "" {
		t.Error("an unknown topic has a permission")
	}
}

// places knows one container and where it stands.
type places struct{ asked int }

func (p *places) PlaceOf(topic wire.Topic) (authz.Target, bool) {
	p.asked++
	if topic.Container == web || topic.Container.IsZero() && topic.Node == node {
		return onNode, true
	}
	return authz.Target{}, false
}

func TestCanRead(t *testing.T) {
	stray := id.New[id.NodeID]()
	logs := wire.OfContainerOn(wire.ContainerLogs, node, web)
	tests := map[string]struct {
		actor authz.Actor
		topic wire.Topic
		want  bool
	}{
		"a global grant":                    {granted(authz.Global, uuid.Nil, "*"), logs, true},
		"nobody":                            {authz.Actor{}, logs, false},
		"the container's own":               {granted(authz.OfContainer, web, "container.logs"), logs, true},
		"another container's":               {granted(authz.OfContainer, other, "container.logs"), logs, false},
		"through the node":                  {granted(authz.OfNode, node, "container.*"), wire.OfContainer(wire.ContainerState, web), true},
		"through the cluster":               {granted(authz.OfCluster, cluster, "*"), logs, true},
		"a container that is gone":          {granted(authz.OfContainer, other, "*"), wire.OfContainer(wire.ContainerState, other), false},
		"said by a node it does not run on": {granted(authz.OfContainer, web, "*"), wire.OfContainerOn(wire.ContainerLogs, stray, web), false},
		"the node's health":                 {granted(authz.OfNode, node, "node.health.view"), wire.OfNode(wire.NodeHealth, node), true},
		"viewing is not reading the wire":   {granted(authz.Global, uuid.Nil, "node.view"), wire.OfNode(wire.NodeDesired, node), false},
		"the fleet's events, scoped":        {granted(authz.OfNode, node, "*"), wire.Topic{Kind: wire.FleetEvents}, false},
		"beyond a token's limit":            {limited(granted(authz.Global, uuid.Nil, "*"), "node.view"), logs, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.actor.Powers().CanRead(tt.topic, &places{}); got != tt.want {
				t.Errorf("CanRead(%v) = %v, want %v", tt.topic, got, tt.want)
			}
		})
	}
}

func TestCanReadAsksNobodyForGlobalGrants(t *testing.T) {
	p := &places{}
	granted(authz.Global, uuid.Nil, "*").Powers().CanRead(wire.OfContainer(wire.ContainerState, web), p)
	if p.asked != 0 {
		t.Errorf("places was asked %d times", p.asked)
	}
}

// verbsOf reads the verbs out of their source, so that none can be forgotten.
func verbsOf(t *testing.T, path string) []fleet.Verb {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var verbs []fleet.Verb
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			verbs = append(verbs, fleet.Verb(text))
		}
		return true
	})
	return verbs
}
