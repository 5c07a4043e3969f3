package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/client"
)

// access is how commands reach a running controller, and as whom: with what
// the command line says, else as the profile that lormas login wrote.
type access struct {
	Server   string `name:"server" placeholder:"URL" help:"The controller's API (default: the profile's, or http://127.0.0.1:7070)."`
	As       string `name:"as" default:"default" placeholder:"NAME" help:"Which sign-in of lormas login to use (default: ${default})."`
	Profiles string `name:"profiles" placeholder:"FILE" help:"Where lormas login keeps them; empty: with your settings."`
	Token    string `name:"token" placeholder:"TOKEN" help:"An API token (lormas_…); better through LORMAS_TOKEN_FILE."`
	Email    string `name:"email" placeholder:"EMAIL" help:"Sign in with e-mail and password for this one command."`
	Password string `name:"password" placeholder:"PASSWORD" help:"For --email; asked for on a terminal. Better through LORMAS_PASSWORD_FILE."`
}

const localServer = "http://127.0.0.1:7070"

func (a access) server() string { return cmp.Or(a.Server, localServer) }

// connect gives a client, and what to call when it is done with.
func (a access) connect(ctx context.Context, s Streams) (*client.Client, func(), error) {
	nothing := func() {}
	if a.Token != "" {
		c, err := client.AsToken(a.server(), a.Token)
		return c, nothing, err
	}
	if a.Email != "" {
		return a.once(ctx, s)
	}
	profiles, err := client.OpenProfiles(a.Profiles)
	if err != nil {
		return nil, nothing, err
	}
	c, err := client.AsProfile(profiles, a.As, a.Server)
	var p *client.Problem
	if errors.As(err, &p) {
		err = fmt.Errorf("who are you? Sign in with lormas login, or give an API token (--token, LORMAS_TOKEN) or --email: %w", err)
	}
	return c, nothing, err
}

// open is connect for what is done to one thing: it also finds the thing's
// path.
func (a access) open(ctx context.Context, s Streams, of noun, ref string) (to *client.Client, path string, done func(), err error) {
	if to, done, err = a.connect(ctx, s); err != nil {
		return nil, "", nil, err
	}
	if path, err = of.at(ctx, to, ref); err != nil {
		done()
		return nil, "", nil, err
	}
	return to, path, done, nil
}

// farewell bounds how long a session for one command takes to be ended.
const farewell = 5 * time.Second

// once is a session that ends with the command.
func (a access) once(ctx context.Context, s Streams) (*client.Client, func(), error) {
	signed, err := a.signIn(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	c, err := client.AsToken(signed.Server, signed.Access)
	return c, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := client.SignOut(ctx, signed); err != nil {
			fmt.Fprintf(s.Err, "lormas: could not end the session: %v\n", err)
		}
	}, err
}

// signIn starts a session; the session of one who must change his password
// is of no use here.
func (a access) signIn(ctx context.Context, s Streams) (client.Profile, error) {
	if a.Password == "" {
		text, err := s.ask(ctx, "Password of "+a.Email)
		if err != nil {
			return client.Profile{}, fmt.Errorf("the password is missing: %w: set LORMAS_PASSWORD or LORMAS_PASSWORD_FILE, or give it to lormas login --password-stdin", err)
		}
		a.Password = text
	}
	return client.SignIn(ctx, a.server(), a.Email, a.Password, func() (string, error) {
		code, err := s.ask(ctx, askCode)
		if err != nil {
			return "", fmt.Errorf("this account has a second factor, and %w: sign in on a terminal, or use an API token", err)
		}
		return code, nil
	})
}
