package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func (s *Server) tokenRoutes() {
	add(s, Route{
		Verb: fleet.TokenCreate, Method: http.MethodPost, Path: "/auth/tokens", Status: http.StatusCreated,
		Summary: "Make an API token", Help: "The secret is in this answer and never shown again.",
	}, s.createToken)
	add(s, Route{
		Verb: fleet.TokenView, Method: http.MethodGet, Path: "/auth/tokens", List: &store.TokenList, Summary: "List your API tokens",
	}, s.tokens)
	add(s, Route{
		Verb: fleet.TokenRevoke, Method: http.MethodDelete, Path: "/auth/tokens/{id}", Summary: "Take an API token back",
		Help: "Connections made with it are cut at once.",
	}, s.revokeToken)
}

type TokenBody struct {
	ID          id.TokenID `json:"id"`
	Name        string     `json:"name"`
	Permissions []string   `json:"permissions"`
	CreatedAt   time.Time  `json:"createdAt"`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty"`
	LastUsedAt  *time.Time `json:"lastUsedAt,omitempty" doc:"to the minute"`
	LastUsedBy  string     `json:"lastUsedAddress,omitempty" doc:"the address from which it was last used"`
}

func showToken(t fleet.Token) TokenBody {
	return TokenBody{
		ID: t.ID, Name: t.Name, Permissions: t.Permissions,
		CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, LastUsedBy: t.LastUsedAddress,
	}
}

type newTokenInput struct {
	RepeatableInput
	Body struct {
		Name        string     `json:"name" maxLength:"100" example:"grafana"`
		Permissions []string   `json:"permissions" maxItems:"100" example:"[\"node.view\",\"container.*\"]" doc:"what it may do of what you may do"`
		ExpiresAt   *time.Time `json:"expiresAt,omitempty" doc:"without it the token works until it is taken back"`
	}
}

type newTokenOutput struct {
	Body struct {
		TokenBody
		Token string `json:"token" doc:"the secret: send it as Authorization: Bearer …, and as the password of MQTT"`
	}
}

func (s *Server) createToken(ctx context.Context, actor authz.Actor, in *newTokenInput) (*newTokenOutput, error) {
	token, secret, err := s.Auth.CreateToken(ctx, actor, authn.NewToken{
		Name: in.Body.Name, Permissions: in.Body.Permissions, ExpiresAt: in.Body.ExpiresAt, Key: in.IdempotencyKey,
	})
	out := &newTokenOutput{}
	out.Body.TokenBody, out.Body.Token = showToken(token), secret
	return out, err
}

type tokensOutput struct {
	Body page[TokenBody]
}

func (s *Server) tokens(ctx context.Context, actor authz.Actor, in *PageQuery) (*tokensOutput, error) {
	tokens, next, err := s.Auth.Tokens(ctx, actor, in.page())
	return &tokensOutput{Body: pageOf(tokens, next, showToken)}, err
}

type tokenInput struct {
	ID id.TokenID `path:"id" format:"uuid"`
}

func (s *Server) revokeToken(ctx context.Context, actor authz.Actor, in *tokenInput) (*struct{}, error) {
	return nil, s.Auth.RevokeToken(ctx, actor, in.ID)
}
