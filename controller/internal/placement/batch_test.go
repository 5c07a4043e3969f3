package placement

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// numbered are ids that a failing seed gives again.
func numbered[T ~[16]byte](i int) (out T) {
	out[14], out[15] = byte(i>>8), byte(i)
	return out
}

// crowd is any fleet, and containers that want places in it.
func crowd(t *rapid.T) ([]Request, []Candidate) {
	clusters := []id.ClusterID{numbered[id.ClusterID](1), numbered[id.ClusterID](2)}
	chance := func(name string, of int) bool { return rapid.IntRange(1, of).Draw(t, name) == 1 }
	cluster := func(name string) *id.ClusterID {
		if i := rapid.IntRange(0, len(clusters)).Draw(t, name); i < len(clusters) {
			return &clusters[i]
		}
		return nil
	}
	nodes := make([]Candidate, rapid.IntRange(1, 40).Draw(t, "nodes"))
	for i := range nodes {
		nodes[i] = Candidate{
			Node: numbered[id.NodeID](i + 1), Cluster: cluster("cluster"), Joined: true, State: fleet.NodeHealthy, Arch: "amd64",
			Offer:    spec.Resources{CPU: 8, Memory: spec.Bytes(rapid.IntRange(0, 8).Draw(t, "memory")), Disk: 8},
			Cordoned: chance("cordoned", 10), Draining: chance("draining", 10), Quarantined: chance("quarantined", 10),
			Silent: chance("silent", 10), NoDocker: chance("no docker", 10), Guarded: !chance("unguarded", 3), NoExclusive: chance("profile", 3),
		}
		if chance("suspect", 8) {
			nodes[i].State = fleet.NodeSuspect
		}
		if chance("taken", 3) {
			nodes[i].Taken = []spec.Port{{Host: 80, Protocol: "tcp"}}
		}
	}
	any := func(name string) id.NodeID { return nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, name)].Node }
	requests := make([]Request, rapid.IntRange(1, 30).Draw(t, "requests"))
	for i := range requests {
		from := any("from")
		requests[i] = Request{
			Container: numbered[id.ContainerID](i + 1), Want: spec.Resources{CPU: 1, Memory: spec.Bytes(rapid.IntRange(1, 3).Draw(t, "want")), Disk: 1},
			PreferredCluster: cluster("preferred"), FromCluster: cluster("left"), From: &from,
			Exclusive: chance("exclusive", 3), Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
		}
		if chance("excludes", 3) {
			requests[i].Excluded = []id.NodeID{any("excluded")}
		}
		if chance("ports", 2) {
			requests[i].Ports = []spec.Port{{Host: 80, Container: 80, Protocol: "tcp", Auto: chance("auto", 2)}}
		}
		if chance("group", 2) {
			requests[i].Group = "web"
		}
	}
	return requests, nodes
}

// confirmed is a batch as it would be committed: what every node has then.
func confirmed(requests []Request, nodes []Candidate, seed uint64) ([]Decision, []Confirmation, map[id.NodeID]Candidate) {
	decided := Batch(requests, nodes, seed)
	fresh := map[id.NodeID]Candidate{}
	for _, c := range nodes {
		fresh[c.Node] = c
	}
	choices := make([]Choice, 0, len(decided))
	for i, d := range decided {
		if d.Refusal == nil {
			choices = append(choices, Choice{Request: requests[i], Node: d.Node})
		}
	}
	return decided, Confirm(choices, fresh), fresh
}

