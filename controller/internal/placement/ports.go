package placement

import (
	"slices"

	"github.com/lormas/lormas/shared/spec"
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
		if p.Overlaps(q) {
			return true
		}
	}
	return false
}

// settlePorts picks the host ports of a container on another node: as they
// are where that is possible, the lowest free ones of the node's pools for
// automatic ones where not. It reports false where there is none, or one that
// must stay is taken. Automatic ones keep clear of what is promised to others,
// too.
func settlePorts(ports []spec.Port, pools []spec.Pool, taken, promised []spec.Port) ([]spec.Port, bool) {
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
		moves := p.AutoIP && !inPools(p, pools) // the address is one of the node that it comes from
		if p.Host == 0 || moves || p.Auto && (overlapsAny(p, taken) || overlapsAny(p, promised) || overlapsAny(p, ours)) {
			out[i].Host = 0
			continue
		}
		ours = append(ours, p)
	}
	for i := range out {
		if out[i].Host != 0 {
			continue
		}
		p, ok := FreePort(out[i], pools, ours, taken, promised)
		if !ok {
			return nil, false
		}
		out[i] = p
		ours = append(ours, p)
	}
	return out, true
}

func inPools(p spec.Port, pools []spec.Pool) bool {
	return slices.ContainsFunc(pools, func(o spec.Pool) bool { return o.Has(p) })
}

// FreePort gives a port the lowest host port of the pools that none of the
// others is in the way of. A port that asks for no address gets that of its
// pool; one that does is not given a number from another address's pool.
func FreePort(p spec.Port, pools []spec.Pool, others ...[]spec.Port) (spec.Port, bool) {
	if p.AutoIP {
		p.IP, p.AutoIP = "", false
	}
	if len(pools) == 0 {
		pools = []spec.Pool{spec.DefaultPool}
	}
	for _, pool := range pools {
		next := p
		if pool.IP != "" && p.IP == "" {
			next.IP, next.AutoIP = pool.IP, true
		}
		if !pool.Has(next.At(pool.First)) {
			continue
		}
		used := usedBeside(next, others)
		for host := pool.First; host <= pool.Last; host++ {
			if !used[host] {
				next = next.At(host)
				next.Auto = true
				return next, true
			}
		}
	}
	return p, false
}

// usedBeside are the host ports that a port cannot have because of others.
func usedBeside(p spec.Port, others [][]spec.Port) map[int]bool {
	used := map[int]bool{}
	for _, list := range others {
		for _, q := range list {
			if p.At(q.Host).Overlaps(q) {
				used[q.Host] = true
			}
		}
	}
	return used
}
