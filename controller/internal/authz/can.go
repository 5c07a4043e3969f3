package authz

import (
	"strings"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// Can reports whether the actor may do v to t.
func (a Actor) Can(v fleet.Verb, t Target) bool {
	if !a.WithinLimit(v) {
		return false
	}
	for i := range a.Grants {
		if matches(a.Grants[i].Permission, v) && a.Grants[i].covers(t) {
			return true
		}
	}
	return false
}

// CanAnywhere reports whether some grant of the actor, in whatever scope,
// allows v. It is the first check of a route, before its target is known, and
// all that a list needs, which then shows what Can lets through.
func (a Actor) CanAnywhere(v fleet.Verb) bool {
	if !a.WithinLimit(v) {
		return false
	}
	for i := range a.Grants {
		if matches(a.Grants[i].Permission, v) {
			return true
		}
	}
	return false
}

// Check is Can as an error for users. Who may not even view the target is
// told that there is none: existence is a secret.
func (a Actor) Check(v fleet.Verb, t Target) error {
	if a.Can(v, t) {
		return nil
	}
	if noun, key := t.of(v); key != uuid.Nil && !a.Can(ViewOf(v), t) {
		// the words are those of store for a row that is not there
		return fleet.Errorf(fleet.NotFound, "there is no %s %v", noun, key)
	}
	return Denied(v)
}

// Denied is the refusal that names the missing permission.
func Denied(v fleet.Verb) error {
	return fleet.Errorf(fleet.Forbidden, "this needs the permission %s, which you do not have here: ask an administrator for it", v)
}

// MayUse is the decision about a verb before its target is known: whether it is
// open to somebody like the actor, and whether he has it anywhere.
func (a Actor) MayUse(r Rule) error {
	switch {
	case r.Access == Public:
		return nil
	case r.Access == Permission && !a.CanAnywhere(r.Verb):
		return Denied(r.Verb)
	case r.Access == InPerson && a.Kind != fleet.ActorUser:
		return fleet.Errorf(fleet.Forbidden, "an API token cannot do this (%s): sign in with the password", r.Verb)
	case !ofItself[r.Verb] && !a.WithinLimit(r.Verb):
		return fleet.Errorf(fleet.Forbidden, "this API token was not given %s", r.Verb)
	}
	return nil
}

// BeforePassword reports whether somebody may do a thing who has to choose a
// new password first.
func BeforePassword(r Rule) bool {
	return r.Access == Public || r.Verb == fleet.AuthView || r.Verb == fleet.AuthPasswordChange
}

// ofItself is what every API token may ask, whatever it was given: what it may
// do, and why not.
var ofItself = map[fleet.Verb]bool{fleet.AuthView: true, fleet.PermissionView: true, fleet.AuthzExplain: true}

// WithinLimit reports whether an API token's own limit lets v through; other
// actors have none.
func (a Actor) WithinLimit(v fleet.Verb) bool {
	return a.Limit == nil || Allows(a.Limit, v)
}

// ViewOf is the verb that one must be allowed for knowing that the target of
// v exists: container.start → container.view.
func ViewOf(v fleet.Verb) fleet.Verb {
	noun, _, _ := strings.Cut(string(v), ".")
	switch noun {
	case "container":
		return fleet.ContainerView
	case "node":
		return fleet.NodeView
	case "cluster":
		return fleet.ClusterView
	}
	return v
}

// of is the thing among t's fields that v is done to.
func (t Target) of(v fleet.Verb) (noun string, key uuid.UUID) {
	noun, _, _ = strings.Cut(string(v), ".")
	switch noun {
	case "container":
		return noun, uuid.UUID(t.Container)
	case "node":
		return noun, uuid.UUID(t.Node)
	case "cluster":
		return noun, uuid.UUID(t.Cluster)
	}
	return noun, uuid.Nil
}

func (g *Grant) covers(t Target) bool {
	switch g.Scope {
	case Global:
		return true
	case OfCluster:
		return g.ScopeID != uuid.Nil && uuid.UUID(t.Cluster) == g.ScopeID
	case OfNode:
		return g.ScopeID != uuid.Nil && uuid.UUID(t.Node) == g.ScopeID
	case OfContainer:
		return g.ScopeID != uuid.Nil && uuid.UUID(t.Container) == g.ScopeID
	case Owned:
		return g.ScopeID != uuid.Nil && uuid.UUID(t.Owner) == g.ScopeID
	}
	return false
}
