package httpapi

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
)

const (
	adminEmail    = "admin@lormas.local"
	adminPassword = "correct horse battery"
)

// house is the API on a real socket, a real Postgres and a real Redis.
type house struct {
	*Server
	t   *testing.T
	url string
	sql *pgx.Conn
	log *safeBuffer
}

// houseOptions change what a house is made of.
type houseOptions struct {
	seed   authn.SeedOptions
	change func(*Deps)
	routes func(*Server)   // nil: those of the product
	tracer pgx.QueryTracer // nil, or who is told of every statement
}

func newHouse(t *testing.T, o houseOptions) *house {
	t.Helper()
	t.Parallel()
	database := testkit.PostgresURL(t)
	h := &house{t: t, log: &safeBuffer{}}
	h.sql = must(pgx.Connect(t.Context(), database))(t)
	t.Cleanup(func() { _ = h.sql.Close(context.Background()) }) // its database goes with it
	s := testkit.Unlock(t, must(store.OpenTraced(t.Context(), database, o.tracer))(t))
	t.Cleanup(s.Close)
	if o.seed == (authn.SeedOptions{}) {
		o.seed.Password = adminPassword
	}
	must(authn.Seed(t.Context(), s, o.seed))(t)
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d := Deps{
		Auth: newAuth(t, s, log), Store: s, Version: "test", Metrics: prometheus.NewRegistry(), Log: log,
		Dashboard: fstest.MapFS{
			"index.html":        {Data: []byte("<title>Lormas</title>")},
			"assets/app-1a2.js": {Data: []byte("start()")},
		},
	}
	if o.change != nil {
		o.change(&d)
	}
	h.Server = bare(d)
	if o.routes == nil {
		o.routes = (*Server).addRoutes
	}
	o.routes(h.Server)
	if err := h.finish(); err != nil {
		t.Fatal(err)
	}
	h.serve()
	return h
}

func newAuth(t *testing.T, s *store.Store, log *slog.Logger) *authn.Service {
	t.Helper()
	client := redis.NewClient(must(redis.ParseURL(testkit.Redis(t).URL))(t))
	t.Cleanup(func() { _ = client.Close() }) // its server goes with it
	_, key, _ := ed25519.GenerateKey(nil)    // never fails
	return must(authn.New(authn.Deps{
		Store: s, Key: key, Counter: authn.RedisCounter{Client: client}, Now: time.Now, Log: log,
	}))(t)
}

func (h *house) serve() {
	h.t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(h.t)
	h.url = "http://" + l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	h.t.Cleanup(func() {
		if err := h.Close(); err != nil {
			h.t.Error(err)
		}
		if err := <-served; err != nil {
			h.t.Error(err)
		}
	})
}

// call is a request; only Method and path are needed.
type call struct {
	method, path string
	body         any // string: as it is; else as JSON
	bearer       string
	header       map[string]string
}

// answer is what came back, read to the end.
type answer struct {
	*http.Response
	body []byte
}

func (h *house) do(c call) answer {
	h.t.Helper()
	return doOver(h.t, http.DefaultClient, h.url, c)
}

func doOver(t *testing.T, client *http.Client, url string, c call) answer {
	t.Helper()
	var body io.Reader
	switch b := c.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	default:
		body = bytes.NewReader(must(json.Marshal(b))(t))
	}
	req := must(http.NewRequestWithContext(t.Context(), c.method, url+c.path, body))(t)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	for name, value := range c.header {
		if req.Header.Set(name, value); value == "" {
			req.Header.Del(name)
		}
	}
	res := must(client.Do(req))(t)
	defer res.Body.Close()
	return answer{res, must(io.ReadAll(res.Body))(t)}
}

// into reads the body as JSON.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

// problem reads the body as a problem and checks what every problem has.
func (a answer) problem(t *testing.T) Problem {
	t.Helper()
	var p Problem
	a.into(t, &p)
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/problem+json") {
		t.Errorf("content type %q", got)
	}
	if p.Status != a.StatusCode || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Type, "urn:lormas:problem:") {
		t.Errorf("status %d, problem %+v", a.StatusCode, p)
	}
	if p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("request id %q in the problem, %q in the header", p.RequestID, a.Header.Get("X-Request-Id"))
	}
	return p
}

func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s %s: status %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	return a
}

func (h *house) login(password string) signedBody {
	h.t.Helper()
	var signed signedBody
	h.do(call{method: "POST", path: "/api/v1/auth/login", body: map[string]string{"email": adminEmail, "password": password}}).
		want(h.t, http.StatusOK).into(h.t, &signed)
	return signed
}

func (h *house) admin() string {
	h.t.Helper()
	return h.login(adminPassword).AccessToken
}

// nobodyInParticular is somebody who is signed in and was granted nothing.
func (h *house) nobodyInParticular() string {
	h.t.Helper()
	const email = "new@lormas.local"
	h.exec(`insert into users (id, email, password_hash) select $1, $2, password_hash from users limit 1`, id.New[id.UserID](), email)
	signed, err := h.Auth.Login(h.t.Context(), authn.Login{Email: email, Password: adminPassword})
	if err != nil {
		h.t.Fatal(err)
	}
	return signed.Access
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if _, err := h.sql.Exec(h.t.Context(), sql, args...); err != nil {
		h.t.Fatal(err)
	}
}

// safeBuffer is a log that a test reads while the server writes.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
