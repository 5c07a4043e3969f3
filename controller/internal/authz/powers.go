package authz

import (
	"slices"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

// Powers are the grants and the limit of an actor, worked out once for many
// decisions: each costs the same with one grant and with thousands. They are
// those of the moment they were made, and safe for concurrent use.
type Powers struct{ of map[fleet.Verb][]*extent }

// extent is where one pattern is granted. A verb has as many as there are
// patterns that match it: itself, its prefixes and *.
type extent struct {
	everywhere                          bool
	clusters, nodes, containers, owners map[uuid.UUID]struct{}
}

// Powers works out what the actor may do.
func (a Actor) Powers() *Powers {
	extents := map[string]*extent{}
	for i := range a.Grants {
		g := &a.Grants[i]
		if extents[g.Permission] == nil {
			extents[g.Permission] = &extent{}
		}
		extents[g.Permission].add(g)
	}
	p := &Powers{of: map[fleet.Verb][]*extent{}}
	for pattern, e := range extents {
		for _, r := range Rules {
			if matches(pattern, r.Verb) && a.WithinLimit(r.Verb) {
				p.of[r.Verb] = append(p.of[r.Verb], e)
			}
		}
	}
	return p
}

func (e *extent) add(g *Grant) {
	var set *map[uuid.UUID]struct{}
	switch g.Scope {
	case Global:
		e.everywhere = true
		return
	case OfCluster:
		set = &e.clusters
	case OfNode:
		set = &e.nodes
	case OfContainer:
		set = &e.containers
	case Owned:
		set = &e.owners
	}
	if set == nil || g.ScopeID == uuid.Nil {
		return // it covers nothing
	}
	if *set == nil {
		*set = map[uuid.UUID]struct{}{}
	}
	(*set)[g.ScopeID] = struct{}{}
}

func (e *extent) covers(t *Target) bool {
	return e.everywhere ||
		has(e.containers, uuid.UUID(t.Container)) || has(e.owners, uuid.UUID(t.Owner)) ||
		has(e.nodes, uuid.UUID(t.Node)) || has(e.clusters, uuid.UUID(t.Cluster))
}

func has(set map[uuid.UUID]struct{}, key uuid.UUID) bool {
	if len(set) == 0 {
		return false
	}
	_, ok := set[key]
	return ok
}

// Can is the answer of the actor's own Can, for the verbs of Rules.
func (p *Powers) Can(v fleet.Verb, t Target) bool {
	for _, e := range p.of[v] {
		if e.covers(&t) {
			return true
		}
	}
	return false
}

// NeedsPlaces reports whether CanRead asks for places, of whatever topic.
func (p *Powers) NeedsPlaces() bool {
	return slices.ContainsFunc(wire.Rules, func(r wire.Rule) bool {
		extents := p.of[TopicVerb(r.Kind)]
		return len(extents) > 0 && !slices.ContainsFunc(extents, func(e *extent) bool { return e.everywhere })
	})
}

// CanRead decides a delivery. places is asked only where no global grant
// settles it.
func (p *Powers) CanRead(topic wire.Topic, places Places) bool {
	extents := p.of[TopicVerb(topic.Kind)]
	if len(extents) == 0 {
		return false
	}
	for _, e := range extents {
		if e.everywhere {
			return true
		}
	}
	place, ok := places.PlaceOf(topic)
	// A node may publish below its own id about a container that stands
	// elsewhere; who may see that container need not believe that node.
	if !ok || !topic.Node.IsZero() && place.Node != topic.Node {
		return false
	}
	for _, e := range extents {
		if e.covers(&place) {
			return true
		}
	}
	return false
}
