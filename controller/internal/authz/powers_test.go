package authz_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// anyKey draws from few ids, zero among them, so that they often meet.
var anyKey = rapid.Custom(func(t *rapid.T) uuid.UUID {
	return uuid.UUID{15: byte(rapid.IntRange(0, 3).Draw(t, "key"))}
})

var anyPattern = rapid.OneOf(
	rapid.SampledFrom([]string{"*", "container.*", "container.ha.*", "node.*", "egg.*", "egg.category.*", "", ".*", "nod*", "*.view"}),
	rapid.Custom(func(t *rapid.T) string { return string(rapid.SampledFrom(authz.Rules).Draw(t, "rule").Verb) }),
)

var anyActor = rapid.Custom(func(t *rapid.T) authz.Actor {
	var a authz.Actor
	for range rapid.IntRange(0, 8).Draw(t, "grants") {
		a.Grants = append(a.Grants, authz.Grant{
			Permission: anyPattern.Draw(t, "permission"), ScopeID: anyKey.Draw(t, "scope id"),
			Scope: rapid.SampledFrom([]authz.Scope{authz.Global, authz.OfCluster, authz.OfNode, authz.OfContainer, authz.Owned, "planet"}).Draw(t, "scope"),
		})
	}
	if rapid.Bool().Draw(t, "limited") {
		a = limited(a, rapid.SliceOfN(anyPattern, 0, 3).Draw(t, "limit")...)
	}
	return a
})

var anyTarget = rapid.Custom(func(t *rapid.T) authz.Target {
	return authz.Target{
		Node: id.NodeID(anyKey.Draw(t, "node")), Cluster: id.ClusterID(anyKey.Draw(t, "cluster")),
		Container: id.ContainerID(anyKey.Draw(t, "container")), Owner: id.UserID(anyKey.Draw(t, "owner")),
	}
})

func TestPowersAreWhatTheActorCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actor, target := anyActor.Draw(t, "actor"), anyTarget.Draw(t, "target")
		powers := actor.Powers()
		for _, r := range authz.Rules {
			if got, want := powers.Can(r.Verb, target), actor.Can(r.Verb, target); got != want {
				t.Fatalf("%s: %v, want %v", r.Verb, got, want)
			}
		}
		if powers.Can("no.such", target) {
			t.Fatal("a verb that does not exist is allowed")
		}
	})
}

// fixed answers every question with one place.
type fixed struct {
	at    authz.Target
	known bool
}

func (f fixed) PlaceOf(wire.Topic) (authz.Target, bool) { return f.at, f.known }

func TestPowersReadWhatTheActorCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actor, place := anyActor.Draw(t, "actor"), fixed{anyTarget.Draw(t, "place"), rapid.Bool().Draw(t, "known")}
		topic := wire.Topic{
			Kind: rapid.SampledFrom(wire.Rules).Draw(t, "rule").Kind,
			Node: id.NodeID(anyKey.Draw(t, "node")), Container: id.ContainerID(anyKey.Draw(t, "container")),
		}
		verb := authz.TopicVerb(topic.Kind)
		honest := place.known && (topic.Node.IsZero() || topic.Node == place.at.Node)
		want := actor.Can(verb, authz.Everything) || honest && actor.Can(verb, place.at)
		if got := actor.Powers().CanRead(topic, place); got != want {
			t.Fatalf("%v: %v, want %v", topic, got, want)
		}
	})
}

// unasked are places that nobody may ask for.
type unasked struct{ *rapid.T }

func (u unasked) PlaceOf(t wire.Topic) (authz.Target, bool) {
	u.Fatalf("the place of %v is asked for", t)
	return authz.Target{}, false
}

func TestWhoNeedsNoPlacesIsNeverAskedForThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		powers := anyActor.Draw(t, "actor").Powers()
		if powers.NeedsPlaces() {
			return
		}
		for _, r := range wire.Rules {
			powers.CanRead(wire.Topic{Kind: r.Kind, Node: id.New[id.NodeID](), Container: id.New[id.ContainerID]()}, unasked{t})
		}
	})
	viewer := authz.Actor{Grants: []authz.Grant{{Permission: "container.*", Scope: authz.Global}, {Permission: "container.view", Scope: authz.Owned, ScopeID: [16]byte{1}}}}
	if viewer.Powers().NeedsPlaces() {
		t.Error("who sees all containers needs to know where they are")
	}
	if !bound(1).Powers().NeedsPlaces() {
		t.Error("who sees one container need not know where it is")
	}
}

// bound is somebody with a role on so many containers, one of which is web.
func bound(count int) authz.Actor {
	a := granted(authz.OfContainer, web, "container.view", "container.stats", "container.logs")
	for range count - 1 {
		a.Grants = append(a.Grants, granted(authz.OfContainer, id.New[id.ContainerID](), "container.view", "container.stats", "container.logs").Grants...)
	}
	return a
}

func TestADecisionAllocatesNothing(t *testing.T) {
	p, powers := &places{}, bound(50).Powers()
	topic := wire.OfContainerOn(wire.ContainerLogs, node, web)
	if n := testing.AllocsPerRun(100, func() { powers.CanRead(topic, p) }); n != 0 {
		t.Errorf("a delivery allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { powers.Can(fleet.ContainerView, onNode) }); n != 0 {
		t.Errorf("a decision allocates %v times", n)
	}
}

func BenchmarkDecision(b *testing.B) {
	topic := wire.OfContainerOn(wire.ContainerLogs, node, web)
	for _, count := range []int{1, 5000} {
		actor, p := bound(count), &places{}
		powers := actor.Powers()
		for _, c := range []struct {
			name   string
			decide func() bool
		}{
			{"Can", func() bool { return powers.Can(fleet.ContainerLogs, onNode) }},
			{"Can-not", func() bool { return powers.Can(fleet.ContainerDelete, onNode) }},
			{"CanRead", func() bool { return powers.CanRead(topic, p) }},
			{"CanRead-not", func() bool { return powers.CanRead(wire.OfContainer(wire.ContainerState, other), p) }},
			{"Actor.Can", func() bool { return actor.Can(fleet.ContainerLogs, onNode) }},
			{"Actor.Can-not", func() bool { return actor.Can(fleet.ContainerDelete, onNode) }}, // looks at each grant
		} {
			b.Run(fmt.Sprintf("%s/bindings=%d", c.name, count), func(b *testing.B) { percentiles(b, c.decide) })
		}
	}
}

// percentiles times each decision by itself. What reading the clock takes,
// about 50 ns, is in it.
func percentiles(b *testing.B, decide func() bool) {
	const most = 1 << 20
	took := make([]time.Duration, 0, most)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		decide()
		if d := time.Since(began); len(took) < most {
			took = append(took, d)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
}
