package httpapi

import (
	"embed"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// docs is a page of ours that shows the document. It loads nothing from
// anywhere else.
//
//go:embed docs
var docs embed.FS

// docsPolicy lets the page load its own script, style and document.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

func (s *Server) docsRoutes() {
	const openAPI = "application/openapi+json"
	addRaw(s, Route{
		Verb: fleet.DocsView, ID: "docs.openapi", Method: http.MethodGet, Path: "/openapi.json", Summary: "Show the API's OpenAPI 3.1 document",
	}, openAPI, func(c *fiber.Ctx, _ authz.Actor) error {
		c.Set(fiber.HeaderContentType, openAPI)
		return c.Send(s.document)
	})
	for _, file := range []struct{ id, path, name, answer string }{
		{"docs.view", "/docs", "docs/index.html", fiber.MIMETextHTMLCharsetUTF8},
		{"docs.script", "/docs/docs.js", "docs/docs.js", fiber.MIMETextJavaScriptCharsetUTF8},
		{"docs.style", "/docs/docs.css", "docs/docs.css", "text/css; charset=utf-8"},
	} {
		addRaw(s, Route{
			Verb: fleet.DocsView, ID: file.id, Method: http.MethodGet, Path: file.path, Summary: "Show the API's documents in a browser",
		}, file.answer, func(c *fiber.Ctx, _ authz.Actor) error {
			text, err := docs.ReadFile(file.name)
			if err != nil {
				return err
			}
			c.Set(fiber.HeaderContentSecurityPolicy, docsPolicy)
			c.Set(fiber.HeaderContentType, file.answer)
			return c.Send(text)
		})
	}
}
