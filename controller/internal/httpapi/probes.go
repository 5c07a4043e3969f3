package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// probeRoutes are beside the API, where orchestrators and Prometheus look for
// them. Metrics are open to the machine itself and need a permission from
// elsewhere: they tell what runs here.
func (s *Server) probeRoutes() {
	add := func(verb fleet.Verb, path, summary, answer string, handle func(*fiber.Ctx, authz.Actor) error) {
		addRaw(s, Route{Verb: verb, Method: http.MethodGet, Path: "/" + path, Summary: summary, Local: true}, answer, handle)
		s.quiet[path] = true
	}
	add(fleet.SystemLive, "/livez", "Say that the controller runs", fiber.MIMEApplicationJSON, s.live)
	add(fleet.SystemReady, "/readyz", "Say whether the controller can work, and what is away", fiber.MIMEApplicationJSON, s.ready)
	metrics := adaptor.HTTPHandler(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}))
	add(fleet.MetricsView, "/metrics", "Read the metrics for Prometheus", fiber.MIMETextPlain,
		func(c *fiber.Ctx, _ authz.Actor) error { return metrics(c) })
	if s.MQTT != nil {
		add(fleet.MQTTConnect, "/mqtt", "Connect to the broker: MQTT 3.1.1 over WebSocket, subprotocol mqtt", fiber.MIMEOctetStream,
			func(c *fiber.Ctx, _ authz.Actor) error { s.MQTT(c.Context()); return nil })
	}
}

func (s *Server) live(c *fiber.Ctx, _ authz.Actor) error {
	return c.JSON(fiber.Map{"status": "ok"})
}

// ready asks everything at once. It says what is away but not why: the
// answer is for anybody, the reason for the log.
func (s *Server) ready(c *fiber.Ctx, _ authz.Actor) error {
	if s.Standby != nil {
		if active, standby := s.Standby(); standby {
			return c.Status(http.StatusServiceUnavailable).JSON(fiber.Map{
				"status": "standing by", "active": active, "detail": standbyNotice(active),
			})
		}
	}
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(c.UserContext(), patience)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	checks, status, code := map[string]string{}, "ok", http.StatusOK
	for name, check := range s.Ready {
		wg.Go(func() {
			err := check(ctx)
			mu.Lock()
			defer mu.Unlock()
			if checks[name] = "ok"; err != nil {
				checks[name], status, code = "away", "away", http.StatusServiceUnavailable
				s.Log.Warn("not ready", "check", name, "error", err)
			}
		})
	}
	wg.Wait()
	return c.Status(code).JSON(fiber.Map{"status": status, "checks": checks})
}
