package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/lormas/lormas/controller/internal/client"
)

type loginCommand struct {
	access        `embed:""`
	PasswordStdin bool `name:"password-stdin" help:"Read the password from the standard input, its first line."`
}

// Run signs in and keeps the session, or an API token, in the profile.
func (c loginCommand) Run(ctx context.Context, s Streams) error {
	profiles, err := client.OpenProfiles(c.Profiles)
	if err != nil {
		return err
	}
	if c.Token != "" {
		return c.keepToken(ctx, s, profiles)
	}
	if c.Email == "" {
		return errors.New("who are you? Give --email, or an API token with --token or LORMAS_TOKEN")
	}
	if c.PasswordStdin {
		if c.Password, err = readLine(s.In); err != nil || c.Password == "" {
			return fmt.Errorf("there is no password on the standard input: %w", cmp.Or(err, errors.New("its first line is empty")))
		}
	}
	signed, err := c.signIn(ctx, s)
	if err != nil {
		return err
	}
	return c.keep(s, profiles, signed, signed.Email)
}

// keepToken tries a token before it keeps it.
func (c loginCommand) keepToken(ctx context.Context, s Streams, profiles client.Profiles) error {
	to, err := client.AsToken(c.server(), c.Token)
	if err != nil {
		return err
	}
	var me struct{ Name string }
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: "/auth/me"}, &me); err != nil {
		return err
	}
	return c.keep(s, profiles, client.Profile{Server: to.Server(), Token: c.Token}, me.Name)
}

func (c loginCommand) keep(s Streams, profiles client.Profiles, p client.Profile, name string) error {
	if err := profiles.Save(c.As, p); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "Signed in at %s as %s; kept in %s, which only you can read.\n", p.Server, name, profiles.Path())
	return err
}

type logoutCommand struct {
	As       string `name:"as" default:"default" placeholder:"NAME" help:"Which sign-in to end (default: ${default})."`
	Profiles string `name:"profiles" placeholder:"FILE" help:"Where they are kept."`
}

// Run ends the session at the controller, and forgets it here even if the
// controller cannot be reached.
func (c logoutCommand) Run(ctx context.Context, s Streams) error {
	profiles, err := client.OpenProfiles(c.Profiles)
	if err != nil {
		return err
	}
	p, err := profiles.Load(c.As)
	if err != nil {
		return err
	}
	if p == (client.Profile{}) {
		_, err := fmt.Fprintln(s.Out, "You were not signed in.")
		return err
	}
	away := client.SignOut(ctx, p)
	if err := profiles.Save(c.As, client.Profile{}); err != nil {
		return err
	}
	if away != nil {
		return fmt.Errorf("signed out here, but the session goes on at the controller until it runs out: %w", away)
	}
	_, err = fmt.Fprintln(s.Out, "Signed out.")
	return err
}

type whoamiCommand struct {
	access `embed:""`
	output `embed:""`
}

// Run shows who one is and what one may do.
func (c whoamiCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	return c.show(ctx, s, to, me, "/auth/me")
}
