package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
)

// admit says who knocks and whether he may use the route at all. The actor is
// also good for the log and the audit when the answer is no.
func (s *Server) admit(c *fiber.Ctx, r Route) (authz.Actor, error) {
	rule, _ := authz.RuleOf(r.Verb)
	nobody := authz.Anonymous(address(c), requestID(c))
	if rule.Access == authz.Public || r.Local && local(c) {
		return nobody, nil
	}
	scheme, bearer, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return nobody, fleet.Errorf(fleet.Unauthenticated, "sign in first: send an access token or an API token as Authorization: Bearer …")
	}
	from := authn.Origin{Address: nobody.Address, RequestID: nobody.RequestID}
	actor, err := s.Auth.Authenticate(c.UserContext(), from, strings.TrimSpace(bearer))
	if err != nil {
		return nobody, err
	}
	c.Locals(actorName{}, actor.Name)
	return actor, mayKnock(actor, rule)
}

// actorName is where the access log finds who it was.
type actorName struct{}

// mayKnock is the decision before the target is known.
func mayKnock(actor authz.Actor, rule authz.Rule) error {
	if actor.MustChangePassword && !authz.BeforePassword(rule) {
		return newProblem(passwordMustChange, "this password was set by somebody else: change it at POST /api/v1/auth/password, then go on")
	}
	return actor.MayUse(rule)
}

// refuse is fail for what admit found, with an entry in the audit trail. What
// is refused later, when the target is known, is for actions to note. Refusals
// of strangers are only counted, or anybody could fill the trail.
func (s *Server) refuse(ctx context.Context, r Route, actor authz.Actor, err error) *Problem {
	if actor.Kind != fleet.ActorAnonymous {
		s.auditDenied(ctx, r.Verb, actor, err)
	}
	return s.fail(ctx, r, actor, err)
}

// fail makes a problem of an error and logs what is ours.
func (s *Server) fail(ctx context.Context, r Route, actor authz.Actor, err error) *Problem {
	p, ours := problemOf(err)
	if ours {
		s.logFailure(ctx, r.id(), actor.RequestID, err)
	}
	p.RequestID = actor.RequestID
	return p
}

// logFailure logs the cause behind the words that the user got.
func (s *Server) logFailure(ctx context.Context, operation, requestID string, err error) {
	var f *fleet.Error
	if errors.As(err, &f) && f.Unwrap() != nil {
		err = f.Unwrap()
	}
	s.Log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("operation", operation),
		slog.String("request_id", requestID), slog.Any("error", err))
}

// auditDenied notes what somebody tried who may not. That it cannot be noted
// does not change the answer.
func (s *Server) auditDenied(ctx context.Context, v fleet.Verb, actor authz.Actor, reason error) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	entry := actor.Entry(v)
	entry.Outcome, entry.Reason = fleet.OutcomeDenied, reason.Error()
	err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.InsertAudit(ctx, entry) })
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelError, "could not audit a refusal",
			slog.String("request_id", actor.RequestID), slog.Any("error", err))
	}
}

// bodyHasType refuses a body that does not say what it is: a web page of
// somebody else's can send one of those, but cannot say that it is JSON
// without our consent.
func bodyHasType(ctx huma.Context, next func(huma.Context)) {
	c := humafiber.Unwrap(ctx)
	if len(c.Request().Body()) > 0 && len(c.Request().Header.ContentType()) == 0 {
		_ = writeProblem(c, newProblem(unsupportedMedia, "send the body as JSON, with Content-Type: application/json")) // a Problem can always be encoded
		return
	}
	next(ctx)
}

// address is the other end of the connection.
func address(c *fiber.Ctx) string { return c.Context().RemoteIP().String() }

// local reports whether a request comes from this very machine, and not
// through a proxy that stands on it.
func local(c *fiber.Ctx) bool {
	for _, h := range []string{fiber.HeaderXForwardedFor, fiber.HeaderForwarded, "X-Real-Ip", "Via"} {
		if c.Get(h) != "" {
			return false
		}
	}
	return authn.IsLoopback(address(c))
}
