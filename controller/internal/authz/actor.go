package authz

import (
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Actor is somebody who asks for something, with all that decides whether he
// gets it.
type Actor struct {
	Kind               fleet.ActorKind
	ID                 uuid.UUID    // of the user, API token or node; zero for system and anonymous
	UserID             id.UserID    // who answers for it; an API token's owner
	SessionID          id.SessionID // zero unless signed in with a password
	Name               string
	Grants             []Grant
	Limit              []string // patterns that an API token is held to; nil: no limit
	MustChangePassword bool
	Address, RequestID string // where the request came from, for the audit
}

// Grant is a permission pattern in a scope.
type Grant struct {
	Permission string
	Scope      Scope
	ScopeID    uuid.UUID // zero for global; the owner's for owned
}

// Scope is how far a grant reaches.
type Scope = fleet.Scope

// The scopes.
const (
	Global      = fleet.Global
	OfCluster   = fleet.OfCluster
	OfNode      = fleet.OfNode
	OfContainer = fleet.OfContainer
	Owned       = fleet.Owned // ScopeID is the owner
)

// Target is what a verb is done to, and where that stands. Fields that do
// not apply are zero.
type Target struct {
	Node      id.NodeID
	Cluster   id.ClusterID
	Container id.ContainerID
	Owner     id.UserID // of the container
}

// Everything is the target of verbs that concern no single thing: only a
// global grant covers it.
var Everything Target

// System is the controller itself acting; name says which part of it.
func System(name string) Actor {
	return Actor{Kind: fleet.ActorSystem, Name: name, Grants: []Grant{{Permission: "*", Scope: Global}}}
}

// Anonymous is somebody who did not say who he is.
func Anonymous(address, requestID string) Actor {
	return Actor{Kind: fleet.ActorAnonymous, Address: address, RequestID: requestID}
}

// Entry begins the audit entry of a verb that the actor carried out; the
// caller adds the target and, where it did not end well, the outcome.
func (a Actor) Entry(v fleet.Verb) fleet.AuditEntry {
	return fleet.AuditEntry{
		ID: id.New[id.AuditID](), ActorKind: a.Kind, ActorID: a.ID, ActorName: a.Name,
		Verb: v, Outcome: fleet.OutcomeOK, Address: a.Address, RequestID: a.RequestID,
	}
}
