package placement

import (
	"bytes"
	"hash/fnv"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Request is what wants a place.
type Request struct {
	Container        id.ContainerID // orders nodes that are equal otherwise; zero where there is none yet
	Want             spec.Resources
	Ports            []spec.Port   // those with Host 0, and automatic ones, are chosen later and refuse nothing
	Pinned           *id.NodeID    // this node and no other
	Waits            bool          // for the pinned node, where that cannot be reached
	PreferredCluster *id.ClusterID // looked at first
	FromCluster      *id.ClusterID // of the node that it leaves: looked at next
	From             *id.NodeID    // the node that it leaves: no target
	Excluded         []id.NodeID   // did not work out before
	Exclusive        bool          // needs a guard, and a profile that keeps two copies apart
	Force            bool          // cordon, quarantine and preference do not count; room always does
	Arch             string        // "": any
	Group            string        // siblings are kept apart where possible
	Strategy         Strategy
	Priority         int // in a batch: higher ones first
	MaxStarting      int // on one node at once; 0: any number
}

// Strategy is what makes one node better than another.
type Strategy string

// The strategies.
const (
	Spread  Strategy = "spread"  // the least used once the container is there; also ""
	BinPack Strategy = "binpack" // the most used
)

// Candidate is a node as placement sees it.
type Candidate struct {
	Node     id.NodeID
	Name     string
	Cluster  *id.ClusterID
	State    fleet.NodeState
	Joined   bool // its agent has said hello at least once, so that Offer is known
	Offer    spec.Resources
	Reserved spec.Resources
	Taken    []spec.Port // of the ports wanted, at least, and those that something else on the node listens on
	Pools    []spec.Pool // that automatic ports come from; none: spec.DefaultPool

	Arch        string // "": not known
	Cordoned    bool
	Draining    bool
	Quarantined bool
	Silent      bool // not heard lately; the store does not know, the caller's memory does
	NoDocker    bool // its engine does not answer
	Guarded     bool // a guard answers, so that exclusive containers may run
	NoExclusive bool // its profile cannot keep two copies apart
	Penalty     float64
	Starting    int            // containers on their way to it
	Groups      map[string]int // containers of the groups asked about
}

// Free is what can still be promised of the node.
func (c Candidate) Free() spec.Resources { return c.Offer.Sub(c.Reserved) }

// Choose picks the node, or says why there is none. Exactly one of the two
// results is set.
func Choose(r Request, all []Candidate) (*Candidate, *Refusal) {
	refusal := &Refusal{Want: r.Want, pinned: r.Pinned != nil}
	var best *Candidate
	for i := range all {
		c := &all[i]
		if r.Pinned != nil && c.Node != *r.Pinned {
			continue
		}
		if why := r.fault(c); why != fine {
			refusal.count(why, &r, c)
			continue
		}
		if best == nil || r.better(c, best) {
			best = c
		}
	}
	if best == nil {
		return nil, refusal
	}
	return best, nil
}

// better orders two nodes that both could take the container: by tier, then by
// score. Equal ones are in an order of the container's own, so that the same
// question has the same answer, and different ones spread.
func (r *Request) better(a, b *Candidate) bool {
	if ta, tb := r.tier(a), r.tier(b); ta != tb {
		return ta < tb
	}
	if sa, sb := r.score(a), r.score(b); sa != sb {
		return sa > sb
	}
	if ha, hb := r.hash(a), r.hash(b); ha != hb {
		return ha < hb
	}
	return bytes.Compare(a.Node[:], b.Node[:]) < 0
}

// The tiers, in the customer's order.
const (
	tierPreferred = iota
	tierSame      // the cluster that it leaves
	tierAny
)

func (r *Request) tier(c *Candidate) int {
	switch {
	case r.Force || c.Cluster == nil:
		return tierAny
	case r.PreferredCluster != nil && *c.Cluster == *r.PreferredCluster:
		return tierPreferred
	case r.FromCluster != nil && *c.Cluster == *r.FromCluster:
		return tierSame
	}
	return tierAny
}

// What speaks against a node, in points: its whole capacity makes 100.
const (
	perSibling  = 30   // of the container's group, already there
	perStart    = 5    // of a container on its way to it
	perFlapping = 0.01 // of its penalty
)

// score is how good a node is for the container; more is better.
func (r *Request) score(c *Candidate) float64 {
	used := 100 * share(c, r.Want)
	if r.Strategy != BinPack {
		used = -used
	}
	if r.Force {
		return used - perSibling*float64(r.siblings(c)) - perStart*float64(c.Starting)
	}
	return used - perSibling*float64(r.siblings(c)) - perStart*float64(c.Starting) - perFlapping*c.Penalty
}

func (r *Request) siblings(c *Candidate) int {
	if r.Group == "" {
		return 0
	}
	return c.Groups[r.Group]
}

func (r *Request) hash(c *Candidate) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(r.Container[:]) // never fails
	_, _ = h.Write(c.Node[:])
	return h.Sum64()
}

// share is how much of its scarcer resource a node would have promised.
func share(c *Candidate, want spec.Resources) float64 {
	after := c.Reserved.Add(want)
	return max(ratio(int64(after.CPU), int64(c.Offer.CPU)), ratio(int64(after.Memory), int64(c.Offer.Memory)))
}

func ratio(part, whole int64) float64 {
	if whole <= 0 {
		return 1
	}
	return float64(part) / float64(whole)
}
