package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// session is where a client has its bearer token from.
type session interface {
	// bearer is the token to send; fresh asks for another than the last.
	bearer(ctx context.Context, c *Client, fresh bool) (string, error)
	renews() bool // whether asking for a fresh one can help
}

// fixed is a token that was given: it cannot be renewed.
type fixed string

func (f fixed) bearer(context.Context, *Client, bool) (string, error) { return string(f), nil }
func (f fixed) renews() bool                                          { return false }

// kept is the session of a profile.
type kept struct {
	profiles Profiles
	name     string
	last     string // the access token that was sent last
}

func (k *kept) renews() bool { return true }

// early is how long before its end an access token is renewed: clocks differ,
// and requests take time.
const early = 30 * time.Second

// errSignIn is what people are told whose session is over.
func (k *kept) errSignIn() error {
	return &Problem{
		Type: problemPrefix + "unauthenticated", Status: http.StatusUnauthorized,
		Detail: fmt.Sprintf("your session has ended, or there was none: sign in with lormas login (profile %s in %s)", k.name, k.profiles.Path()),
	}
}

func (k *kept) bearer(ctx context.Context, c *Client, fresh bool) (string, error) {
	p, err := k.profiles.Load(k.name)
	switch {
	case err != nil:
		return "", err
	case p.Token != "":
		return p.Token, nil
	case p.Refresh == "":
		return "", k.errSignIn()
	}
	spent := fresh && p.Access == k.last // else another program has renewed it
	if !spent && time.Now().Add(early).Before(p.Expires) {
		k.last = p.Access
		return p.Access, nil
	}
	err = k.profiles.Change(k.name, func(now Profile) (Profile, error) {
		if now.Access != p.Access && now.Refresh != "" {
			p = now // somebody was faster
			return now, nil
		}
		p, err = c.renew(ctx, now)
		return p, err
	})
	var refused *Problem
	if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		return "", k.errSignIn()
	}
	k.last = p.Access
	return p.Access, err
}

// refreshCookie is what the controller keeps the refresh token in.
const refreshCookie = "lormas_refresh"

// renew exchanges the refresh token of a profile.
func (c *Client) renew(ctx context.Context, p Profile) (Profile, error) {
	return c.sign(ctx, p, Request{Method: http.MethodPost, Path: "/auth/refresh", Header: withCookie(p.Refresh)})
}

// withCookie sends a refresh token, with the header without which it is worth
// nothing: that shows that no web page of somebody else's sends the request.
func withCookie(refresh string) map[string]string {
	return map[string]string{"X-Lormas-Client": "cli", "Cookie": refreshCookie + "=" + refresh}
}

// sign sends a request whose answer is a session.
func (c *Client) sign(ctx context.Context, p Profile, r Request) (Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := c.exchange(ctx, r, "")
	if err != nil {
		return p, err
	}
	defer answer.Body.Close()
	signed, err := readSigned(answer)
	if err != nil {
		return p, fmt.Errorf("%s does not answer like a Lormas controller: check --server", c.server)
	}
	p.Access, p.Expires = signed.AccessToken, signed.ExpiresAt
	for _, cookie := range answer.Cookies() {
		if cookie.Name == refreshCookie {
			p.Refresh = cookie.Value
		}
	}
	if signed.User.MustChangePassword {
		return p, fmt.Errorf("this password must be changed first: sign in to the dashboard at %s", c.server)
	}
	return p, nil
}
