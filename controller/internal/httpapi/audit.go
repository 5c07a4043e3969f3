package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func (s *Server) auditRoutes() {
	add(s, Route{
		Verb: fleet.AuditView, Method: http.MethodGet, Path: "/audit", Summary: "Read the audit trail, newest first",
	}, s.audit)
}

type auditInput struct {
	PageQuery
	Verb    string    `query:"verb" maxLength:"60" example:"container.create"`
	Outcome string    `query:"outcome" enum:"ok,denied,failed"`
	Actor   uuid.UUID `query:"actor" format:"uuid" doc:"id of the user, API token or node that acted"`
	Target  uuid.UUID `query:"target" format:"uuid" doc:"id of what it was done to"`
	Since   time.Time `query:"since" doc:"at this time or later"`
	Until   time.Time `query:"until" doc:"before this time"`
}

type auditOutput struct {
	Body page[auditBody]
}

type auditBody struct {
	ID        id.AuditID     `json:"id"`
	At        time.Time      `json:"at"`
	Actor     partyBody      `json:"actor"`
	Verb      fleet.Verb     `json:"verb"`
	Target    *partyBody     `json:"target,omitempty"`
	Outcome   fleet.Outcome  `json:"outcome" enum:"ok,denied,failed"`
	Reason    string         `json:"reason,omitempty"`
	Address   string         `json:"address,omitempty"`
	RequestID string         `json:"requestId,omitempty"`
	Detail    map[string]any `json:"detail,omitempty"`
}

// partyBody is who acted, or what it was done to.
type partyBody struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty" format:"uuid"`
	Name string `json:"name,omitempty"`
}

func showParty(kind string, key uuid.UUID, name string) partyBody {
	p := partyBody{Kind: kind, Name: name}
	if key != uuid.Nil {
		p.ID = key.String()
	}
	return p
}

func showAudit(e fleet.AuditEntry) auditBody {
	shown := auditBody{
		ID: e.ID, At: e.At, Actor: showParty(string(e.ActorKind), e.ActorID, e.ActorName), Verb: e.Verb,
		Outcome: e.Outcome, Reason: e.Reason, Address: e.Address, RequestID: e.RequestID, Detail: e.Detail,
	}
	if e.TargetKind != "" {
		target := showParty(e.TargetKind, e.TargetID, e.TargetName)
		shown.Target = &target
	}
	return shown
}

func (s *Server) audit(ctx context.Context, actor authz.Actor, in *auditInput) (*auditOutput, error) {
	if err := actor.Check(fleet.AuditView, authz.Everything); err != nil {
		s.auditDenied(ctx, fleet.AuditView, actor, err)
		return nil, err
	}
	entries, next, err := s.Store.Audit(ctx, store.AuditFilter{
		Page: in.page(), Verb: fleet.Verb(in.Verb), Outcome: fleet.Outcome(in.Outcome),
		Actor: in.Actor, Target: in.Target, Since: in.Since, Until: in.Until,
	})
	return &auditOutput{Body: pageOf(entries, next, showAudit)}, err
}
