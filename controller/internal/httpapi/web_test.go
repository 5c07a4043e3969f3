package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
)

func TestWhatIsNotThere(t *testing.T) {
	h := newHouse(t, houseOptions{})
	for _, path := range []string{"/api", "/api/v1", "/api/v1/nowhere", "/api/v2/nodes", "/api/v1/auth/login/", "/API/v1/../api/v1/x"} {
		p := h.do(call{method: "GET", path: path})
		if path[:4] == "/API" {
			continue // a page of the dashboard as far as we know
		}
		if got := p.want(t, 404).problem(t); got.Type != problemPrefix+"not_found" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	for _, tt := range []struct{ method, path, allow string }{
		{"PUT", "/api/v1/auth/login", "POST"}, {"PATCH", "/api/v1/auth/tokens", "GET, POST"},
		{"POST", "/livez", "GET"}, {"DELETE", "/", "GET, HEAD"},
	} {
		c, allow := call{method: tt.method, path: tt.path}, tt.allow
		got := h.do(c).want(t, 405)
		if p := got.problem(t); p.Type != problemPrefix+"method_not_allowed" || got.Header.Get("Allow") != allow {
			t.Errorf("%s %s: %+v, Allow %q, want %q", c.method, c.path, p, got.Header.Get("Allow"), allow)
		}
	}
}

func TestDashboard(t *testing.T) {
	h := newHouse(t, houseOptions{})
	for _, path := range []string{"/", "/index.html", "/nodes", "/containers/0192f0c1-2345-7abc-8def-0123456789ab/console"} {
		page := h.do(call{method: "GET", path: path}).want(t, 200)
		if !strings.Contains(string(page.body), "<title>Lormas") || page.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %s, Cache-Control %q", path, page.body, page.Header.Get("Cache-Control"))
		}
		if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	asset := h.do(call{method: "GET", path: "/assets/app-1a2.js"}).want(t, 200)
	if !strings.Contains(asset.Header.Get("Content-Type"), "javascript") || !strings.Contains(asset.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("headers %v", asset.Header)
	}
	for _, path := range []string{"/assets/gone.js", "/favicon.ico", "/..%2f..%2fetc/passwd.txt"} {
		h.do(call{method: "GET", path: path}).want(t, 404)
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	h := newHouse(t, houseOptions{})
	for _, path := range []string{"/", "/api/v1/nowhere", "/api/v1/auth/me", "/api/v1/docs", "/livez"} {
		got := h.do(call{method: "GET", path: path}).Header
		for _, name := range []string{"Content-Security-Policy", "Referrer-Policy", "X-Request-Id"} {
			if got.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		if got.Get("X-Content-Type-Options") != "nosniff" || got.Get("X-Frame-Options") != "DENY" || got.Get("Server") != "" {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestDocsLoadNothingFromElsewhere(t *testing.T) {
	h := newHouse(t, houseOptions{})
	page := h.do(call{method: "GET", path: "/api/v1/docs"}).want(t, 200)
	loads := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(page.body, -1)
	if len(loads) < 3 {
		t.Fatalf("the page loads %d files", len(loads))
	}
	for _, l := range loads {
		if !strings.HasPrefix(string(l[1]), "/api/v1/") {
			t.Errorf("the page loads %s", l[1])
		}
		h.do(call{method: "GET", path: string(l[1])}).want(t, 200)
	}
	var document struct {
		OpenAPI string `json:"openapi"`
	}
	h.do(call{method: "GET", path: "/api/v1/openapi.json"}).into(t, &document)
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", document.OpenAPI)
	}
}

// faultyRoutes go wrong in every way that is ours.
func faultyRoutes(s *Server) {
	fails := map[string]func() error{
		"panic":    func() error { panic("secret-in-panic") },
		"internal": func() error { return errors.New("secret-cause: password authentication failed") },
		"cause":    func() error { return fleet.Errorf(fleet.Unavailable, "try again").Because(errors.New("secret-cause")) },
		"nodes": func() error {
			return fmt.Errorf("create container: %w", fleet.Errorf(fleet.NoCapacity, "no node has room"))
		},
		"timeout": func() error { return fmt.Errorf("load node: %w", context.DeadlineExceeded) },
		"kind":    func() error { return fleet.Errorf("no_such_kind", "words") },
	}
	for name, fail := range fails {
		route := Route{Verb: fleet.DocsView, ID: name, Method: http.MethodGet, Path: "/" + name, Summary: "Fail"}
		add(s, route, func(context.Context, authz.Actor, *struct{}) (*sampleOutput, error) { return nil, fail() })
		route.ID, route.Path = "raw."+name, "/raw/"+name
		addRaw(s, route, "text/plain", func(*fiber.Ctx, authz.Actor) error { return fail() })
	}
}

func TestFailures(t *testing.T) {
	h := newHouse(t, houseOptions{routes: faultyRoutes})
	tests := []struct {
		name   string
		status int
		kind   fleet.Kind
		logged bool
	}{
		{"panic", 500, internal, true}, {"internal", 500, internal, true}, {"kind", 500, internal, false},
		{"cause", 503, fleet.Unavailable, true}, {"timeout", 503, fleet.Unavailable, true}, {"nodes", 409, fleet.NoCapacity, false},
	}
	for _, tt := range tests {
		for _, way := range []string{"/", "/raw/"} {
			t.Run(way+tt.name, func(t *testing.T) {
				got := h.do(call{method: "GET", path: "/api/v1" + way + tt.name}).want(t, tt.status)
				p := got.problem(t)
				if p.Type != problemPrefix+string(tt.kind) || strings.Contains(string(got.body), "secret") {
					t.Errorf("problem %s", got.body)
				}
				if (got.Header.Get("Retry-After") != "") != (tt.status == 503) {
					t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
				}
				if logged := h.loggedError(p.RequestID); logged != tt.logged {
					t.Errorf("logged as an error: %v, want %v", logged, tt.logged)
				}
			})
		}
	}
	if n := testutil.ToFloat64(h.metrics.panics); n != 2 {
		t.Errorf("%v panics were counted, want 2", n)
	}
}

func (h *house) loggedError(requestID string) bool {
	for line := range strings.Lines(h.log.String()) {
		var entry struct {
			Level     string `json:"level"`
			RequestID string `json:"request_id"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.RequestID == requestID && entry.Level == "ERROR" {
			return true
		}
	}
	return false
}

func TestRequestIDOfAProxyIsKept(t *testing.T) {
	h := newHouse(t, houseOptions{})
	for given, keep := range map[string]bool{"trace-0123.abc": true, "short": false, "with space 12345": false, strings.Repeat("x", 65): false} {
		got := h.do(call{method: "GET", path: "/livez", header: map[string]string{"X-Request-Id": given}}).Header.Get("X-Request-Id")
		if (got == given) != keep || got == "" {
			t.Errorf("given %q, got %q", given, got)
		}
	}
}

func TestReady(t *testing.T) {
	away := errors.New("secret-cause")
	h := newHouse(t, houseOptions{change: func(d *Deps) {
		d.Ready = map[string]func(context.Context) error{
			"postgres": d.Store.Ping,
			"redis":    func(context.Context) error { return away },
		}
	}})
	got := h.do(call{method: "GET", path: "/readyz"}).want(t, 503)
	if want := `{"checks":{"postgres":"ok","redis":"away"},"status":"away"}`; string(got.body) != want {
		t.Errorf("got %s, want %s", got.body, want)
	}
	h.do(call{method: "GET", path: "/livez"}).want(t, 200)
	away = nil
	h.do(call{method: "GET", path: "/readyz"}).want(t, 200)
}

func TestMetrics(t *testing.T) {
	h := newHouse(t, houseOptions{})
	h.do(call{method: "GET", path: "/api/v1/nowhere/at/all"})
	h.do(call{method: "DELETE", path: "/api/v1/auth/tokens/0192f0c1-2345-7abc-8def-0123456789ab"})
	here := h.do(call{method: "GET", path: "/metrics"}).want(t, 200)
	for _, want := range []string{
		`lormas_http_requests_total{method="DELETE",route="/api/v1/auth/tokens/:id",status="401"} 1`,
		`lormas_http_requests_total{method="GET",route="other",status="404"} 1`,
	} {
		if !strings.Contains(string(here.body), want) {
			t.Errorf("no %s in:\n%s", want, here.body)
		}
	}
	proxied := call{method: "GET", path: "/metrics", header: map[string]string{"X-Forwarded-For": "192.0.2.1"}}
	h.do(proxied).want(t, 401)
	proxied.bearer = h.nobodyInParticular()
	h.do(proxied).want(t, 403)
	proxied.bearer = h.admin()
	h.do(proxied).want(t, 200)
}
