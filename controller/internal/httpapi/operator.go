package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// What operators say of nodes, and of the fleet as a whole.

func (s *Server) operatorRoutes() {
	add(s, Route{
		Verb: fleet.NodeCordon, ID: "node.cordon", Method: http.MethodPost, Path: "/nodes/{id}/cordon", Summary: "Give a node nothing new",
	}, s.cordon)
	add(s, Route{
		Verb: fleet.NodeCordon, ID: "node.uncordon", Method: http.MethodPost, Path: "/nodes/{id}/uncordon", Summary: "Give a node containers again",
		Help: "Also ends its quarantine, if it came and went too often.",
	}, s.uncordon)
	add(s, Route{
		Verb: fleet.NodeDrain, ID: "node.drain", Method: http.MethodPost, Path: "/nodes/{id}/drain", Status: http.StatusAccepted, Summary: "Move everything away from a node",
		Help: "The node is cordoned. What has not left when the time is over is moved by force.",
	}, s.drain)
	add(s, Route{
		Verb: fleet.NodeDrain, ID: "node.drain.cancel", Method: http.MethodDelete, Path: "/nodes/{id}/drain", Summary: "Stop emptying a node",
		Help: "It stays cordoned.",
	}, s.cancelDrain)
	add(s, Route{
		Verb: fleet.NodeConfirmDead, Method: http.MethodPost, Path: "/nodes/{id}/confirm-dead", Summary: "Vouch that a silent node does not run",
		Help: "What was on it moves at once, without waiting for its window or its leases: be certain.",
	}, s.confirmDead)
	add(s, Route{
		Verb: fleet.FleetView, Method: http.MethodGet, Path: "/fleet", Summary: "Show whether failovers are held, and why",
	}, s.fleet)
	add(s, Route{
		Verb: fleet.FleetHold, Method: http.MethodPost, Path: "/fleet/hold", Summary: "Keep every node from being declared lost",
	}, s.holdFleet)
	add(s, Route{
		Verb: fleet.FleetRelease, Method: http.MethodPost, Path: "/fleet/release", Summary: "End a hold",
	}, s.releaseFleet)
}

// reasonBody is what is said of why.
type reasonBody struct {
	Reason string `json:"reason,omitempty"`
}

type nodeReasonInput struct {
	NodeInput
	Body reasonBody
}

func (s *Server) cordon(ctx context.Context, actor authz.Actor, in *nodeReasonInput) (*nodeOutput, error) {
	return s.nodeAfter(ctx)(s.Actions.CordonNode(ctx, actor, in.ID, in.Body.Reason))
}

func (s *Server) uncordon(ctx context.Context, actor authz.Actor, in *NodeInput) (*nodeOutput, error) {
	return s.nodeAfter(ctx)(s.Actions.UncordonNode(ctx, actor, in.ID))
}

func (s *Server) cancelDrain(ctx context.Context, actor authz.Actor, in *NodeInput) (*nodeOutput, error) {
	return s.nodeAfter(ctx)(s.Actions.CancelDrain(ctx, actor, in.ID))
}

func (s *Server) confirmDead(ctx context.Context, actor authz.Actor, in *nodeReasonInput) (*nodeOutput, error) {
	return s.nodeAfter(ctx)(s.Actions.ConfirmDead(ctx, actor, in.ID, in.Body.Reason))
}

// nodeAfter answers with a node as it is after what was done to it.
func (s *Server) nodeAfter(ctx context.Context) func(fleet.Node, error) (*nodeOutput, error) {
	return func(n fleet.Node, err error) (*nodeOutput, error) {
		if err != nil {
			return nil, err
		}
		return s.answerNode(ctx, n)
	}
}

type drainInput struct {
	NodeInput
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255"`
	Body           struct {
		TimeoutSeconds  int    `json:"timeoutSeconds,omitempty" doc:"left out: ten minutes"`
		IncludeStandard bool   `json:"includeStandard,omitempty" doc:"standard containers leave as well"`
		Reason          string `json:"reason,omitempty"`
	}
}

func (s *Server) drain(ctx context.Context, actor authz.Actor, in *drainInput) (*jobOutput, error) {
	j, err := s.Actions.DrainNode(ctx, actor, in.ID, actions.Drain{
		Timeout: time.Duration(in.Body.TimeoutSeconds) * time.Second, Standard: in.Body.IncludeStandard, Reason: in.Body.Reason, Key: in.IdempotencyKey,
	})
	return &jobOutput{Body: showJob(j)}, err
}

// fleetBody is the fleet as a whole.
type fleetBody struct {
	Held        bool       `json:"held" doc:"no node is declared lost, so that nothing moves by itself"`
	Kind        string     `json:"kind,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Since       *time.Time `json:"since,omitempty"`
	Holds       []holdBody `json:"holds"`
	Joined      int        `json:"joined"`
	Talking     int        `json:"talking"`
	Silent      int        `json:"silent"`
	Lost        int        `json:"lost"`
	Quarantined int        `json:"quarantined"`
	GraceUntil  *time.Time `json:"graceUntil,omitempty"`
	Authority   bool       `json:"authority" doc:"this controller leases and decides"`
	Term        int64      `json:"term"`
}

type holdBody struct {
	Kind      string        `json:"kind"`
	ClusterID *id.ClusterID `json:"clusterId,omitempty" format:"uuid"`
	Reason    string        `json:"reason"`
	Since     time.Time     `json:"since"`
}

type fleetOutput struct{ Body fleetBody }

func showFleet(r actions.FleetReport, err error) (*fleetOutput, error) {
	f := r.FleetView
	out := &fleetOutput{Body: fleetBody{
		Held: f.Held, Kind: f.Kind, Reason: f.Reason, Since: moment(f.Since), Holds: make([]holdBody, len(f.Holds)),
		Joined: f.Joined, Talking: f.Talking, Silent: f.Silent, Lost: f.Lost, Quarantined: f.Quarantined,
		GraceUntil: moment(f.GraceUntil), Authority: f.Authority, Term: f.Term,
	}}
	for i, h := range f.Holds {
		out.Body.Holds[i] = holdBody{Kind: h.Kind, ClusterID: optional(h.Cluster), Reason: h.Reason, Since: h.Since}
	}
	return out, err
}

// moment is a time, or nil where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) fleet(ctx context.Context, actor authz.Actor, _ *struct{}) (*fleetOutput, error) {
	return showFleet(s.Actions.Fleet(ctx, actor))
}

type holdInput struct{ Body reasonBody }

func (s *Server) holdFleet(ctx context.Context, actor authz.Actor, in *holdInput) (*fleetOutput, error) {
	return showFleet(s.Actions.HoldFleet(ctx, actor, in.Body.Reason))
}

func (s *Server) releaseFleet(ctx context.Context, actor authz.Actor, _ *struct{}) (*fleetOutput, error) {
	return showFleet(s.Actions.ReleaseFleet(ctx, actor))
}
