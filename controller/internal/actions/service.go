package actions

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// Deps are what the verbs work with. All must be set.
type Deps struct {
	Store       *store.Store
	Credentials CredentialSigner
	Kick        Kicker
	Wake        func(id.NodeID) // a node has something new; never blocks
	// WakeMigrator says that something is to be moved, or no longer; never blocks.
	WakeMigrator func()
	// TellMoves lets people know of migrations that a verb began or ended. It
	// is called after the commit.
	TellMoves func(context.Context, []fleet.Migration)
	Warden    Warden
	Profile   lease.Profile // of nodes that are in no cluster
	AgentURL  string        // where agents dial, such as mqtt://10.0.0.1:1883
	PublicURL string        // where people find the dashboard, without a slash at the end
	Passwords Passwords
	// Fetch reads a file from an address that people give.
	Fetch func(ctx context.Context, address string) ([]byte, error)
	// EndCredential ends the live connections made with a session or an API
	// token. It is called after the commit and never blocks.
	EndCredential func(credential uuid.UUID)
	// Changed says that somebody may do more or less than before. It is called
	// after the commit and never blocks.
	Changed func()
	// ForeignBroker: what listens there is not the controller's own broker.
	ForeignBroker bool
	Now           func() time.Time
	Log           *slog.Logger
}

// Warden judges which nodes are lost, from memory; what people say of that is
// told to it after the commit.
type Warden interface {
	Hold(reason string)
	Release()
	ConfirmDead(node id.NodeID) error
	Forgive(node id.NodeID)
	Fleet() FleetView
	Outlook(node id.NodeID) (Outlook, bool)
}

// CredentialSigner makes the token that an agent proves itself with. The same
// credential always gives the same token.
type CredentialSigner interface {
	SignNodeCredential(c fleet.Credential) (string, error)
}

// Kicker cuts the connection of a node whose credential ended. Called after
// the commit, so that the agent cannot come back in with the old one.
type Kicker interface {
	KickNode(node id.NodeID, reason error)
}

// Service carries verbs out. It is safe for concurrent use.
type Service struct{ Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// now is the time to the microsecond, as Postgres keeps it: what is answered
// is what will be read.
func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// subject is what a verb is done to, for the decision and for the audit.
type subject struct {
	kind   string
	id     uuid.UUID
	name   string
	target authz.Target
}

func ofNode(n fleet.Node) subject {
	return subject{"node", uuid.UUID(n.ID), n.Name, nodeTarget(n)}
}

func ofContainer(c fleet.Container, on authz.Target) subject {
	on.Container = c.ID
	if c.OwnerID != nil {
		on.Owner = *c.OwnerID
	}
	return subject{"container", uuid.UUID(c.ID), c.Name, on}
}

func nodeTarget(n fleet.Node) authz.Target {
	t := authz.Target{Node: n.ID}
	if n.ClusterID != nil {
		t.Cluster = *n.ClusterID
	}
	return t
}

// check lets an actor through or records that he was denied.
func (s *Service) check(ctx context.Context, actor authz.Actor, v fleet.Verb, on subject) error {
	err := actor.Check(v, on.target)
	if err == nil {
		return nil
	}
	s.recordDenied(ctx, entry(actor, v, on), err)
	if on.hidden(actor) {
		return fleet.Errorf(fleet.NotFound, "there is no %s %v", on.kind, on.id) // the words of store
	}
	return err
}

// hidden is what authz cannot tell, as the verb is of another noun than what
// it is done to: whether the actor may know of the thing at all.
func (on subject) hidden(actor authz.Actor) bool {
	switch on.kind {
	case "container":
		return !on.target.Container.IsZero() && !actor.Can(fleet.ContainerView, on.target) && !actor.Can(fleet.MigrationView, on.target)
	case "cluster":
		return !on.target.Cluster.IsZero() && !actor.Can(fleet.ClusterView, on.target)
	case "job":
		return !actor.Can(fleet.JobView, on.target)
	}
	return false
}

// checkAnywhere is check where the target is not known yet, or is a list.
func (s *Service) checkAnywhere(ctx context.Context, actor authz.Actor, v fleet.Verb) error {
	if actor.CanAnywhere(v) {
		return nil
	}
	err := authz.Denied(v)
	s.recordDenied(ctx, actor.Entry(v), err)
	return err
}

// recordDenied writes an audit entry on its own. That it cannot be written
// must not let anybody through, nor hide the refusal behind another error.
func (s *Service) recordDenied(ctx context.Context, e fleet.AuditEntry, why error) {
	e.Outcome, e.Reason = fleet.OutcomeDenied, why.Error()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.InsertAudit(ctx, e) })
	if err != nil {
		s.Log.ErrorContext(ctx, "audit entry of a denied verb is lost", "verb", e.Verb, "error", err)
	}
}

func entry(actor authz.Actor, v fleet.Verb, on subject) fleet.AuditEntry {
	e := actor.Entry(v)
	e.TargetKind, e.TargetID, e.TargetName = on.kind, on.id, on.name
	return e
}

// detailed adds what changed. Environments and tokens have no place here.
func detailed(e fleet.AuditEntry, detail map[string]any) fleet.AuditEntry {
	e.Detail = detail
	return e
}

// edited adds what a change made of what, both without secrets.
func edited(e fleet.AuditEntry, before, after map[string]any) fleet.AuditEntry {
	e.Edited(before, after)
	return e
}

// requester is who a row says asked for it; nobody for the system itself.
func requester(actor authz.Actor) *id.UserID {
	if actor.UserID.IsZero() {
		return nil
	}
	return &actor.UserID
}

// reach is how far an actor's permission for a verb goes in a list.
func reach(actor authz.Actor, v fleet.Verb) store.Reach {
	var r store.Reach
	for _, g := range actor.Grants {
		alone := actor
		alone.Grants = []authz.Grant{g}
		if !alone.CanAnywhere(v) {
			continue
		}
		switch g.Scope {
		case authz.Global:
			r.All = true
		case authz.OfCluster:
			r.Clusters = append(r.Clusters, id.ClusterID(g.ScopeID))
		case authz.OfNode:
			r.Nodes = append(r.Nodes, id.NodeID(g.ScopeID))
		case authz.OfContainer:
			r.Containers = append(r.Containers, id.ContainerID(g.ScopeID))
		case authz.Owned:
			r.Owners = append(r.Owners, id.UserID(g.ScopeID))
		}
	}
	return r
}
