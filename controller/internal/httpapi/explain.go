package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func (s *Server) explainRoutes() {
	add(s, Route{
		Verb: fleet.AuthzExplain, Method: http.MethodPost, Path: "/authz/explain", Summary: "Say why somebody may do a thing, or may not",
		Help: "Of yourself you may always ask; of others with `user.view`. The answer names every role, how it is inherited, and the binding or ownership by which it reaches the target.",
	}, s.explain)
}

type explainInput struct {
	Body struct {
		UserID *id.UserID `json:"userId,omitempty" format:"uuid" doc:"left out: yourself"`
		Verb   string     `json:"verb" maxLength:"60" example:"container.start" doc:"with dots or colons"`
		Target *struct {
			Kind string    `json:"kind" enum:"cluster,node,container"`
			ID   uuid.UUID `json:"id" format:"uuid"`
		} `json:"target,omitempty" doc:"left out: everything"`
	}
}

type explainOutput struct{ Body explanationBody }

type explanationBody struct {
	Allowed bool       `json:"allowed"`
	Summary string     `json:"summary" doc:"the answer in a sentence"`
	By      []heldBody `json:"by" doc:"all that allow it"`
	Near    []heldBody `json:"near" doc:"where it is refused: what allows the verb elsewhere"`
}

// heldBody is a permission and where somebody has it from.
type heldBody struct {
	Path       []string    `json:"path" example:"[\"Night shift\",\"Operator\"]" doc:"roles, from the one that was given to the one that has the permission"`
	Permission string      `json:"permission" example:"container.*"`
	Scope      authz.Scope `json:"scope" enum:"global,cluster,node,container,owned"`
	ScopeID    string      `json:"scopeId,omitempty" format:"uuid"`
	ScopeName  string      `json:"scopeName,omitempty" doc:"left out where you may not see the thing"`
	BindingID  string      `json:"bindingId,omitempty" format:"uuid" doc:"missing of what one owns"`
}

func showHeld(list []authz.Held) []heldBody {
	shown := make([]heldBody, len(list))
	for i, h := range list {
		shown[i] = heldBody{Path: h.Path, Permission: h.Permission, Scope: h.Scope, ScopeName: h.Name}
		if h.ScopeID != uuid.Nil {
			shown[i].ScopeID = h.ScopeID.String()
		}
		if !h.Binding.IsZero() {
			shown[i].BindingID = h.Binding.String()
		}
	}
	return shown
}

func (s *Server) explain(ctx context.Context, actor authz.Actor, in *explainInput) (*explainOutput, error) {
	ask := actions.Ask{Verb: fleet.Verb(strings.ReplaceAll(in.Body.Verb, ":", ".")), Kind: fleet.Global}
	if in.Body.UserID != nil {
		ask.User = *in.Body.UserID
	}
	if t := in.Body.Target; t != nil {
		ask.Kind, ask.Target = fleet.Scope(t.Kind), t.ID
	}
	e, err := s.Actions.Explain(ctx, actor, ask)
	return &explainOutput{Body: explanationBody{Allowed: e.Allowed, Summary: e.Summary, By: showHeld(e.By), Near: showHeld(e.Near)}}, err
}
