package authz

import (
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// HoldsIn reports whether the actor has, everywhere in a scope, all that a
// pattern allows: what he may hand on there. at is where the thing of the
// scope stands, as far as the scopes around it go: of a node its cluster, of a
// container its node, cluster and owner. What is wider than the scope is not
// looked at, so at may say more than it has to.
//
// One grant has to contain the whole pattern. Somebody with every verb of a
// noun, one by one, does not hold noun.*, which will have more verbs one day.
func (a Actor) HoldsIn(pattern string, scope Scope, scopeID uuid.UUID, at Target) bool {
	if !a.limitContains(pattern) {
		return false
	}
	place, whole := placeOf(scope, scopeID, at)
	for i := range a.Grants {
		g := &a.Grants[i]
		if !contains(g.Permission, pattern) {
			continue
		}
		// the containers of one user are no place: they stand anywhere
		if g.Scope == Global || whole && g.covers(place) || g.Scope == Owned && scope == Owned && scopeID != uuid.Nil && g.ScopeID == scopeID {
			return true
		}
	}
	return false
}

// placeOf is the target that is covered by exactly those grants which cover
// all of a scope; false where only their scope itself can tell.
func placeOf(scope Scope, scopeID uuid.UUID, at Target) (Target, bool) {
	switch scope {
	case Global:
		return Everything, true
	case OfCluster:
		return Target{Cluster: id.ClusterID(scopeID)}, true
	case OfNode:
		return Target{Node: id.NodeID(scopeID), Cluster: at.Cluster}, true
	case OfContainer:
		at.Container = id.ContainerID(scopeID)
		return at, true
	}
	return Target{}, false
}

// MayGive is the refusal to hand permissions on in a scope that the actor does
// not hold all of there, or nil. what is what would give them.
func (a Actor) MayGive(what string, patterns []string, scope Scope, scopeID uuid.UUID, at Target) error {
	for _, p := range patterns {
		if a.HoldsIn(p, scope, scopeID, at) {
			continue
		}
		where := "everywhere"
		if scope != Global {
			where = "for this " + string(scope)
		}
		return fleet.Errorf(fleet.Forbidden, "%s gives the permission %s %s, which you do not have there yourself, and nobody gives or takes more than he has: ask somebody who has it", what, p, where)
	}
	return nil
}

// Reaches says what a grant in a scope reaches at present: the cluster, the
// node or the container, each with the place where it stands; of the owned
// scope every container of the owner. Nothing: what it was about is gone.
type Reaches func(scope Scope, scopeID uuid.UUID) []Target

// HoldsAll reports whether the actor holds all that somebody else was
// granted, there where it reaches; else missing is the first grant that he
// does not. Who holds less than another must not get at his account.
func (a Actor) HoldsAll(other []Grant, reaches Reaches) (missing Grant, ok bool) {
	for _, g := range other {
		if !a.holdsGrant(g, reaches) {
			return g, false
		}
	}
	return Grant{}, true
}

func (a Actor) holdsGrant(g Grant, reaches Reaches) bool {
	if a.HoldsIn(g.Permission, g.Scope, g.ScopeID, Target{}) {
		return true
	}
	if g.Scope == Global {
		return false
	}
	for _, at := range reaches(g.Scope, g.ScopeID) {
		scope, scopeID := g.Scope, g.ScopeID
		if scope == Owned {
			scope, scopeID = OfContainer, uuid.UUID(at.Container)
		}
		if !a.HoldsIn(g.Permission, scope, scopeID, at) {
			return false
		}
	}
	return true
}

// Exceeds is the refusal of a verb that is done to somebody who holds more
// than the actor, or nil.
func (a Actor) Exceeds(v fleet.Verb, other []Grant, reaches Reaches) error {
	missing, ok := a.HoldsAll(other, reaches)
	if ok {
		return nil
	}
	where := ""
	if missing.Scope != Global {
		where = " (" + string(missing.Scope) + ")"
	}
	return fleet.Errorf(fleet.Forbidden, "this user has the permission %s%s, which you do not have, and %s is only for users who may do no more than oneself: ask somebody who has it",
		missing.Permission, where, v)
}

func (a Actor) limitContains(pattern string) bool {
	if a.Limit == nil {
		return true
	}
	for _, limit := range a.Limit {
		if contains(limit, pattern) {
			return true
		}
	}
	return false
}
