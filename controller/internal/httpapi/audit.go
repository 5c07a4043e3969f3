package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func (s *Server) auditRoutes() {
	add(s, Route{
		Verb: fleet.AuditView, Method: http.MethodGet, Path: "/audit", List: &store.AuditList, Summary: "Read the audit trail",
		Help: "Who did what to what, from where, and how it ended: what was refused is in it, and with a change what it made of what. It holds no secrets.",
	}, s.audit)
	add(s, Route{
		Verb: fleet.AuditView, ID: "audit.export", Method: http.MethodGet, Path: "/audit/export", Summary: "Write the audit trail as lines of JSON, newest first",
		Help:   "All of it that the parameters let through, an entry a line, as it was when the export began. When it breaks off, the connection is cut.",
		Stream: ndjson,
	}, s.exportAudit)
}

// AuditQuery says what of the audit trail.
type AuditQuery struct {
	Verb       string    `query:"verb" maxLength:"60" pattern:"^[a-z.-]+([.][*])?$" patternDescription:"a verb, or a part of one with .* behind it" example:"container.create" doc:"also container.* for all of a noun"`
	Outcome    string    `query:"outcome" enum:"ok,denied,failed"`
	Actor      uuid.UUID `query:"actor" format:"uuid" doc:"id of the user, API token or node that acted"`
	TargetKind string    `query:"targetKind" maxLength:"60" example:"container" doc:"what sort of thing it was done to"`
	Target     uuid.UUID `query:"target" format:"uuid" doc:"id of what it was done to"`
	Address    string    `query:"address" maxLength:"60" example:"192.0.2.7" doc:"where it came from"`
	Since      time.Time `query:"since" doc:"at this time or later"`
	Until      time.Time `query:"until" doc:"before this time"`
}

func (q AuditQuery) filter(p store.Page) store.AuditFilter {
	return store.AuditFilter{
		Page: p, Verb: q.Verb, Outcome: fleet.Outcome(q.Outcome), Actor: q.Actor, TargetKind: q.TargetKind, Target: q.Target,
		Address: q.Address, Since: q.Since, Until: q.Until,
	}
}

type auditInput struct {
	PageQuery
	AuditQuery
}

type exportInput struct {
	SearchQuery
	AuditQuery
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
	Detail    map[string]any `json:"detail,omitempty" doc:"what there is to say besides"`
	Before    map[string]any `json:"before,omitempty" doc:"of a change: the fields that it changed, as they were"`
	After     map[string]any `json:"after,omitempty" doc:"and as they are since"`
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
		Outcome: e.Outcome, Reason: e.Reason, Address: e.Address, RequestID: e.RequestID,
		Detail: e.Detail, Before: e.Before, After: e.After,
	}
	if e.TargetKind != "" {
		target := showParty(e.TargetKind, e.TargetID, e.TargetName)
		shown.Target = &target
	}
	return shown
}

func (s *Server) audit(ctx context.Context, actor authz.Actor, in *auditInput) (*auditOutput, error) {
	if err := s.mayReadAudit(ctx, actor); err != nil {
		return nil, err
	}
	entries, next, err := s.Store.Audit(ctx, in.filter(in.page()))
	return &auditOutput{Body: pageOf(entries, next, showAudit)}, err
}

func (s *Server) mayReadAudit(ctx context.Context, actor authz.Actor) error {
	err := actor.Check(fleet.AuditView, authz.Everything)
	if err != nil {
		s.auditDenied(ctx, fleet.AuditView, actor, err)
	}
	return err
}

// exportAudit streams the trail a page at a time, so that it takes no more
// memory for a year than for a day. Its first page is read before the answer
// begins: until then it can still become a problem.
func (s *Server) exportAudit(ctx context.Context, actor authz.Actor, in *exportInput) (*huma.StreamResponse, error) {
	if err := s.mayReadAudit(ctx, actor); err != nil {
		return nil, err
	}
	next, stop := iter.Pull2(s.Store.AuditPages(s.ctx, in.filter(store.Page{Q: in.Q})))
	first, err, _ := next()
	if err != nil {
		stop()
		return nil, err
	}
	write := func(w *bufio.Writer) error {
		for page, more := first, true; more; page, err, more = next() {
			if err != nil {
				return err
			}
			if err := writeAudit(w, page); err != nil {
				return err
			}
		}
		return nil
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		c := humafiber.Unwrap(hc)
		conn := c.Context().Conn()
		c.Set(fiber.HeaderContentType, ndjson)
		c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
			defer stop()
			if write(w) != nil {
				_ = conn.Close() // or a part would look like the whole
			}
		})
	}}, nil
}

const ndjson = "application/x-ndjson"

func writeAudit(w *bufio.Writer, entries []fleet.AuditEntry) error {
	lines := json.NewEncoder(w)
	for _, e := range entries {
		if err := lines.Encode(showAudit(e)); err != nil {
			return err
		}
	}
	return w.Flush()
}
