package placement

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

var offer = spec.Resources{CPU: 4000, Memory: 8 * spec.GiB, Disk: 100 * spec.GiB}

func candidate(name string, change ...func(*Candidate)) Candidate {
	c := Candidate{Node: id.New[id.NodeID](), Name: name, State: fleet.NodeHealthy, Joined: true, Offer: offer}
	for _, f := range change {
		f(&c)
	}
	return c
}

func in(state fleet.NodeState) func(*Candidate) { return func(c *Candidate) { c.State = state } }

func reserved(r spec.Resources) func(*Candidate) { return func(c *Candidate) { c.Reserved = r } }

func taken(port int) func(*Candidate) {
	return func(c *Candidate) { c.Taken = append(c.Taken, spec.Port{Host: port, Protocol: "tcp"}) }
}

func of(cluster id.ClusterID) func(*Candidate) { return func(c *Candidate) { c.Cluster = &cluster } }

func neverSeen(c *Candidate) { c.Joined, c.State, c.Offer = false, fleet.NodeJoining, spec.Resources{} }

var web = Request{
	Want:  spec.Resources{CPU: 1000, Memory: 4 * spec.GiB, Disk: spec.GiB},
	Ports: []spec.Port{{Host: 8080, Container: 80, Protocol: "tcp"}},
}

func TestChoosesTheLeastUsedHealthyNode(t *testing.T) {
	berlin := id.New[id.ClusterID]()
	idle := candidate("idle")
	busy := candidate("busy", reserved(spec.Resources{CPU: 500, Memory: spec.GiB}), of(berlin))
	narrow := candidate("narrow", func(c *Candidate) { c.Offer.CPU = 1000 }) // its cpu would be used up
	full := candidate("full", reserved(offer), of(berlin))
	tests := map[string]struct {
		request Request
		nodes   []Candidate
		want    string
	}{
		"spread":                     {web, []Candidate{busy, idle}, "idle"},
		"by the scarcer resource":    {web, []Candidate{narrow, busy}, "busy"},
		"preferred cluster first":    {Request{Want: web.Want, PreferredCluster: &berlin}, []Candidate{idle, busy}, "busy"},
		"then any":                   {Request{Want: web.Want, PreferredCluster: &berlin}, []Candidate{full, idle}, "idle"},
		"suspect is no target":       {web, []Candidate{candidate("suspect", in(fleet.NodeSuspect)), busy}, "busy"},
		"pinned, though unreachable": {Request{Want: web.Want, Pinned: &busy.Node, Waits: true}, []Candidate{idle, with(busy, in(fleet.NodeUnhealthy))}, "busy"},
		"a port of another protocol": {web, []Candidate{candidate("udp", func(c *Candidate) {
			c.Taken = []spec.Port{{Host: 8080, Protocol: "udp"}}
		})}, "udp"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, refusal := Choose(test.request, test.nodes)
			if refusal != nil {
				t.Fatalf("refused: %s", refusal)
			}
			if got.Name != test.want {
				t.Errorf("chose %s, want %s", got.Name, test.want)
			}
		})
	}
}

func with(c Candidate, change func(*Candidate)) Candidate {
	change(&c)
	return c
}

