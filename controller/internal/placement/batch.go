package placement

import (
	"bytes"
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Decision is what a batch decided for one request: a node, or why there is
// none.
type Decision struct {
	Node    id.NodeID // zero where it is refused
	Refusal *Refusal
}

// samples is how many nodes of a tier are looked at before all of them are.
const samples = 16

// Batch places many at once, and answers in the order of the requests. The
// urgent ones are placed first, of those the large ones, and each sees what
// those before it have taken. In a large tier the best of a few random nodes
// is good enough; only where none of them will do, all are looked at. The
// same seed gives the same answer.
func Batch(requests []Request, all []Candidate, seed uint64) []Decision {
	f := newFloor(all)
	random := rand.New(rand.NewPCG(seed, 0))
	out := make([]Decision, len(requests))
	for _, i := range f.order(requests) {
		r := &requests[i]
		c, refusal := f.choose(r, random)
		if refusal != nil {
			out[i].Refusal = refusal
			continue
		}
		out[i].Node = c.Node
		c.take(r, r.Ports)
	}
	return out
}

// floor is the fleet while a batch is being placed.
type floor struct {
	nodes    []Candidate // by id, with what the batch has taken so far
	usable   []*Candidate
	clusters map[id.ClusterID][]*Candidate // the usable ones
	total    spec.Resources
}

func newFloor(all []Candidate) *floor {
	f := &floor{nodes: slices.Clone(all), clusters: map[id.ClusterID][]*Candidate{}}
	byID := func(a, b Candidate) int { return bytes.Compare(a.Node[:], b.Node[:]) }
	if !slices.IsSortedFunc(f.nodes, byID) {
		slices.SortFunc(f.nodes, byID)
	}
	for i := range f.nodes {
		c := &f.nodes[i]
		f.total = f.total.Add(c.Offer)
		if !c.usable() {
			continue
		}
		f.usable = append(f.usable, c)
		if c.Cluster != nil {
			f.clusters[*c.Cluster] = append(f.clusters[*c.Cluster], c)
		}
	}
	return f
}

// usable reports whether a node is worth a look for most requests.
func (c *Candidate) usable() bool {
	return c.Joined && c.State == fleet.NodeHealthy && !c.Silent && !c.NoDocker && !c.Cordoned && !c.Draining && !c.Quarantined
}

// order is in which order requests are placed: by priority, then the largest
// first, as small ones fit into what those leave.
func (f *floor) order(requests []Request) []int {
	size := func(r *Request) float64 {
		return max(ratio(int64(r.Want.CPU), int64(f.total.CPU)), ratio(int64(r.Want.Memory), int64(f.total.Memory)))
	}
	order, sizes := make([]int, len(requests)), make([]float64, len(requests))
	for i := range requests {
		order[i], sizes[i] = i, size(&requests[i])
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &requests[i], &requests[j]
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(sizes[j], sizes[i]), bytes.Compare(a.Container[:], b.Container[:]))
	})
	return order
}

// choose goes through the tiers; the last word is with a look at all nodes.
func (f *floor) choose(r *Request, random *rand.Rand) (*Candidate, *Refusal) {
	if r.Pinned == nil && !r.Force {
		for _, cluster := range []*id.ClusterID{r.PreferredCluster, r.FromCluster} {
			if cluster == nil {
				continue
			}
			if c := r.pick(f.clusters[*cluster], random); c != nil {
				return c, nil
			}
		}
		if c := r.sample(f.usable, random); c != nil {
			return c, nil
		}
	}
	return Choose(*r, f.nodes)
}

// pick is the best of a few of a tier, or else of all of it.
func (r *Request) pick(tier []*Candidate, random *rand.Rand) *Candidate {
	if c := r.sample(tier, random); c != nil {
		return c
	}
	return r.best(tier)
}

// sample is the best of a few, where that is good enough: a node that has a
// sibling already is taken only after a look at all.
func (r *Request) sample(tier []*Candidate, random *rand.Rand) *Candidate {
	if len(tier) <= samples {
		return nil
	}
	var few [samples]*Candidate
	for i := range few {
		few[i] = tier[random.IntN(len(tier))]
	}
	c := r.best(few[:])
	if c == nil || r.siblings(c) > 0 {
		return nil
	}
	return c
}

func (r *Request) best(list []*Candidate) *Candidate {
	var best *Candidate
	for _, c := range list {
		if r.fault(c) == fine && (best == nil || r.better(c, best)) {
			best = c
		}
	}
	return best
}

// take notes what a container takes of a node. Nothing is shared with the
// candidate that this one was copied from.
func (c *Candidate) take(r *Request, ports []spec.Port) {
	c.Reserved = c.Reserved.Add(r.Want)
	c.Starting++
	for _, p := range ports {
		if p.Host != 0 {
			c.Taken = append(slices.Clip(c.Taken), p)
		}
	}
	if r.Group != "" {
		groups := maps.Clone(c.Groups)
		if groups == nil {
			groups = map[string]int{}
		}
		groups[r.Group]++
		c.Groups = groups
	}
}

// Choice is a request, and the node that was chosen for it.
type Choice struct {
	Request
	Node id.NodeID
}

// Confirmation is what became of a choice.
type Confirmation struct {
	Ports   []spec.Port // with the host ports that it gets there
	Refusal *Refusal    // somebody was faster
}

// Confirm checks choices again on what is true now, under the lock of the
// ledgers, and picks the host ports. Answers are in the order of the choices.
func Confirm(choices []Choice, fresh map[id.NodeID]Candidate) []Confirmation {
	fresh = maps.Clone(fresh)
	promised := map[id.NodeID][]spec.Port{} // that nobody may choose another for
	for _, c := range choices {
		for _, p := range c.Ports {
			if p.Host != 0 && !p.Auto {
				promised[c.Node] = append(promised[c.Node], p)
			}
		}
	}
	out := make([]Confirmation, len(choices))
	for i := range choices {
		r := &choices[i].Request
		refusal := &Refusal{Want: r.Want, pinned: true}
		c, found := fresh[choices[i].Node]
		if !found {
			out[i].Refusal = refusal
			continue
		}
		why := r.fault(&c)
		ports, ok := settlePorts(r.Ports, c.Pools, c.Taken, promised[c.Node])
		if why == fine && !ok {
			why = portTaken
		}
		if why != fine {
			refusal.count(why, r, &c)
			out[i].Refusal = refusal
			continue
		}
		out[i].Ports = ports
		c.take(r, ports)
		fresh[c.Node] = c
	}
	return out
}
