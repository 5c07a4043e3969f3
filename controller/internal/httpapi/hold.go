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

// holdRoutes are about the fleet as a whole.
func (s *Server) holdRoutes() {
	add(s, Route{
		Verb: fleet.FleetView, Method: http.MethodGet, Path: "/fleet", Summary: "Show whether failovers are held, and why",
	}, s.fleet)
	add(s, Route{
		Verb: fleet.FleetHold, Method: http.MethodPost, Path: "/fleet/hold", Summary: "Hold all failovers",
		Help: "No node is declared lost until `POST /fleet/release`, also over a restart of the controller. Moves that people ask for go on.",
	}, s.holdFleet)
	add(s, Route{
		Verb: fleet.FleetRelease, Method: http.MethodPost, Path: "/fleet/release", Summary: "Release held failovers",
		Help: "Ends an operator's hold, accepts the silence that there is as true, and takes over what agents know better than a database that was restored from a backup.",
	}, s.releaseFleet)
}

// holdBody is one reason why nothing is declared lost.
type holdBody struct {
	Kind      string        `json:"kind" enum:"operator,state_regressed,self_probe,silence,site_outage"`
	ClusterID *id.ClusterID `json:"cluster_id,omitempty" format:"uuid" doc:"where it holds one cluster only"`
	Reason    string        `json:"reason" doc:"with the way out"`
	Since     time.Time     `json:"since"`
}

// regressionBody is a container of which a node knows a later epoch than the
// database.
type regressionBody struct {
	ContainerID id.ContainerID `json:"containerId" format:"uuid"`
	NodeID      id.NodeID      `json:"nodeId" format:"uuid"`
	Epoch       int64          `json:"epoch"`
	SeenAt      time.Time      `json:"seenAt"`
}

type fleetOutput struct {
	Body struct {
		Held        bool       `json:"held" doc:"no node is declared lost now"`
		Kind        string     `json:"kind,omitempty"`
		Reason      string     `json:"reason,omitempty"`
		Since       *time.Time `json:"since,omitempty"`
		Holds       []holdBody `json:"holds"`
		GraceUntil  *time.Time `json:"graceUntil,omitempty" doc:"no node is declared lost before: the controller has just begun, or was deaf"`
		Authority   bool       `json:"authority" doc:"this controller decides; another may stand by"`
		Open        bool       `json:"open" doc:"nodes may be declared lost: nothing holds the whole fleet, the database answers, this controller decides and has read all that agents sent"`
		Term        int64      `json:"term" doc:"grows with every change of the active controller"`
		Joined      int        `json:"joined" doc:"nodes that an agent ever was on"`
		Talking     int        `json:"talking"`
		Silent      int        `json:"silent" doc:"and not given up"`
		Lost        int        `json:"lost"`
		Quarantined int        `json:"quarantined" doc:"lost too often to be given anything for a while"`
		Operator    struct {
			Held      bool       `json:"held"`
			Reason    string     `json:"reason,omitempty"`
			ChangedBy *id.UserID `json:"changedBy,omitempty" format:"uuid"`
			ChangedAt *time.Time `json:"changedAt,omitempty"`
		} `json:"operator" doc:"what an operator said last"`
		Regressions []regressionBody `json:"regressions" doc:"containers that a node knows better than the database, which was restored from a backup"`
	}
}

func answerFleet(f actions.FleetReport, err error) (*fleetOutput, error) {
	out := &fleetOutput{}
	b := &out.Body
	b.Held, b.Kind, b.Reason, b.Since = f.Held, f.Kind, f.Reason, moment(f.Since)
	b.GraceUntil, b.Authority, b.Open, b.Term = moment(f.GraceUntil), f.Authority, f.Open, f.Term
	b.Joined, b.Talking, b.Silent, b.Lost, b.Quarantined = f.Joined, f.Talking, f.Silent, f.Lost, f.Quarantined
	b.Operator.Held, b.Operator.Reason = f.Operator.Held, f.Operator.Reason
	b.Operator.ChangedBy, b.Operator.ChangedAt = f.Operator.ChangedBy, moment(f.Operator.ChangedAt)
	b.Holds = pageOf(f.Holds, "", func(h actions.Hold) holdBody {
		return holdBody{Kind: h.Kind, ClusterID: optional(h.Cluster), Reason: h.Reason, Since: h.Since}
	}).Items
	b.Regressions = make([]regressionBody, len(f.Regressions))
	for i, r := range f.Regressions {
		b.Regressions[i] = regressionBody{ContainerID: r.Container, NodeID: r.Node, Epoch: r.Epoch, SeenAt: r.SeenAt}
	}
	return out, err
}

// moment is nil for a time that is not set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) fleet(ctx context.Context, actor authz.Actor, _ *struct{}) (*fleetOutput, error) {
	return answerFleet(s.Actions.Fleet(ctx, actor))
}

type holdInput struct {
	Body *ReasonBody `required:"false"`
}

func (s *Server) holdFleet(ctx context.Context, actor authz.Actor, in *holdInput) (*fleetOutput, error) {
	return answerFleet(s.Actions.HoldFleet(ctx, actor, in.Body.text()))
}

func (s *Server) releaseFleet(ctx context.Context, actor authz.Actor, _ *struct{}) (*fleetOutput, error) {
	return answerFleet(s.Actions.ReleaseFleet(ctx, actor))
}
