package httpapi

import (
	"context"
	"net/http"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// accountRoutes are about one's own account.
func (s *Server) accountRoutes() {
	add(s, Route{
		Verb: fleet.AuthView, Method: http.MethodGet, Path: "/auth/me", Summary: "Show who you are and what you may do",
	}, s.me)
	add(s, Route{
		Verb: fleet.AuthEdit, Method: http.MethodPatch, Path: "/auth/me", Summary: "Change your profile and settings",
		Help: "What is left out stays as it is. A new e-mail address needs your password, and is refused to API tokens.",
	}, s.editMe)
	add(s, Route{
		Verb: fleet.AuthPasswordChange, Method: http.MethodPost, Path: "/auth/password", Summary: "Change your password",
		Help: "Ends all your other sessions, and links to set a new one.",
	}, s.changePassword)
	add(s, Route{
		Verb: fleet.AuthPasswordReset, Method: http.MethodPost, Path: "/auth/password-reset", Summary: "Set a password with a one-time link",
		Help: "The token is what is behind `#token=` in the link that an administrator made. It is good once, for 24 hours. All sessions of the user end; a second factor stays.",
	}, s.useLink)
	add(s, Route{
		Verb: fleet.AuthSessionView, Method: http.MethodGet, Path: "/auth/sessions", List: &store.SessionList, Summary: "List where you are signed in",
	}, s.sessions)
	add(s, Route{
		Verb: fleet.AuthSessionRevoke, ID: "auth.session.revoke.others", Method: http.MethodDelete, Path: "/auth/sessions", Summary: "Sign yourself out everywhere else",
	}, s.revokeOtherSessions)
	add(s, Route{
		Verb: fleet.AuthSessionRevoke, Method: http.MethodDelete, Path: "/auth/sessions/{id}", Summary: "End one of your sessions",
		Help: "Its access token is refused and its connections are cut at once.",
	}, s.revokeSession)
}

type meOutput struct {
	ETag string `header:"ETag"`
	Body meBody
}

type meBody struct {
	Kind               fleet.ActorKind `json:"kind" enum:"user,token"`
	UserID             id.UserID       `json:"userId"`
	Name               string          `json:"name" doc:"the e-mail address, and the token's name where you use one"`
	MustChangePassword bool            `json:"mustChangePassword"`
	Grants             []grantBody     `json:"grants"`
	Limit              []string        `json:"limit,omitempty" doc:"what the API token is held to; missing without one"`
	User               ShownUserBody   `json:"user" doc:"your account"`
	RecoveryCodes      int             `json:"recoveryCodes" doc:"how many you have left of your second factor"`
}

type grantBody struct {
	Permission string      `json:"permission" example:"container.*"`
	Scope      authz.Scope `json:"scope" enum:"global,cluster,node,container,owned"`
	ScopeID    string      `json:"scopeId,omitempty" format:"uuid" doc:"of what it is about; of owned, who owns it"`
}

func (s *Server) me(ctx context.Context, actor authz.Actor, _ *struct{}) (*meOutput, error) {
	account, err := s.Auth.Account(ctx, actor)
	if err != nil {
		return nil, err
	}
	body := meBody{
		Kind: actor.Kind, UserID: actor.UserID, Name: actor.Name,
		MustChangePassword: actor.MustChangePassword, Limit: actor.Limit, Grants: []grantBody{},
		User: showShownUser(account.User), RecoveryCodes: account.RecoveryCodes,
	}
	for _, g := range actor.Grants {
		shown := grantBody{Permission: g.Permission, Scope: g.Scope}
		if g.Scope != authz.Global {
			shown.ScopeID = g.ScopeID.String()
		}
		body.Grants = append(body.Grants, shown)
	}
	return &meOutput{ETag: etag(account.User.Generation), Body: body}, nil
}

type editMeInput struct {
	GuardedInput
	Body struct {
		Name     *string `json:"name,omitempty" maxLength:"100"`
		Theme    *string `json:"theme,omitempty" enum:"system,light,dark"`
		TimeZone *string `json:"timeZone,omitempty" maxLength:"100" example:"Europe/Berlin" doc:"as in the IANA database; empty: the browser's"`
		Email    *string `json:"email,omitempty" maxLength:"254" doc:"needs currentPassword"`
		Current  string  `json:"currentPassword,omitempty" maxLength:"256" format:"password"`
	}
}

func (s *Server) editMe(ctx context.Context, actor authz.Actor, in *editMeInput) (*userOutput, error) {
	generation, err := generationOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := in.Body
	return answerUser(s.Auth.EditAccount(ctx, actor, authn.AccountEdit{
		Name: b.Name, Theme: (*fleet.Theme)(b.Theme), TimeZone: b.TimeZone, Email: b.Email, Password: b.Current, Generation: generation,
	}))
}

type linkInput struct {
	Body struct {
		Token string `json:"token" maxLength:"200" format:"password"`
		New   string `json:"newPassword" maxLength:"256" format:"password" doc:"10 characters or more"`
	}
}

func (s *Server) useLink(ctx context.Context, actor authz.Actor, in *linkInput) (*struct{}, error) {
	return nil, s.Auth.UseLink(ctx, authn.NewPassword{
		Origin: authn.Origin{Address: actor.Address, RequestID: actor.RequestID}, Secret: in.Body.Token, Password: in.Body.New,
	})
}

type passwordInput struct {
	Body struct {
		Current string `json:"currentPassword" maxLength:"256" format:"password"`
		New     string `json:"newPassword" maxLength:"256" format:"password" doc:"10 characters or more"`
	}
}

func (s *Server) changePassword(ctx context.Context, actor authz.Actor, in *passwordInput) (*struct{}, error) {
	return nil, s.Auth.ChangePassword(ctx, actor, in.Body.Current, in.Body.New)
}

func (s *Server) sessions(ctx context.Context, actor authz.Actor, in *PageQuery) (*sessionsOutput, error) {
	sessions, next, err := s.Auth.Sessions(ctx, actor, in.page())
	return &sessionsOutput{Body: pageOf(sessions, next, showSessions(actor))}, err
}

func (s *Server) revokeOtherSessions(ctx context.Context, actor authz.Actor, _ *struct{}) (*struct{}, error) {
	return nil, s.Auth.RevokeOtherSessions(ctx, actor)
}

type sessionInput struct {
	ID id.SessionID `path:"id" format:"uuid"`
}

func (s *Server) revokeSession(ctx context.Context, actor authz.Actor, in *sessionInput) (*struct{}, error) {
	return nil, s.Auth.RevokeSession(ctx, actor, in.ID)
}
