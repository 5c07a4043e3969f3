package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/localdb"
)

// session is one run: what it has started, to be stopped in the opposite
// order.
type session struct {
	command Command
	state   *state
	steps   steps
	stops   []stop
	fail    context.CancelCauseFunc // ends the session because of an error

	databaseURL, redisURL string
	engine                *engine
	controller            *app.Main
	demo                  demo
	node                  fleet.Node
	demoURL, greeting     string
}

// stop ends one part.
type stop struct {
	name string
	do   func(context.Context) error
}

func (s *session) onStop(name string, do func(context.Context) error) {
	s.stops = append(s.stops, stop{name, do})
}

// watch ends the session when a part of it does: half an installation is of
// no use. Its goroutine lasts as long as the part.
func (s *session) watch(name string, done <-chan struct{}) {
	go func() {
		<-done
		s.fail(fmt.Errorf("%s has ended by itself: its log in %s says why", name, s.state.path("logs")))
	}()
}

// up starts everything, one step after the other.
func (s *session) up(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"Postgres", s.startPostgres},
		{"Redis", s.startRedis},
		{"Docker", s.findEngine},
		{"Controller", s.startController},
		{"Agent", s.startAgent},
		{"Demo image", s.loadImage},
		{"Demo container", s.deploy},
		{"Asking it", s.tryDemo},
	} {
		if err := s.steps.do(step.name, func() (string, error) { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// down stops whatever was started, the youngest first.
func (s *session) down() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, part := range slices.Backward(s.stops) {
		err := s.steps.do("Stopping "+part.name, func() (string, error) { return "", part.do(ctx) })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *session) startPostgres(ctx context.Context) (string, error) {
	if s.databaseURL = s.command.DatabaseURL; s.databaseURL != "" {
		return "yours", nil
	}
	log, err := s.state.log("postgres")
	if err != nil {
		return "", err
	}
	fresh := ""
	p, err := localdb.StartPostgres(ctx, localdb.PostgresOptions{
		Dir: s.state.path("postgres"), Fsync: true, Log: log,
		Progress: func(string) { fresh = ", new" },
	})
	if err != nil {
		return "", errors.Join(err, log.Close())
	}
	s.databaseURL = p.URL()
	s.watch("Postgres", p.Done())
	s.onStop("Postgres", func(ctx context.Context) error { return errors.Join(p.Stop(ctx), log.Close()) })
	return "private" + fresh, nil
}

func (s *session) startRedis(ctx context.Context) (string, error) {
	if s.redisURL = s.command.RedisURL; s.redisURL != "" {
		return "yours", nil
	}
	log, err := s.state.log("redis")
	if err != nil {
		return "", err
	}
	r, err := localdb.StartRedis(ctx, localdb.RedisOptions{Dir: s.state.path("redis"), Log: log})
	if err != nil {
		return "", errors.Join(err, log.Close())
	}
	s.redisURL = r.URL()
	s.watch("Redis", r.Done())
	s.onStop("Redis", func(ctx context.Context) error { return errors.Join(r.Stop(ctx), log.Close()) })
	return "private", nil
}

func (s *session) findEngine(ctx context.Context) (string, error) {
	log, err := s.state.log("docker")
	if err != nil {
		return "", err
	}
	e, err := findEngine(ctx, s.state.path("docker"), log)
	if err != nil {
		return "", errors.Join(err, log.Close())
	}
	s.engine = e
	if e.private != nil {
		s.watch("Docker", e.private.Done())
	}
	s.onStop("containers", func(ctx context.Context) error { return errors.Join(e.stop(ctx, s.node.ID), log.Close()) })
	return e.String(), nil
}

// startController brings up the controller in this process: the schema, the
// first user, the broker, the API.
func (s *session) startController(ctx context.Context) (string, error) {
	log, err := s.state.log("controller")
	if err != nil {
		return "", err
	}
	c, err := s.configure()
	if err != nil {
		return "", errors.Join(err, log.Close())
	}
	main, err := app.New(ctx, c, app.Options{
		Version: s.command.Version, Log: slog.New(slog.NewTextHandler(log, nil)), Out: s.command.Out,
	})
	if err != nil {
		return "", errors.Join(err, log.Close())
	}
	s.controller = main
	s.demo = demo{verbs: main.Actions(), actor: authz.System("lormas dev")}
	// Not ctx: the controller must outlive the agent when everything stops.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done, result := make(chan struct{}), error(nil)
	go func() {
		defer close(done)
		result = main.Run(running)
	}()
	s.watch("the controller", done)
	s.onStop("controller", func(context.Context) error {
		cancel()
		<-done // Run bounds its own end
		return errors.Join(result, log.Close())
	})
	return main.URL(), nil
}

// configure is the controller's configuration: nothing but what we set, as a
// LORMAS_… of another installation must not end up here.
func (s *session) configure() (config.Config, error) {
	c, err := config.Load([]string{
		"--http-listen=" + s.command.HTTPListen, "--mqtt-listen=" + s.command.MQTTListen,
		"--database-url=" + s.databaseURL, "--redis-url=" + s.redisURL,
		"--state-dir=" + s.state.path("controller"), "--admin-email=" + authn.DefaultEmail,
	}, config.Source{Getenv: func(string) (string, bool) { return "", false }})
	c.Dev = true
	return c, err
}

func (s *session) loadImage(ctx context.Context) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	return demoImage + ", built here", loadDemoImage(ctx, s.engine.socket, filepath.Dir(program))
}

func (s *session) deploy(ctx context.Context) (string, error) {
	egg, err := s.demo.egg(ctx)
	if err != nil {
		return "", err
	}
	c, err := s.demo.container(ctx, s.node, egg)
	if err != nil {
		return "", err
	}
	if len(c.Spec.Ports) == 0 {
		return "", fmt.Errorf("the container %s publishes no port: delete it, and the next run makes it anew", c.Name)
	}
	s.demoURL = "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Spec.Ports[0].Host))
	return s.demoURL, s.demo.awaitContainer(ctx, c)
}

// tryDemo fetches the page that the summary tells to fetch.
func (s *session) tryDemo(ctx context.Context) (string, error) {
	return "", await(ctx, s.demoURL+" to answer", func() (bool, string, error) {
		page, err := fetch(ctx, s.demoURL)
		if err != nil {
			return false, err.Error(), nil // it may still be opening its port
		}
		s.greeting = page
		return true, "", nil
	})
}