// I7, I10: whatever is asked of whatever fleet, no node is given more than it
// has, no port twice, and only nodes that may take a container get it.
func TestI7_I10_ABatchKeepsToTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requests, nodes := crowd(t)
		before := slices.Clone(nodes)
		decided, answers, fresh := confirmed(requests, nodes, rapid.Uint64().Draw(t, "seed"))
		given, ports := map[id.NodeID]spec.Resources{}, map[id.NodeID][]spec.Port{}
		next := 0
		for i, d := range decided {
			if (d.Refusal == nil) == d.Node.IsZero() {
				t.Fatalf("neither a place nor a refusal, or both: %+v", d)
			}
			if d.Refusal != nil {
				continue
			}
			r, c, got := requests[i], fresh[d.Node], answers[next]
			next++
			if got.Refusal != nil {
				t.Fatalf("what nobody else has taken was refused: %s", got.Refusal)
			}
			switch {
			case c.State != fleet.NodeHealthy, c.Silent, c.NoDocker, c.Cordoned, c.Draining, c.Quarantined:
				t.Fatalf("on a node that takes nothing: %+v", c)
			case r.Exclusive && (!c.Guarded || c.NoExclusive):
				t.Fatalf("exclusive, on a node that cannot keep two apart: %+v", c)
			case *r.From == c.Node, slices.Contains(r.Excluded, c.Node):
				t.Fatalf("back where it must not go")
			}
			given[c.Node] = given[c.Node].Add(r.Want)
			for _, p := range got.Ports {
				if p.Host == 0 || overlapsAny(p, c.Taken) || overlapsAny(p, ports[c.Node]) {
					t.Fatalf("port %+v is taken on its node", p)
				}
				ports[c.Node] = append(ports[c.Node], p)
			}
		}
		for node, sum := range given {
			if free := fresh[node].Free(); sum.CPU > free.CPU || sum.Memory > free.Memory || sum.Disk > free.Disk {
				t.Fatalf("%+v were given of %+v", sum, free)
			}
		}
		for i := range nodes {
			if nodes[i].Reserved != before[i].Reserved || len(nodes[i].Taken) != len(before[i].Taken) {
				t.Fatal("the caller's nodes were changed")
			}
		}
	})
}

// I10: nobody is sent to a later tier, nor refused, while an earlier one has a
// node that could take it, after all others had their places.
func TestI10_TiersAreKeptInABatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requests, nodes := crowd(t)
		decided, _, fresh := confirmed(requests, nodes, rapid.Uint64().Draw(t, "seed"))
		final := maps.Clone(fresh)
		for i, d := range decided {
			if d.Refusal == nil {
				c := final[d.Node]
				c.take(&requests[i], requests[i].Ports)
				final[d.Node] = c
			}
		}
		for i, d := range decided {
			r := &requests[i]
			got := int(tierAny) + 1
			if d.Refusal == nil {
				c := fresh[d.Node]
				got = r.tier(&c)
			}
			for _, c := range final {
				if r.fault(&c) == fine && r.tier(&c) < got {
					t.Fatalf("request %d is in tier %d, and %+v of tier %d could take it still", i, got, c, r.tier(&c))
				}
			}
		}
	})
}

func TestABatchIsTheSameForTheSameInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requests, nodes := crowd(t)
		seed := rapid.Uint64().Draw(t, "seed")
		a, b := Batch(requests, nodes, seed), Batch(requests, rapid.Permutation(nodes).Draw(t, "shuffled"), seed)
		for i := range a {
			if a[i].Node != b[i].Node || (a[i].Refusal == nil) != (b[i].Refusal == nil) {
				t.Fatalf("request %d: %+v, then %+v", i, a[i], b[i])
			}
		}
	})
}

func TestSiblingsAreKeptApart(t *testing.T) {
	nodes := make([]Candidate, 30)
	for i := range nodes {
		nodes[i] = candidate("n")
	}
	requests := make([]Request, len(nodes))
	for i := range requests {
		requests[i] = Request{Container: id.New[id.ContainerID](), Want: spec.Resources{CPU: 10}, Group: "web"}
	}
	on := map[id.NodeID]int{}
	for _, d := range Batch(requests, nodes, 1) {
		on[d.Node]++
	}
	if len(on) != len(nodes) {
		t.Errorf("%d containers of a group are on %d of %d nodes", len(requests), len(on), len(nodes))
	}
}