func TestRefusalsExplainThemselves(t *testing.T) {
	pinned := func(c Candidate) (Request, []Candidate) {
		return Request{Want: web.Want, Ports: web.Ports, Pinned: &c.Node, Waits: true}, []Candidate{candidate("other"), c}
	}
	unpinned := func(nodes ...Candidate) (Request, []Candidate) { return web, nodes }
	lacking := reserved(spec.Resources{Memory: 7 * spec.GiB})
	for _, test := range []struct {
		want string
		make func() (Request, []Candidate)
	}{
		{"5 nodes: 2 not healthy, 2 lack memory (4g wanted, largest free 1g), 1 has port 8080/tcp taken", func() (Request, []Candidate) {
			return unpinned(candidate("a", in(fleet.NodeUnhealthy)), candidate("b", in(fleet.NodeSuspect)),
				candidate("c", lacking), candidate("d", reserved(offer)), candidate("e", taken(8080)))
		}},
		{"1 node: 1 lacks cpu (1 wanted, largest free 0.5)", func() (Request, []Candidate) {
			return unpinned(candidate("a", reserved(spec.Resources{CPU: 3500})))
		}},
		{"1 node: 1 never joined", func() (Request, []Candidate) { return unpinned(candidate("a", neverSeen)) }},
		{"there are no nodes yet", func() (Request, []Candidate) { return unpinned() }},
		{"node edge has not joined yet", func() (Request, []Candidate) { return pinned(candidate("edge", neverSeen)) }},
		{"node edge has not enough left: memory 4g wanted, 1g free;", func() (Request, []Candidate) {
			return pinned(candidate("edge", lacking))
		}},
		{"node edge has port 8080/tcp taken", func() (Request, []Candidate) { return pinned(candidate("edge", taken(8080))) }},
		{"there is no such node", func() (Request, []Candidate) {
			r, _ := pinned(candidate("edge"))
			return r, nil
		}},
	} {
		request, nodes := test.make()
		chosen, refusal := Choose(request, nodes)
		if chosen != nil || refusal == nil {
			t.Errorf("chose %v, want the refusal %q", chosen, test.want)
			continue
		}
		if !strings.Contains(refusal.String(), test.want) {
			t.Errorf("refused with %q, want %q", refusal, test.want)
		}
	}
}

func TestPortsOverlap(t *testing.T) {
	at := func(ip string, host int, protocol string) spec.Port {
		return spec.Port{IP: ip, Host: host, Protocol: protocol}
	}
	for _, test := range []struct {
		a, b spec.Port
		want bool
	}{
		{at("", 80, "tcp"), at("", 80, "tcp"), true},
		{at("", 80, "tcp"), at("127.0.0.1", 80, "tcp"), true},
		{at("0.0.0.0", 80, "tcp"), at("127.0.0.1", 80, "tcp"), true},
		{at("::", 80, "tcp"), at("127.0.0.1", 80, "tcp"), true},
		{at("10.0.0.1", 80, "tcp"), at("::ffff:10.0.0.1", 80, "tcp"), true},
		{at("10.0.0.1", 80, "tcp"), at("10.0.0.2", 80, "tcp"), false},
		{at("", 80, "tcp"), at("", 80, "udp"), false},
		{at("", 80, "tcp"), at("", 81, "tcp"), false},
		{at("", 80, "both"), at("", 80, "udp"), true},
		{at("", 80, "both"), at("", 80, "both"), true},
	} {
		if test.a.Overlaps(test.b) != test.want || test.b.Overlaps(test.a) != test.want {
			t.Errorf("%v and %v: want overlap %v, both ways round", test.a, test.b, test.want)
		}
	}
}

// world is any fleet and any wish.
func world(t *rapid.T) (Request, []Candidate) {
	clusters := []id.ClusterID{id.New[id.ClusterID](), id.New[id.ClusterID]()}
	anyCluster := rapid.Map(rapid.IntRange(0, len(clusters)), func(i int) *id.ClusterID {
		if i == len(clusters) {
			return nil
		}
		return &clusters[i]
	})
	resources := rapid.Custom(func(t *rapid.T) spec.Resources {
		small := rapid.Int64Range(0, 4)
		return spec.Resources{CPU: spec.CPU(small.Draw(t, "cpu")), Memory: spec.Bytes(small.Draw(t, "memory")), Disk: spec.Bytes(small.Draw(t, "disk"))}
	})
	port := rapid.Custom(func(t *rapid.T) spec.Port {
		return spec.Port{
			IP:       rapid.SampledFrom([]string{"", "0.0.0.0", "::", "127.0.0.1", "10.0.0.1"}).Draw(t, "ip"),
			Host:     rapid.IntRange(0, 3).Draw(t, "host"),
			Protocol: rapid.SampledFrom([]string{"tcp", "udp"}).Draw(t, "protocol"),
		}
	})
	nodes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Candidate {
		return Candidate{
			Node: id.New[id.NodeID](), Cluster: anyCluster.Draw(t, "cluster"), Joined: rapid.Bool().Draw(t, "joined"),
			State: rapid.SampledFrom([]fleet.NodeState{fleet.NodeHealthy, fleet.NodeHealthy, fleet.NodeSuspect, fleet.NodeUnhealthy, fleet.NodeReturning}).Draw(t, "state"),
			Offer: resources.Draw(t, "offer"), Reserved: resources.Draw(t, "reserved"),
			Taken: rapid.SliceOfN(port, 0, 3).Draw(t, "taken"),
		}
	}), 0, 8).Draw(t, "nodes")
	r := Request{
		Want: resources.Draw(t, "want"), PreferredCluster: anyCluster.Draw(t, "preferred"),
		Ports: rapid.SliceOfN(port, 0, 3).Draw(t, "ports"),
	}
	if len(nodes) > 0 && rapid.Bool().Draw(t, "pin") {
		r.Waits, r.Pinned = true, &nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "pinned")].Node
	}
	return r, nodes
}

