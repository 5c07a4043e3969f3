package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

func (s *Server) nodeRoutes() {
	add(s, Route{
		Verb: fleet.NodeCreate, Method: http.MethodPost, Path: "/nodes", Status: http.StatusCreated, Summary: "Add a node",
		Help: "The token is in this answer and never shown again; `command` is the line that starts the agent. Send an Idempotency-Key to repeat the request safely.",
	}, s.createNode)
	add(s, Route{
		Verb: fleet.NodeView, ID: "node.list", Method: http.MethodGet, Path: "/nodes", List: &store.NodeList, Summary: "List nodes",
	}, s.nodes)
	add(s, Route{
		Verb: fleet.NodeView, Method: http.MethodGet, Path: "/nodes/{id}", Summary: "Show a node",
	}, s.node)
	add(s, Route{
		Verb: fleet.NodeEdit, Method: http.MethodPatch, Path: "/nodes/{id}", Summary: "Change a node",
		Help: "What is left out stays as it is; `labels` are replaced as a whole. Send the ETag as If-Match, so that nobody's change is lost.",
	}, s.editNode)
	add(s, Route{
		Verb: fleet.NodeDelete, Method: http.MethodDelete, Path: "/nodes/{id}", Summary: "Remove a node without containers",
		Help: "Its credential ends and its connection is cut at once.",
	}, s.deleteNode)
	add(s, Route{
		Verb: fleet.NodeCredentialRotate, Method: http.MethodPost, Path: "/nodes/{id}/credential/rotate", Status: http.StatusCreated,
		Summary: "Replace a node's credential",
		Help:    "The old one ends and its connection is cut at once. The new token is in this answer and never shown again.",
	}, s.rotateCredential)
	add(s, Route{
		Verb: fleet.NodeCredentialRevoke, Method: http.MethodDelete, Path: "/nodes/{id}/credential", Summary: "Take a node's credential away",
		Help: "Its connection is cut at once. What the node runs goes on running.",
	}, s.revokeCredential)
}

type newNodeInput struct {
	RepeatableInput
	Body struct {
		Name        string            `json:"name" example:"edge-1"`
		Description string            `json:"description,omitempty"`
		ClusterID   *id.ClusterID     `json:"cluster_id,omitempty" format:"uuid"`
		Labels      map[string]string `json:"labels,omitempty"`
	}
}

// enrolmentBody is a node that is to be joined, in the shape of DESIGN §10.
type enrolmentBody struct {
	ID          id.NodeID     `json:"id" format:"uuid"`
	Name        string        `json:"name"`
	Description string        `json:"description"`
	ClusterID   *id.ClusterID `json:"cluster_id,omitempty" format:"uuid"`
	CreatedAt   time.Time     `json:"createdAt"`
	Token       string        `json:"token" doc:"the agent's credential: shown this once"`
	Command     string        `json:"command" doc:"starts the agent, ready to be pasted on the machine"`
}

type enrolmentOutput struct{ Body enrolmentBody }

func showEnrolment(e actions.Enrolment) *enrolmentOutput {
	return &enrolmentOutput{Body: enrolmentBody{
		ID: e.Node.ID, Name: e.Node.Name, Description: e.Node.Description, ClusterID: e.Node.ClusterID,
		CreatedAt: e.Node.CreatedAt, Token: e.Token, Command: e.Command,
	}}
}

func (s *Server) createNode(ctx context.Context, actor authz.Actor, in *newNodeInput) (*enrolmentOutput, error) {
	e, err := s.Actions.CreateNode(ctx, actor, actions.NewNode{
		Name: in.Body.Name, Description: in.Body.Description, ClusterID: in.Body.ClusterID, Labels: in.Body.Labels,
		Key: in.IdempotencyKey,
	})
	return showEnrolment(e), err
}

