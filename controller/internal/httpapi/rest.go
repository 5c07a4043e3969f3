package httpapi

import (
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// isAPI reports whether a path belongs to the API: what is not there has to
// be said in its language and not with the dashboard's first page.
func isAPI(p string) bool { return p == "/api" || strings.HasPrefix(p, "/api/") }

// rest answers what no route did: 404 or 405 below /api, and files of the
// dashboard elsewhere.
func (s *Server) rest(c *fiber.Ctx) error {
	p := c.Path()
	if allowed := s.methodsOf(p); len(allowed) > 0 {
		c.Set(fiber.HeaderAllow, strings.Join(allowed, ", "))
		return fiber.ErrMethodNotAllowed
	}
	if isAPI(p) || s.Dashboard == nil {
		return fiber.ErrNotFound
	}
	if c.Method() != http.MethodGet && c.Method() != http.MethodHead {
		c.Set(fiber.HeaderAllow, "GET, HEAD")
		return fiber.ErrMethodNotAllowed
	}
	return s.dashboard(c, strings.TrimPrefix(path.Clean(p), "/"))
}

// methodsOf are the methods that a path has routes for.
func (s *Server) methodsOf(p string) []string {
	var methods []string
	for _, r := range s.routes {
		if fiber.RoutePatternMatch(p, fiberPath(r.path()), s.app.Config()) {
			methods = append(methods, r.Method)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// dashboard serves a file, or the first page for a path that only the
// dashboard itself knows. Files below assets/ have a hash in their name.
func (s *Server) dashboard(c *fiber.Ctx, name string) error {
	file, err := fs.ReadFile(s.Dashboard, name)
	if err != nil {
		if path.Ext(name) != "" {
			return fiber.ErrNotFound
		}
		name = "index.html"
		file, err = fs.ReadFile(s.Dashboard, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fiber.ErrNotFound
	}
	if err != nil {
		return err
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		cache = "public, max-age=31536000, immutable"
	}
	c.Set(fiber.HeaderCacheControl, cache)
	c.Set(fiber.HeaderContentType, mime.TypeByExtension(path.Ext(name)))
	return c.Send(file)
}