func TestTheUrgentAndTheLargeComeFirst(t *testing.T) {
	one := []Candidate{candidate("n", func(c *Candidate) { c.Offer = spec.Resources{CPU: 100, Memory: 100, Disk: 100} })}
	urgent := Request{Container: id.New[id.ContainerID](), Want: spec.Resources{Memory: 10}, Priority: 100}
	large := Request{Container: id.New[id.ContainerID](), Want: spec.Resources{Memory: 90}}
	small := Request{Container: id.New[id.ContainerID](), Want: spec.Resources{Memory: 20}}
	got := Batch([]Request{small, large, urgent}, one, 1)
	if got[0].Refusal == nil || got[1].Refusal != nil || got[2].Refusal != nil {
		t.Errorf("small, large, urgent: %+v", got)
	}
}

func TestBinPackFillsUp(t *testing.T) {
	a, b := candidate("a", reserved(spec.Resources{CPU: 1000})), candidate("b")
	for strategy, want := range map[Strategy]string{Spread: "b", BinPack: "a", "": "b"} {
		if got, _ := Choose(Request{Want: spec.Resources{CPU: 100}, Strategy: strategy}, []Candidate{a, b}); got.Name != want {
			t.Errorf("%q chose %s", strategy, got.Name)
		}
	}
}

func TestRefusalsOfABatchAreInCounts(t *testing.T) {
	var nodes []Candidate
	for i := range 12 {
		nodes = append(nodes, candidate("n", func(c *Candidate) { c.Cordoned = i < 4 }, func(c *Candidate) { c.NoExclusive = i < 7 }, reserved(offer)))
		nodes[i].Guarded = i < 9
	}
	got := Batch([]Request{{Want: web.Want, Exclusive: true}}, nodes, 1)[0].Refusal
	const want = "12 nodes: 4 cordoned, 3 without a guard, which exclusive containers need, 3 are in a cluster whose profile cannot keep two copies apart, 2 lack memory"
	if got == nil || !strings.HasPrefix(got.String(), want) {
		t.Errorf("%s", got)
	}
}

func TestSomebodyFasterIsNoticed(t *testing.T) {
	c := candidate("n", reserved(spec.Resources{CPU: 3000}))
	choice := Choice{Request: Request{Want: spec.Resources{CPU: 600}}, Node: c.Node}
	got := Confirm([]Choice{choice, choice}, map[id.NodeID]Candidate{c.Node: c})
	if got[0].Refusal != nil || got[1].Refusal == nil {
		t.Errorf("two for one place: %+v", got)
	}
	if got := Confirm([]Choice{choice}, nil); got[0].Refusal == nil {
		t.Error("a node that is gone took it")
	}
}

// lost is a node's worth of containers, and the fleet that takes them.
func lost(containers, nodes int) ([]Request, []Candidate) {
	fleetOf := make([]Candidate, nodes)
	clusters := make([]id.ClusterID, 20)
	for i := range clusters {
		clusters[i] = id.New[id.ClusterID]()
	}
	for i := range fleetOf {
		fleetOf[i] = candidate("n", of(clusters[i%len(clusters)]), reserved(spec.Resources{CPU: spec.CPU(i % 3000)}))
		fleetOf[i].Guarded = true
	}
	slices.SortFunc(fleetOf, func(a, b Candidate) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	requests := make([]Request, containers)
	for i := range requests {
		requests[i] = Request{
			Container: id.New[id.ContainerID](), Want: spec.Resources{CPU: 250, Memory: 256 * spec.MiB, Disk: spec.GiB},
			PreferredCluster: &clusters[0], FromCluster: &clusters[1], Exclusive: i%4 == 0, Group: []string{"", "web", "db"}[i%3],
			Ports: []spec.Port{{Host: 20000 + i%50, Container: 80, Protocol: "tcp", Auto: i%2 == 0}},
		}
	}
	return requests, fleetOf
}