// nodeBody is a node as Postgres and its last heartbeat know it.
type nodeBody struct {
	ID            id.NodeID         `json:"id" format:"uuid"`
	Name          string            `json:"name"`
	Description   string            `json:"description"`
	Generation    int64             `json:"generation" doc:"grows with every edit; its ETag"`
	ClusterID     *id.ClusterID     `json:"cluster_id,omitempty" format:"uuid"`
	Labels        map[string]string `json:"labels"`
	PortPools     []spec.Pool       `json:"portPools" doc:"where host ports that nobody names come from; empty: 20000 to 29999 on every address"`
	CreatedAt     time.Time         `json:"createdAt"`
	JoinedAt      *time.Time        `json:"joinedAt,omitempty" doc:"when its agent first said hello"`
	Hostname      string            `json:"hostname,omitempty"`
	MachineID     string            `json:"machineId,omitempty"`
	Arch          string            `json:"arch,omitempty"`
	AgentVersion  string            `json:"agentVersion,omitempty"`
	DockerVersion string            `json:"dockerVersion,omitempty"`
	Offer         resourcesBody     `json:"offer" doc:"what the node gives to containers"`
	Reserved      resourcesBody     `json:"reserved" doc:"what its containers were promised"`
	CareBody
	LifeBody
}

// LifeBody is how a node is.
type LifeBody struct {
	Status        string          `json:"status" enum:"healthy,unhealthy"`
	State         fleet.NodeState `json:"state" enum:"joining,healthy,suspect,unhealthy,returning"`
	Since         time.Time       `json:"since"`
	Reason        string          `json:"reason"`
	LastHeartbeat *time.Time      `json:"lastHeartbeat,omitempty"`
	Capacity      resourcesBody   `json:"capacity" doc:"what can still be promised"`
	Rev           int64           `json:"rev" doc:"revision of what the node should run"`
	AppliedRev    int64           `json:"appliedRev" doc:"revision that its agent has reached"`
	Live          *liveBody       `json:"live,omitempty" doc:"from its last heartbeat; missing when none came lately"`
}

// liveBody is what a node said of itself in its last heartbeat.
type liveBody struct {
	DockerOK      bool          `json:"dockerOk"`
	GuardOK       bool          `json:"guardOk"`
	Usage         resourcesBody `json:"usage" doc:"what the whole machine uses"`
	UptimeSeconds int64         `json:"uptimeSeconds"`
	Containers    int           `json:"containers"`
}

func showNode(n fleet.Node, seen map[id.NodeID]presence.View) nodeBody {
	body := nodeBody{
		ID: n.ID, Name: n.Name, Description: n.Description, Generation: n.Generation, ClusterID: n.ClusterID, Labels: n.Labels, PortPools: append([]spec.Pool{}, n.Pools...),
		CreatedAt: n.CreatedAt, JoinedAt: n.JoinedAt, Hostname: n.Hostname, MachineID: n.MachineID, Arch: n.Arch,
		AgentVersion: n.AgentVersion, DockerVersion: n.DockerVersion,
		Offer: showRoom(n.Health.Offer), Reserved: showRoom(n.Health.Reserved), CareBody: showCare(n), LifeBody: showLife(n, seen),
	}
	if body.Labels == nil {
		body.Labels = map[string]string{}
	}
	return body
}

// showLife joins the two views of a node: presence is newer where it has one.
func showLife(n fleet.Node, seen map[id.NodeID]presence.View) LifeBody {
	h := n.Health
	life := LifeBody{
		Status: h.State.Status(), State: h.State, Since: h.Since, Reason: h.Reason, LastHeartbeat: h.LastHeartbeat,
		Capacity: showRoom(h.Free()), Rev: h.Rev, AppliedRev: h.AppliedRev,
	}
	v, ok := seen[n.ID]
	if !ok {
		return life
	}
	life.LastHeartbeat, life.AppliedRev = &v.LastHeartbeat, v.AppliedRev
	life.Live = &liveBody{DockerOK: v.DockerOK, GuardOK: v.GuardOK}
	if t := v.Telemetry; t != nil {
		life.Live.UptimeSeconds, life.Live.Containers = t.UptimeSeconds, t.Containers
		life.Live.Usage = showRoom(spec.Resources{
			CPU: spec.CPUFromCores(t.CPUUsed), Memory: spec.Bytes(t.MemoryUsed), Disk: spec.Bytes(t.DiskUsed),
		})
	}
	return life
}

