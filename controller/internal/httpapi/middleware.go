package httpapi

import (
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

const requestIDHeader = "X-Request-Id"

// requestIDForm is what a proxy before us may give as the id of a request.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

type requestIDKey struct{}

func requestID(c *fiber.Ctx) string {
	s, _ := c.Locals(requestIDKey{}).(string)
	return s
}

// metrics of requests, by the route's path and never by the path that was
// asked for, of which there is no end.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lormas_http_requests_total", Help: "Requests answered."}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lormas_http_request_seconds", Help: "Time until a request was answered.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"method", "route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lormas_http_panics_total", Help: "Panics caught in handlers."}),
	}
	r.MustRegister(m.requests, m.seconds, m.panics)
	return m
}

// observe goes around everything: it gives the request its id and context,
// turns errors into answers, and then logs and counts. What it logs holds no
// query, no header and no body.
func (s *Server) observe(c *fiber.Ctx) error {
	begin := time.Now()
	rid := identify(c)
	c.SetUserContext(s.ctx)
	if err := s.caught(c); err != nil {
		if err := s.onError(c, err); err != nil {
			return err
		}
	}
	s.record(c, rid, time.Since(begin))
	return nil
}

// identify gives a request its id: the one that it brought, or a new one.
func identify(c *fiber.Ctx) string {
	rid := c.Get(requestIDHeader)
	if !requestIDForm.MatchString(rid) {
		rid = uuid.NewString()
	}
	c.Locals(requestIDKey{}, rid)
	c.Set(requestIDHeader, rid)
	return rid
}

// caught runs the handlers and makes an error of a panic.
func (s *Server) caught(c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			s.Log.Error("panic in a handler", "request_id", requestID(c), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = newProblem(internal, "the controller's log has the details under this request id")
		}
	}()
	return c.Next()
}

// onError answers with a problem. It is also Fiber's error handler, for what
// goes wrong before any of our handlers.
func (s *Server) onError(c *fiber.Ctx, err error) error {
	if requestID(c) == "" {
		identify(c)
	}
	p, ours := problemOf(err)
	if ours {
		s.logFailure(c.UserContext(), c.Route().Path, requestID(c), err)
	}
	return writeProblem(c, p)
}

func (s *Server) record(c *fiber.Ctx, rid string, took time.Duration) {
	status := c.Response().StatusCode()
	route := c.Route().Path
	if route == "/" || route == "" { // a middleware had the last word
		route = "other"
	}
	method := c.Method()
	s.metrics.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	s.metrics.seconds.WithLabelValues(method, route).Observe(took.Seconds())
	level := slog.LevelInfo
	if s.quiet[route] {
		level = slog.LevelDebug
	}
	who, _ := c.Locals(actorName{}).(string)
	s.Log.LogAttrs(s.ctx, level, "request", slog.String("method", method), slog.String("path", c.Path()),
		slog.Int("status", status), slog.Duration("took", took), slog.Int("bytes", max(0, c.Response().Header.ContentLength())),
		slog.String("actor", who), slog.String("address", address(c)), slog.String("request_id", rid))
}

// Content-Security-Policy of the dashboard: nothing from elsewhere; the
// broker's WebSocket is on its own host and port.
const dashboardPolicy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
	"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// apiPolicy is for answers that no browser should make a page of.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// secure sets the headers that every answer carries.
func secure(c *fiber.Ctx) error {
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if isAPI(c.Path()) {
		c.Set(fiber.HeaderContentSecurityPolicy, apiPolicy)
		c.Set(fiber.HeaderCacheControl, "no-store")
	} else {
		c.Set(fiber.HeaderContentSecurityPolicy, dashboardPolicy)
	}
	return c.Next()
}
