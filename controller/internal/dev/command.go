package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
)

// Command is lormas dev on the command line. The fields without flags are set
// by whoever puts the command line together.
type Command struct {
	HTTPListen  string `name:"http-listen" default:"127.0.0.1:7070" placeholder:"ADDRESS" help:"Where the API and the dashboard listen."`
	MQTTListen  string `name:"mqtt-listen" default:"127.0.0.1:1883" placeholder:"ADDRESS" help:"Where agents connect."`
	DatabaseURL string `name:"database-url" placeholder:"URL" help:"A Postgres to use instead of a private one."`
	RedisURL    string `name:"redis-url" placeholder:"URL" help:"A Redis to use instead of a private one."`
	StateDir    string `name:"state-dir" placeholder:"DIR" help:"Where everything is kept; /var/lib/lormas-dev for root, else below $XDG_STATE_HOME."`

	Version string    `kong:"-"`
	Out     io.Writer `kong:"-"`
}

// stopTimeout is what everything together gets to stop in order.
const stopTimeout = 30 * time.Second

// Run holds everything from start to end: until ctx ends, or until one of the
// parts does.
func (c Command) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	state, err := openState(c.StateDir)
	if err != nil {
		return advise(err, c.StateDir)
	}
	defer state.close()
	fmt.Fprintf(c.Out, "lormas dev, with its state in %s\n\n", state.dir)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s := &session{command: c, state: state, steps: steps{out: c.Out, now: time.Now}, fail: fail}
	if err = s.up(ctx); err == nil {
		s.welcome()
		<-ctx.Done()
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && cause != nil {
		err = cause // whatever up says then is only what came of it
	}
	fmt.Fprintln(c.Out)
	return errors.Join(advise(err, state.dir), s.down())
}

// check completes the flags and finds out what is known to fail before
// anything is started.
func (c *Command) check() (err error) {
	if c.StateDir == "" {
		if c.StateDir, err = defaultStateDir(); err != nil {
			return err
		}
	}
	if c.StateDir, err = filepath.Abs(c.StateDir); err != nil {
		return err
	}
	if c.Out == nil {
		c.Out = os.Stdout
	}
	return errors.Join(checkListen("--http-listen", c.HTTPListen), checkListen("--mqtt-listen", c.MQTTListen))
}

// checkListen lets only loopback addresses pass: everybody knows the password
// of lormas dev.
func checkListen(flag, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s is %s, and lormas dev listens on loopback only, as its first password is no secret: use lormas serve to be reached by others", flag, address)
	}
	return checkFree(flag, address)
}

// welcome says how to go on. The curl line has been tried.
func (s *session) welcome() {
	fmt.Fprintf(s.command.Out, `
  Dashboard and API  %s
  Sign in            %s, the first time with %s, which is then to be changed
  Demo container     %s
  Try it             curl %s
  Answer             %s
  Logs               %s

Ctrl-C stops everything; the next run goes on from here.
`, s.controller.URL(), authn.DefaultEmail, authn.DefaultPassword, s.demoURL, s.demoURL, s.greeting, s.state.path("logs"))
}

// fetch gets a page as curl would.
func fetch(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", errors.New(response.Status)
	}
	return strings.TrimSpace(string(text)), nil
}
