package liveness

import (
	"time"

	"github.com/lormas/lormas/shared/id"
)

// Lost is every node that is given up, and since when.
func (r *Registry) Lost() map[id.NodeID]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[id.NodeID]time.Time{}
	for node, n := range r.nodes {
		if n.Lost() {
			out[node] = n.Since
		}
	}
	return out
}
