package spec

import (
	"fmt"
	"net/netip"
)

// The protocols of a port. Both is what Wings publishes every port as: tcp and
// udp on one number.
const (
	TCP  = "tcp"
	UDP  = "udp"
	Both = "both"
)

// Protocols are those that a port is published for.
func (p Port) Protocols() []string {
	if p.Protocol == Both {
		return []string{TCP, UDP}
	}
	return []string{p.Protocol}
}

// At is the port with another number outside, and inside where that follows.
func (p Port) At(host int) Port {
	p.Host = host
	if p.Same {
		p.Container = host
	}
	return p
}

// Overlaps reports whether two host ports cannot be published side by side.
// "", 0.0.0.0 and :: mean every address, as Docker binds them.
func (p Port) Overlaps(q Port) bool {
	if p.Host != q.Host || p.Protocol != q.Protocol && p.Protocol != Both && q.Protocol != Both {
		return false
	}
	a, b := address(p.IP), address(q.IP)
	return a.IsUnspecified() || b.IsUnspecified() || a == b
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

// Pool is a range of host ports of a node that automatic ones are taken from,
// lowest first.
type Pool struct {
	IP    string `json:"ip,omitempty"` // "": every address of the node
	First int    `json:"first"`
	Last  int    `json:"last"`
}

// DefaultPool is that of a node which has none of its own: below the numbers
// that Linux gives to outgoing connections.
var DefaultPool = Pool{First: 20000, Last: 29999}

// Has reports whether the port may have come from the pool.
func (o Pool) Has(p Port) bool {
	return p.Host >= o.First && p.Host <= o.Last && (o.IP == "" || address(o.IP) == address(p.IP))
}

// maxPools bounds the pools of a node.
const maxPools = 64

// ValidatePools finds what is wrong with the pools of a node.
func ValidatePools(pools []Pool) []Fault {
	var faults []Fault
	add := func(field, format string, args ...any) {
		faults = append(faults, Fault{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if len(pools) > maxPools {
		add("portPools", "%d pools are too many: the limit is %d", len(pools), maxPools)
		return faults
	}
	for i, o := range pools {
		field := fmt.Sprintf("portPools[%d]", i)
		if o.First < 1 || o.Last > 65535 || o.First > o.Last {
			add(field, "%d to %d is no range of ports: use 1 to 65535, the lower one first", o.First, o.Last)
		}
		if _, err := netip.ParseAddr(o.IP); o.IP != "" && err != nil {
			add(field+".ip", "%.40q is not an IP address: leave it out for every address of the node", o.IP)
		}
		for j, other := range pools[:i] {
			if o.First <= other.Last && other.First <= o.Last && (Port{IP: o.IP}).Overlaps(Port{IP: other.IP}) {
				add(field, "it overlaps portPools[%d]: give every port to one pool", j)
			}
		}
	}
	return faults
}
