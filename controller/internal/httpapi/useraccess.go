package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// userAccessRoutes are about how other people get in: their sessions and
// tokens.
func (s *Server) userAccessRoutes() {
	add(s, Route{
		Verb: fleet.UserSessionView, Method: http.MethodGet, Path: "/users/{id}/sessions", List: &store.SessionList, Summary: "List where a user is signed in",
	}, s.userSessions)
	add(s, Route{
		Verb: fleet.UserSessionRevoke, ID: "user.session.revoke.all", Method: http.MethodDelete, Path: "/users/{id}/sessions", Summary: "Sign a user out everywhere",
		Help: reachHelp,
	}, s.revokeUserSessions)
	add(s, Route{
		Verb: fleet.UserSessionRevoke, Method: http.MethodDelete, Path: "/users/{id}/sessions/{session}", Summary: "End a session of a user",
		Help: "Its connections are cut at once. " + reachHelp,
	}, s.revokeUserSession)
	add(s, Route{
		Verb: fleet.UserTokenView, Method: http.MethodGet, Path: "/users/{id}/tokens", List: &store.TokenList, Summary: "List the API tokens of a user",
	}, s.userTokens)
	add(s, Route{
		Verb: fleet.UserTokenRevoke, Method: http.MethodDelete, Path: "/users/{id}/tokens/{token}", Summary: "Take an API token of a user back",
		Help: "Connections made with it are cut at once. " + reachHelp,
	}, s.revokeUserToken)
}

// SessionBody is a sign-in.
type SessionBody struct {
	ID         id.SessionID `json:"id" format:"uuid"`
	Current    bool         `json:"current" doc:"the one that asks"`
	CreatedAt  time.Time    `json:"createdAt"`
	LastUsedAt time.Time    `json:"lastUsedAt" doc:"when its access token was last renewed"`
	ExpiresAt  time.Time    `json:"expiresAt"`
	Address    string       `json:"address" doc:"from which it was begun"`
	UserAgent  string       `json:"userAgent" doc:"as the browser called itself"`
}

// showSessions shows sessions to the actor, who may be in one of them.
func showSessions(actor authz.Actor) func(fleet.Session) SessionBody {
	return func(s fleet.Session) SessionBody {
		return SessionBody{
			ID: s.ID, Current: s.ID == actor.SessionID, CreatedAt: s.CreatedAt, LastUsedAt: s.RotatedAt, ExpiresAt: s.ExpiresAt,
			Address: s.Address, UserAgent: s.UserAgent,
		}
	}
}

type userPageInput struct {
	UserInput
	PageQuery
}

type sessionsOutput struct{ Body page[SessionBody] }

func (s *Server) userSessions(ctx context.Context, actor authz.Actor, in *userPageInput) (*sessionsOutput, error) {
	sessions, next, err := s.Actions.UserSessions(ctx, actor, in.ID, in.page())
	return &sessionsOutput{Body: pageOf(sessions, next, showSessions(actor))}, err
}

func (s *Server) revokeUserSessions(ctx context.Context, actor authz.Actor, in *UserInput) (*struct{}, error) {
	return nil, s.Actions.RevokeUserSessions(ctx, actor, in.ID)
}

type userSessionInput struct {
	UserInput
	Session id.SessionID `path:"session" format:"uuid"`
}

func (s *Server) revokeUserSession(ctx context.Context, actor authz.Actor, in *userSessionInput) (*struct{}, error) {
	return nil, s.Actions.RevokeUserSession(ctx, actor, in.ID, in.Session)
}

func (s *Server) userTokens(ctx context.Context, actor authz.Actor, in *userPageInput) (*tokensOutput, error) {
	tokens, next, err := s.Actions.UserTokens(ctx, actor, in.ID, in.page())
	return &tokensOutput{Body: pageOf(tokens, next, showToken)}, err
}

type userTokenInput struct {
	UserInput
	Token id.TokenID `path:"token" format:"uuid"`
}

func (s *Server) revokeUserToken(ctx context.Context, actor authz.Actor, in *userTokenInput) (*struct{}, error) {
	return nil, s.Actions.RevokeUserToken(ctx, actor, in.ID, in.Token)
}
