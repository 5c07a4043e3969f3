package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// AsToken talks to a controller with an API token, or whatever bearer token
// was given.
func AsToken(server, token string) (*Client, error) {
	return newClient(server, fixed(token))
}

// AsProfile talks to a controller as a profile says; server, where it is
// given, goes before the profile's.
func AsProfile(profiles Profiles, name, server string) (*Client, error) {
	p, err := profiles.Load(name)
	if err != nil {
		return nil, err
	}
	k := &kept{profiles: profiles, name: name}
	if p == (Profile{}) {
		return nil, k.errSignIn()
	}
	if server == "" {
		server = p.Server
	}
	to, err := newClient(server, k)
	if err != nil {
		return nil, err
	}
	if own, err := address(p.Server); err != nil || own != to.server {
		// a session is good for one controller, and its token nobody else's business
		return nil, fmt.Errorf("profile %s is of %s, not of %s: choose another with --as, or sign in there with lormas login", name, p.Server, to.server)
	}
	return to, nil
}

func newClient(server string, s session) (*Client, error) {
	whole, err := address(server)
	if err != nil {
		return nil, err
	}
	return &Client{server: whole, http: &http.Client{CheckRedirect: noRedirects}, session: s}, nil
}

// noRedirects keeps the bearer token with the server that it is for.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Server is the controller's address.
func (c *Client) Server() string { return c.server }

// SignIn starts a session with a password. Where the account has a second
// factor, code is asked for it.
func SignIn(ctx context.Context, server, email, password string, code func() (string, error)) (Profile, error) {
	c, err := newClient(server, fixed(""))
	if err != nil {
		return Profile{}, err
	}
	p := Profile{Server: c.server, Email: email}
	body := map[string]string{"email": email, "password": password}
	login := Request{Method: http.MethodPost, Path: "/auth/login", Body: body}
	signed, err := c.sign(ctx, p, login)
	var refused *Problem
	if !errors.As(err, &refused) || !refused.IsKind("totp_required") {
		return signed, err
	}
	if body["code"], err = code(); err != nil {
		return p, err
	}
	return c.sign(ctx, p, login)
}

// SignOut ends the session of a profile at the controller.
func SignOut(ctx context.Context, p Profile) error {
	c, err := newClient(p.Server, fixed(""))
	if err != nil || p.Refresh == "" {
		return err
	}
	return c.Do(ctx, Request{Method: http.MethodPost, Path: "/auth/logout", Header: withCookie(p.Refresh)}, nil)
}

type signedBody struct {
	AccessToken string    `json:"accessToken"`
	ExpiresAt   time.Time `json:"expiresAt"`
	User        struct {
		MustChangePassword bool `json:"mustChangePassword"`
	} `json:"user"`
}

func readSigned(answer *http.Response) (signedBody, error) {
	var signed signedBody
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return signed, err
	}
	return signed, json.Unmarshal(text, &signed)
}
