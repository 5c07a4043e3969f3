package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/spec"
)

// Deps is what the server works with.
type Deps struct {
	Auth  *authn.Service
	Store *store.Store
	Fleet

	Version   string
	PublicURL string                                     // as people reach us; https here makes cookies Secure
	Dashboard fs.FS                                      // the built dashboard; nil: none
	MQTT      fasthttp.RequestHandler                    // the broker's WebSocket at /mqtt; nil: none
	Ready     map[string]func(ctx context.Context) error // what /readyz asks, by name
	Standby   func() (active string, standby bool)       // whether another controller is the active one, and its address; nil: never
	Metrics   *prometheus.Registry
	Log       *slog.Logger
}

// Server is the API and all that shares its port.
type Server struct {
	Deps
	app      *fiber.App
	api      huma.API
	metrics  *metrics
	routes   []Route
	quiet    map[string]bool // routes of the access log's debug level
	document []byte          // openapi.json

	ctx  context.Context // of every request: ends when the server closes
	stop context.CancelFunc
}

// New makes the server with all its routes.
func New(d Deps) (*Server, error) {
	s := bare(d)
	s.addRoutes()
	if err := s.finish(); err != nil {
		return nil, err
	}
	return s, nil
}

// bare is the server without routes.
func bare(d Deps) *Server {
	s := &Server{Deps: d, metrics: newMetrics(d.Metrics), quiet: map[string]bool{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName: "Lormas", DisableStartupMessage: true, CaseSensitive: true,
		Immutable:      true,    // or strings of a request change after its handler
		BodyLimit:      maxBody, // beyond it the connection is cut, answer or not
		ReadBufferSize: maxHead,
		ReadTimeout:    time.Minute,
		IdleTimeout:    2 * time.Minute,
		ErrorHandler:   s.onError,
	})
	readOn(s.app.Server())
	s.app.Use(s.observe, secure, s.standingBy)
	s.api = humafiber.New(s.app, apiConfig(d.Version))
	return s
}

// addRoutes names every group of routes once.
func (s *Server) addRoutes() {
	s.authRoutes()
	s.accountRoutes()
	s.totpRoutes()
	s.tokenRoutes()
	s.userRoutes()
	s.roleRoutes()
	s.explainRoutes()
	s.auditRoutes()
	s.fleetRoutes()
	s.docsRoutes()
	s.probeRoutes()
}

// finish writes the document and puts what answers the rest behind all
// routes.
func (s *Server) finish() error {
	s.exemplify()
	document, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	s.document = document
	s.app.Use(s.rest)
	return nil
}

func apiConfig(version string) huma.Config {
	components := &huma.Components{
		Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
		SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {
			Type: "http", Scheme: "bearer",
			Description: "An access token of POST /auth/login, or an API token (lormas_…).",
		}},
	}
	components.Schemas.RegisterTypeAlias(typeOf[spec.CPU](), typeOf[float64]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Lormas", Version: version, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
				Description: "Containers on machines you cannot always reach. Errors are problem+json (RFC 9457); lists come in pages of `items` and `next_cursor`.",
			},
			Servers:    []*huma.Server{{URL: "/"}},
			Components: components,
		},
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// Serve answers requests on l until Close, and returns nil then.
func (s *Server) Serve(l net.Listener) error {
	err := s.app.Listener(l)
	if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	return nil
}

// Close ends all streams, waits a while for requests under way, and stops.
// Connections of the broker's WebSocket are the broker's to close, before.
func (s *Server) Close() error {
	const patience = 10 * time.Second
	s.stop()
	if err := s.app.ShutdownWithTimeout(patience); err != nil {
		return fmt.Errorf("close the API: %w", err)
	}
	return nil
}
