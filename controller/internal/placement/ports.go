package placement

import (
	"net/netip"

	"github.com/lormas/lormas/shared/spec"
)

// Automatic host ports come from here, lowest first.
const (
	FirstAutoPort = 20000
	LastAutoPort  = 29999
)

// takenPort finds the first of the ports that nobody may choose another for,
// and that is taken.
func takenPort(wanted, taken []spec.Port) (spec.Port, bool) {
	for _, p := range wanted {
		if p.Host == 0 || p.Auto {
			continue
		}
		if overlapsAny(p, taken) {
			return p, true
		}
	}
	return spec.Port{}, false
}

func overlapsAny(p spec.Port, taken []spec.Port) bool {
	for _, q := range taken {
		if PortsOverlap(p, q) {
			return true
		}
	}
	return false
}

// settlePorts picks the host ports of a container on another node: as they
// are where that is possible, the lowest free ones for automatic ones where
// not. It reports false where there is none, or one that must stay is taken.
// Automatic ones keep clear of what is promised to others, too.
func settlePorts(ports, taken, promised []spec.Port) ([]spec.Port, bool) {
	if len(ports) == 0 {
		return nil, true
	}
	if _, found := takenPort(ports, taken); found {
		return nil, false
	}
	out := make([]spec.Port, len(ports))
	var ours []spec.Port
	for i, p := range ports {
		out[i] = p
		if p.Host == 0 || p.Auto && (overlapsAny(p, taken) || overlapsAny(p, promised) || overlapsAny(p, ours)) {
			out[i].Host = 0
			continue
		}
		ours = append(ours, p)
	}
	for i := range out {
		if out[i].Host != 0 {
			continue
		}
		if out[i].Host = FreePort(out[i], ours, taken, promised); out[i].Host == 0 {
			return nil, false
		}
		ours = append(ours, out[i])
	}
	return out, true
}

// FreePort is the lowest automatic host port that none of the others is in the
// way of, or 0.
func FreePort(p spec.Port, others ...[]spec.Port) int {
	used := map[int]bool{}
	for _, list := range others {
		for _, q := range list {
			p.Host = q.Host
			if PortsOverlap(p, q) {
				used[q.Host] = true
			}
		}
	}
	for port := FirstAutoPort; port <= LastAutoPort; port++ {
		if !used[port] {
			return port
		}
	}
	return 0
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
