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

// cordonRoutes are those by which people take nodes out of service.
func (s *Server) cordonRoutes() {
	add(s, Route{
		Verb: fleet.NodeCordon, Method: http.MethodPost, Path: "/nodes/{id}/cordon", Summary: "Keep new containers away from a node",
		Help: "What is on it stays.",
	}, s.cordon)
	add(s, Route{
		Verb: fleet.NodeCordon, ID: "node.uncordon", Method: http.MethodPost, Path: "/nodes/{id}/uncordon", Summary: "Let a node have new containers again",
		Help: "Also ends the quarantine of a node that was lost too often.",
	}, s.uncordon)
	add(s, Route{
		Verb: fleet.NodeDrain, Method: http.MethodPost, Path: "/nodes/{id}/drain", Status: http.StatusAccepted, Summary: "Have a node's containers moved to others",
		Help: "The node is cordoned and stays so. The job tells how far it has come; what has not left when the time is over is moved by force. Send an Idempotency-Key to repeat the request safely.",
	}, s.drain)
	add(s, Route{
		Verb: fleet.NodeDrain, ID: "node.drain.cancel", Method: http.MethodDelete, Path: "/nodes/{id}/drain", Status: http.StatusOK, Summary: "Cancel a drain",
		Help: "What has not changed its node stays. The node stays cordoned.",
	}, s.cancelDrain)
	add(s, Route{
		Verb: fleet.NodeConfirmDead, Method: http.MethodPost, Path: "/nodes/{id}/confirm-dead", Summary: "Vouch that a silent node does not run",
		Help: "Its ha containers move at once, without waiting for its window or its leases. If the machine runs after all, exclusive containers can run twice.",
	}, s.confirmDead)
}

// ReasonBody is why somebody does something, in his own words.
type ReasonBody struct {
	Reason string `json:"reason,omitempty"`
}

type nodeReasonInput struct {
	NodeInput
	Body *ReasonBody `required:"false"`
}

func (b *ReasonBody) text() string {
	if b == nil {
		return ""
	}
	return b.Reason
}

func (s *Server) cordon(ctx context.Context, actor authz.Actor, in *nodeReasonInput) (*nodeOutput, error) {
	return s.answerChanged(ctx)(s.Actions.CordonNode(ctx, actor, in.ID, in.Body.text()))
}

func (s *Server) uncordon(ctx context.Context, actor authz.Actor, in *NodeInput) (*nodeOutput, error) {
	return s.answerChanged(ctx)(s.Actions.UncordonNode(ctx, actor, in.ID))
}

func (s *Server) confirmDead(ctx context.Context, actor authz.Actor, in *nodeReasonInput) (*nodeOutput, error) {
	return s.answerChanged(ctx)(s.Actions.ConfirmDead(ctx, actor, in.ID, in.Body.text()))
}

func (s *Server) answerChanged(ctx context.Context) func(fleet.Node, error) (*nodeOutput, error) {
	return func(n fleet.Node, err error) (*nodeOutput, error) {
		if err != nil {
			return nil, err
		}
		return s.answerNode(ctx, n)
	}
}

type drainInput struct {
	NodeInput
	RepeatableInput
	Body *struct {
		TimeoutSeconds  int    `json:"timeoutSeconds,omitempty" minimum:"1" maximum:"86400" default:"600" doc:"what has not left after it is moved by force"`
		IncludeStandard bool   `json:"includeStandard,omitempty" doc:"standard containers leave as well, but for those with data in volumes of their own"`
		Reason          string `json:"reason,omitempty"`
	} `required:"false"`
}

func (s *Server) drain(ctx context.Context, actor authz.Actor, in *drainInput) (*jobOutput, error) {
	d := actions.Drain{Key: in.IdempotencyKey}
	if b := in.Body; b != nil {
		d.Timeout, d.Standard, d.Reason = time.Duration(b.TimeoutSeconds)*time.Second, b.IncludeStandard, b.Reason
	}
	j, err := s.Actions.DrainNode(ctx, actor, in.ID, d)
	return &jobOutput{Body: showJob(j)}, err
}

func (s *Server) cancelDrain(ctx context.Context, actor authz.Actor, in *NodeInput) (*nodeOutput, error) {
	return s.answerChanged(ctx)(s.Actions.CancelDrain(ctx, actor, in.ID))
}

// CareBody is how people and the controller treat a node.
type CareBody struct {
	Cordoned     bool       `json:"cordoned" doc:"is given nothing new"`
	CordonedAt   *time.Time `json:"cordonedAt,omitempty"`
	CordonReason string     `json:"cordonReason,omitempty"`
	Drain        *drainBody `json:"drain,omitempty" doc:"missing: it is not being emptied"`
	Quarantined  bool       `json:"quarantined" doc:"was lost too often to be given anything for a while"`
	Profile      string     `json:"profile,omitempty" doc:"of its cluster; missing: the controller's own"`
	Window       string     `json:"window,omitempty" doc:"of a custom profile, such as 12s"`
}

// drainBody is the emptying of a node.
type drainBody struct {
	JobID           id.JobID  `json:"jobId" format:"uuid"`
	Deadline        time.Time `json:"deadline"`
	IncludeStandard bool      `json:"includeStandard"`
	Reason          string    `json:"reason,omitempty"`
}

func showCare(n fleet.Node) CareBody {
	care := CareBody{
		Cordoned: n.CordonedAt != nil, CordonedAt: n.CordonedAt, CordonReason: n.CordonReason, Quarantined: n.Health.Quarantined,
		Profile: n.Profile, Window: showSpan(n.Window),
	}
	if d := n.Drain; d != nil {
		care.Drain = &drainBody{JobID: d.JobID, Deadline: d.Deadline, IncludeStandard: d.Standard, Reason: d.Reason}
	}
	return care
}