type nodesInput struct {
	PageQuery
	Cluster id.ClusterID `query:"cluster_id" format:"uuid" doc:"only those of this cluster"`
}

type nodesOutput struct{ Body page[nodeBody] }

func (s *Server) nodes(ctx context.Context, actor authz.Actor, in *nodesInput) (*nodesOutput, error) {
	nodes, next, err := s.Actions.Nodes(ctx, actor, store.NodeFilter{Page: in.page(), Cluster: optional(in.Cluster)})
	if err != nil {
		return nil, err
	}
	seen, err := s.Presence.Nodes(ctx, idsOf(nodes))
	show := func(n fleet.Node) nodeBody { return showNode(n, seen) }
	return &nodesOutput{Body: pageOf(nodes, next, show)}, err
}

func idsOf(nodes []fleet.Node) []id.NodeID {
	ids := make([]id.NodeID, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID
	}
	return ids
}

type NodeInput struct {
	ID id.NodeID `path:"id" format:"uuid"`
}

type nodeOutput struct {
	ETag string `header:"ETag"`
	Body nodeBody
}

func (s *Server) node(ctx context.Context, actor authz.Actor, in *NodeInput) (*nodeOutput, error) {
	n, err := s.Actions.Node(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	return s.answerNode(ctx, n)
}

func (s *Server) answerNode(ctx context.Context, n fleet.Node) (*nodeOutput, error) {
	seen, err := s.Presence.Nodes(ctx, []id.NodeID{n.ID})
	return &nodeOutput{ETag: etag(n.Generation), Body: showNode(n, seen)}, err
}

type editNodeInput struct {
	NodeInput
	GuardedInput
	Body struct {
		Name        *string           `json:"name,omitempty"`
		Description *string           `json:"description,omitempty"`
		Labels      map[string]string `json:"labels,omitempty"`
		PortPools   []spec.Pool       `json:"portPools,omitempty" doc:"all of them anew: where host ports that nobody names come from, in this order; empty: 20000 to 29999 on every address"`
		ClusterID   *string           `json:"cluster_id,omitempty" doc:"the id of a cluster, or an empty text to leave the one it is in"`
	}
}

func (s *Server) editNode(ctx context.Context, actor authz.Actor, in *editNodeInput) (*nodeOutput, error) {
	edit := actions.NodeEdit{Name: in.Body.Name, Description: in.Body.Description, Labels: in.Body.Labels, Pools: in.Body.PortPools}
	var err error
	if edit.Generation, err = generationOf(in.IfMatch); err != nil {
		return nil, err
	}
	if edit.LeaveCluster, err = idOrNone("cluster_id", in.Body.ClusterID, &edit.ClusterID); err != nil {
		return nil, err
	}
	n, err := s.Actions.EditNode(ctx, actor, in.ID, edit)
	if err != nil {
		return nil, err
	}
	return s.answerNode(ctx, n)
}

// idOrNone reads an id from a field in which an empty text means none, and
// nothing that all stays as it is.
func idOrNone[K id.Kind](field string, text *string, into **id.Of[K]) (none bool, err error) {
	if text == nil || *text == "" {
		return text != nil, nil
	}
	found := new(id.Of[K])
	if err := found.UnmarshalText([]byte(*text)); err != nil {
		return false, fleet.InvalidFields(spec.Fault{Field: field, Message: err.Error()})
	}
	*into = found
	return false, nil
}

func (s *Server) deleteNode(ctx context.Context, actor authz.Actor, in *NodeInput) (*struct{}, error) {
	return nil, s.Actions.DeleteNode(ctx, actor, in.ID)
}

type rotateInput struct {
	NodeInput
	RepeatableInput
}

func (s *Server) rotateCredential(ctx context.Context, actor authz.Actor, in *rotateInput) (*enrolmentOutput, error) {
	e, err := s.Actions.RotateCredential(ctx, actor, in.ID, in.IdempotencyKey)
	return showEnrolment(e), err
}

func (s *Server) revokeCredential(ctx context.Context, actor authz.Actor, in *NodeInput) (*struct{}, error) {
	return nil, s.Actions.RevokeCredential(ctx, actor, in.ID)
}
