package placement

import (
	"bytes"
	"net/netip"

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
	Taken    []spec.Port // of the ports wanted, at least

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
	refusal := &Refusal{Want: r.Want}
	var best *Candidate
	for i := range all {
		c := &all[i]
		if r.Pinned != nil && c.Node != *r.Pinned {
			continue
		}
		if reason := r.fault(c); reason != fine {
			refusal.count(reason, r, c)
			continue
		}
		if best == nil || r.better(c, best) {
			best = c
		}
	}
	if best == nil {
		refusal.pinned = r.Pinned != nil
		return nil, refusal
	}
	return best, nil
}

// reason is the first thing that keeps a node from taking a container.
type reason int

const (
	fine reason = iota
	neverJoined
	notHealthy
	lacksCPU
	lacksMemory
	lacksDisk
	portTaken
	reasons // how many there are
)

// fault finds the first thing wrong with a candidate. A node that was asked
// for by name may be out of reach: what it should run waits for it. It must
// have joined, though, as nobody knows what it has to give before.
func (r Request) fault(c *Candidate) reason {
	free := c.Free()
	switch {
	case !c.Joined:
		return neverJoined
	case !r.Waits && c.State != fleet.NodeHealthy:
		return notHealthy
	case r.Want.Memory > free.Memory:
		return lacksMemory
	case r.Want.CPU > free.CPU:
		return lacksCPU
	case r.Want.Disk > free.Disk:
		return lacksDisk
	}
	if _, found := takenPort(r.Ports, c.Taken); found {
		return portTaken
	}
	return fine
}

// better orders two nodes that both could take the container. Equal ones are
// ordered by id, so that the same question has the same answer.
func (r Request) better(a, b *Candidate) bool {
	if pa, pb := r.prefers(a), r.prefers(b); pa != pb {
		return pa
	}
	if sa, sb := share(a, r.Want), share(b, r.Want); sa != sb {
		return sa < sb
	}
	return bytes.Compare(a.Node[:], b.Node[:]) < 0
}

func (r Request) prefers(c *Candidate) bool {
	return r.PreferredCluster != nil && c.Cluster != nil && *c.Cluster == *r.PreferredCluster
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

func takenPort(wanted, taken []spec.Port) (spec.Port, bool) {
	for _, p := range wanted {
		for _, q := range taken {
			if p.Host != 0 && PortsOverlap(p, q) {
				return p, true
			}
		}
	}
	return spec.Port{}, false
}

// PortsOverlap reports whether two host ports cannot be published side by
// side. "", 0.0.0.0 and :: mean every address, as Docker binds them.
func PortsOverlap(a, b spec.Port) bool {
	if a.Host != b.Host || a.Protocol != b.Protocol {
		return false
	}
	ipA, ipB := address(a.IP), address(b.IP)
	return ipA.IsUnspecified() || ipB.IsUnspecified() || ipA == ipB
}

// address reads the address of a port; one that cannot be read is taken to
// be all of them, which can only refuse too much.
func address(ip string) netip.Addr {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return addr.Unmap()
}