// possible says again, in other words, whether a node can take a container.
func possible(r Request, c Candidate) bool {
	if r.Pinned != nil && *r.Pinned != c.Node || r.Pinned == nil && c.State != fleet.NodeHealthy || !c.Joined {
		return false
	}
	for _, p := range r.Ports {
		for _, q := range c.Taken {
			everywhere := func(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
			sameIP := p.IP == q.IP || everywhere(p.IP) || everywhere(q.IP)
			if p.Host != 0 && p.Host == q.Host && p.Protocol == q.Protocol && sameIP {
				return false
			}
		}
	}
	sum := c.Reserved.Add(r.Want)
	return sum.CPU <= c.Offer.CPU && sum.Memory <= c.Offer.Memory && sum.Disk <= c.Offer.Disk
}

func TestChoiceIsPossibleAndPreferred(t *testing.T) {
	rapid.Check(t, placeStory)
}

func placeStory(t *rapid.T) {
	r, nodes := world(t)
	chosen, refusal := Choose(r, nodes)
	if (chosen == nil) == (refusal == nil) {
		t.Fatalf("neither or both: %v, %v", chosen, refusal)
	}
	preferredWasPossible := false
	for _, c := range nodes {
		if !possible(r, c) {
			continue
		}
		if chosen == nil {
			t.Fatalf("refused (%s) though %v could take it", refusal, c)
		}
		preferredWasPossible = preferredWasPossible || prefers(r, &c)
	}
	if chosen != nil && !possible(r, *chosen) {
		t.Fatalf("chose %v, which cannot take it", chosen)
	}
	if chosen != nil && preferredWasPossible && !prefers(r, chosen) {
		t.Fatalf("chose %v outside of the preferred cluster", chosen)
	}
}

// The same, driven by bytes.
func FuzzPlacement(f *testing.F) { f.Fuzz(rapid.MakeFuzz(placeStory)) }

func TestChoiceDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, nodes := world(t)
		shuffled := rapid.Permutation(nodes).Draw(t, "shuffled")
		a, _ := Choose(r, nodes)
		b, _ := Choose(r, shuffled)
		if (a == nil) != (b == nil) || a != nil && a.Node != b.Node {
			t.Fatalf("chose %v, and in another order %v", a, b)
		}
	})
}

func TestRefusalCountsEveryNodeOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, nodes := world(t)
		r.Pinned = nil
		_, refusal := Choose(r, nodes)
		if refusal == nil {
			return
		}
		sum := 0
		for _, n := range refusal.Refused() {
			sum += n
		}
		if sum != len(nodes) || refusal.Nodes != len(nodes) {
			t.Fatalf("%d nodes, but %d counted: %s", len(nodes), sum, refusal)
		}
		for why, n := range refusal.Refused() {
			if chief := refusal.Chief(); n > refusal.Refused()[chief] && why != reasonNames[isSource] {
				t.Fatalf("%s is called the chief reason, but there is %s: %s", chief, why, refusal)
			}
		}
	})
}

func prefers(r Request, c *Candidate) bool { return r.tier(c) == tierPreferred }
