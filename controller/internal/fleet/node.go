package fleet

import (
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Node is a machine with an agent.
type Node struct {
	ID            id.NodeID
	Generation    int64 // grows with every edit, and with nothing else
	Name          string
	Description   string
	ClusterID     *id.ClusterID
	Labels        map[string]string
	Pools         []spec.Pool // that automatic host ports come from; none: spec.DefaultPool
	Hostname      string
	MachineID     string
	Arch          string
	AgentVersion  string
	DockerVersion string
	JoinedAt      *time.Time // nil until the agent first said hello
	CordonedAt    *time.Time // given nothing new since
	CordonReason  string
	Drain         *Drain        // that empties it; nil when there is none
	Profile       string        // of its cluster; "": the controller's own
	Window        time.Duration // with a custom profile
	CreatedAt     time.Time
	Health        NodeHealth
}

// Drain is the emptying of a node, which stays cordoned when it is over.
type Drain struct {
	JobID    id.JobID
	Deadline time.Time // what has not left by then is moved by force
	Standard bool      // standard containers leave as well
	Reason   string
}

// NodeHealth is what Postgres knows of a node's life. How it is used right
// now is in presence.
type NodeHealth struct {
	State         NodeState
	Since         time.Time
	Reason        string
	LastHeartbeat *time.Time     // written in batches; presence knows better
	Offer         spec.Resources // what the node gives to Lormas
	Reserved      spec.Resources // what its containers were promised
	Rev           int64
	AppliedRev    int64
	Penalty       float64 // for flapping, as it was when last written
	Quarantined   bool    // flapped too much to be given anything
	DockerOK      bool
	GuardOK       bool // a guard answers there, so that exclusive containers may run
}

// Free is what can still be promised.
func (h NodeHealth) Free() spec.Resources { return h.Offer.Sub(h.Reserved) }

// NodeState is where a node is in its life; FAILOVER §3.2 has the drawing.
type NodeState string

// The states.
const (
	NodeJoining   NodeState = "joining"
	NodeHealthy   NodeState = "healthy"
	NodeSuspect   NodeState = "suspect"
	NodeUnhealthy NodeState = "unhealthy"
	NodeReturning NodeState = "returning"
)

// NodeStates lists them.
var NodeStates = []NodeState{NodeJoining, NodeHealthy, NodeSuspect, NodeUnhealthy, NodeReturning}

// Status is the two-valued form of the customer's API.
func (s NodeState) Status() string {
	switch s {
	case NodeHealthy, NodeSuspect:
		return "healthy"
	case NodeJoining, NodeUnhealthy, NodeReturning:
		return "unhealthy"
	}
	return "unhealthy"
}

var nodeMoves = map[NodeState][]NodeState{
	NodeJoining:   {NodeHealthy},
	NodeHealthy:   {NodeSuspect},
	NodeSuspect:   {NodeHealthy, NodeUnhealthy},
	NodeUnhealthy: {NodeReturning},
	NodeReturning: {NodeHealthy, NodeUnhealthy},
}

// CanBecome reports whether a node may go from s to next in one step.
func (s NodeState) CanBecome(next NodeState) bool { return contains(nodeMoves[s], next) }

func contains[T comparable](list []T, x T) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

// Cluster is a set of nodes.
type Cluster struct {
	ID          id.ClusterID
	Generation  int64
	Name        string
	Description string
	Profile     string        // of its nodes: standard, fast, lan, metered or custom
	Window      time.Duration // with a custom profile
	Outage      OutagePolicy
	OutageAfter time.Duration // with failover_after
	CreatedAt   time.Time
}

// OutagePolicy is what happens when a whole cluster falls silent while others
// talk.
type OutagePolicy string

// The policies.
const (
	OutageFailover      OutagePolicy = "failover"       // as with single nodes, at a limited rate
	OutageHold          OutagePolicy = "hold"           // nothing moves until an operator says so
	OutageFailoverAfter OutagePolicy = "failover_after" // only when it lasts
)

// Credential is what an agent proves itself with. The token itself is shown
// once and kept nowhere; its jti is ID.
type Credential struct {
	ID        id.CredentialID
	NodeID    id.NodeID
	CreatedAt time.Time
	RevokedAt *time.Time
}
