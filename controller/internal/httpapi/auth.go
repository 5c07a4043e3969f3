package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func (s *Server) authRoutes() {
	add(s, Route{
		Verb: fleet.AuthLogin, Method: http.MethodPost, Path: "/auth/login", Summary: "Sign in",
		Help: "Answers with an access token for 15 minutes and sets a cookie that POST /auth/refresh exchanges for the next one. 401 of the type `totp_required` says that the password is right and the account has a second factor: send the same again with `code`.",
	}, s.login)
	add(s, Route{
		Verb: fleet.AuthRefresh, Method: http.MethodPost, Path: "/auth/refresh", Summary: "Exchange the refresh cookie for a new access token",
		Help: "409 means that another tab did so a moment ago: try again. A cookie that was exchanged before ends the session.",
	}, s.refresh)
	add(s, Route{
		Verb: fleet.AuthLogout, Method: http.MethodPost, Path: "/auth/logout", Summary: "End the session of the refresh cookie",
	}, s.logout)
}

const (
	refreshCookie = "lormas_refresh"
	refreshPath   = prefix + "/auth"
)

type loginInput struct {
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      struct {
		Email    string `json:"email" maxLength:"254" example:"admin@lormas.local"`
		Password string `json:"password" maxLength:"256" format:"password"`
		Code     string `json:"code,omitempty" maxLength:"64" example:"123456" doc:"six digits of the second factor, or a recovery code"`
	}
}

// cookieInput is the input of the routes that live by the cookie. Another
// site can make a browser send a cookie (SameSite is the first answer to
// that), but not a header of ours.
type cookieInput struct {
	Refresh string `cookie:"lormas_refresh" hidden:"true"`
	Cookies string `header:"Cookie" hidden:"true"`
	Client  string `header:"X-Lormas-Client" doc:"anything: it proves that no other web site sends this request" example:"dashboard"`
}

func (in cookieInput) check() error {
	if in.Client == "" {
		return fleet.Errorf(fleet.Forbidden, "send the header X-Lormas-Client with any value, to prove that no other web site sends this request")
	}
	if in.planted() {
		return fleet.Errorf(fleet.Unauthenticated, "two refresh cookies came, and one of them is not ours: remove the cookies of this address, and sign in again")
	}
	return nil
}

// planted reports whether there is more than one refresh cookie. We set one,
// for one path; another one, for a longer path or a wider domain, was put there
// by somebody who wants his own session to be used, and may come before ours.
func (in cookieInput) planted() bool {
	cookies, _ := http.ParseCookie(in.Cookies) // those that can be read
	n := 0
	for _, c := range cookies {
		if c.Name == refreshCookie {
			n++
		}
	}
	return n > 1
}

type signedOutput struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   signedBody
}

type signedBody struct {
	AccessToken string    `json:"accessToken" doc:"send it as Authorization: Bearer …, and as the password of MQTT"`
	ExpiresAt   time.Time `json:"expiresAt" doc:"when the access token ends"`
	User        userBody  `json:"user"`
}

type userBody struct {
	ID                 id.UserID `json:"id"`
	Email              string    `json:"email"`
	Name               string    `json:"name"`
	MustChangePassword bool      `json:"mustChangePassword" doc:"nothing else is allowed before that"`
}

func showUser(u fleet.User) userBody {
	return userBody{ID: u.ID, Email: u.Email, Name: u.Name, MustChangePassword: u.MustChangePassword}
}

func (s *Server) login(ctx context.Context, actor authz.Actor, in *loginInput) (*signedOutput, error) {
	signed, err := s.Auth.Login(ctx, authn.Login{
		Email: in.Body.Email, Password: in.Body.Password, Code: in.Body.Code, UserAgent: in.UserAgent,
		Address: actor.Address, RequestID: actor.RequestID, Local: visitOf(ctx).local,
	})
	return s.signedIn(ctx, signed), err
}

func (s *Server) refresh(ctx context.Context, actor authz.Actor, in *cookieInput) (*signedOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	signed, err := s.Auth.Refresh(ctx, authn.Origin{Address: actor.Address, RequestID: actor.RequestID}, in.Refresh)
	return s.signedIn(ctx, signed), err
}

func (s *Server) signedIn(ctx context.Context, signed authn.Signed) *signedOutput {
	return &signedOutput{
		Cookie: s.cookie(ctx, signed.Refresh, signed.SessionExpires),
		Body:   signedBody{AccessToken: signed.Access, ExpiresAt: signed.AccessExpires, User: showUser(signed.User)},
	}
}

type signedOutOutput struct {
	Cookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) logout(ctx context.Context, actor authz.Actor, in *cookieInput) (*signedOutOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	err := s.Auth.Logout(ctx, authn.Origin{Address: actor.Address, RequestID: actor.RequestID}, in.Refresh)
	return &signedOutOutput{Cookie: s.cookie(ctx, "", time.Unix(1, 0))}, err
}

func (s *Server) cookie(ctx context.Context, value string, expires time.Time) http.Cookie {
	return http.Cookie{
		Name: refreshCookie, Value: value, Path: refreshPath, Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: visitOf(ctx).https || strings.HasPrefix(s.PublicURL, "https:"),
	}
}
