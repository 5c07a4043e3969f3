package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
)

// prefix stands before the path of every route of the API.
const prefix = "/api/v1"

// Bodies are read up to defaultBody unless the route says otherwise, and
// never beyond maxBody, where Fiber would cut the connection.
const (
	defaultBody = 1 << 20
	maxBody     = 16 << 20
)

// answerWithin bounds the work for one request, so that a database that hangs
// cannot collect requests without end. Streams are not bound by it.
const answerWithin = 30 * time.Second

// Route is one operation of the API. Who may use it, and whether it changes
// something, is in the verb's row of authz.Rules.
type Route struct {
	Verb    fleet.Verb // the permission, the audit's verb and, unless ID is set, the operation id
	ID      string     // where one verb has several routes: node.view lists and shows
	Method  string
	Path    string // below prefix; parameters as {id}
	Summary string // a short sentence in the imperative
	Help    string // more of it, where there is more to know
	Status  int    // of success; 0: 200, or 204 without a body
	MaxBody int64  // 0: defaultBody

	List   *store.Listing // of a list, how it is listed
	Stream string         // content type of an answer that is written while it is made; "": JSON
	Params []*huma.Param  // of a raw route, beside those in its path
	Local  bool           // of a raw route: open to requests from this very machine
}

// path is the whole path. One that begins with two slashes stands beside the
// API: //livez is /livez.
func (r Route) path() string {
	if strings.HasPrefix(r.Path, "//") {
		return r.Path[1:]
	}
	return prefix + r.Path
}

// id is the operation id.
func (r Route) id() string {
	if r.ID != "" {
		return r.ID
	}
	return string(r.Verb)
}

// tag groups the operations of one noun.
func (r Route) tag() string {
	noun, _, _ := strings.Cut(string(r.Verb), ".")
	return noun
}

// add registers a route. Its input and output are structs in huma's manner:
// fields tagged path, query and header, and one called Body. The handler gets
// an actor who may use the verb somewhere; whether he may on this target is
// for actions to say.
func add[I, O any](s *Server, r Route, handle func(ctx context.Context, actor authz.Actor, in *I) (*O, error)) {
	mustBeSeen(reflect.TypeFor[I](), r)
	mustBeSeen(reflect.TypeFor[O](), r)
	op := s.operation(r)
	if r.Stream != "" {
		op.Responses = map[string]*huma.Response{"200": response("OK", r.Stream, nil)}
	}
	op.Parameters = listParams(r, reflect.TypeFor[I]())
	op.Middlewares = huma.Middlewares{s.guard(r), bodyHasType, isText}
	op.Metadata[bodyOf] = reflect.TypeFor[I]()
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		actor := visitOf(ctx).actor
		out, err := handle(ctx, actor, in)
		if err != nil {
			return nil, s.fail(ctx, r, actor, err)
		}
		return out, nil
	})
}

// mustBeSeen panics where a struct embeds one with a small name: huma does
// not look into it, so its fields would be neither read nor documented.
func mustBeSeen(t reflect.Type, r Route) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || path.Base(t.PkgPath()) != "httpapi" && t.Name() != "" {
		return // huma knows what it does with types of others
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && !f.IsExported() {
			panic(fmt.Sprintf("httpapi: %s: %s embeds %s, which huma cannot see: give it a large name", r.id(), t, f.Name))
		}
		if f.IsExported() {
			mustBeSeen(f.Type, r)
		}
	}
}

// addRaw registers a route that writes its answer itself, such as a stream.
// It passes the same checks; answer names its content type for the document.
func addRaw(s *Server, r Route, answer string, handle func(c *fiber.Ctx, actor authz.Actor) error) {
	op := s.operation(r)
	problem := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	op.Responses = map[string]*huma.Response{
		"200":     response("OK", answer, nil),
		"default": response("Error", problemType, problem),
	}
	op.Parameters = append(pathParams(r.Path), r.Params...)
	s.api.OpenAPI().AddOperation(&op)
	s.app.Add(r.Method, fiberPath(op.Path), func(c *fiber.Ctx) error {
		actor, err := s.admit(c, r)
		if err != nil {
			return s.refuse(c.UserContext(), r, actor, err)
		}
		if err := handle(c, actor); err != nil {
			return s.fail(c.UserContext(), r, actor, err)
		}
		return nil
	})
}

func response(description, contentType string, schema *huma.Schema) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{contentType: {Schema: schema}}}
}

// operation is the route as the document shows it.
func (s *Server) operation(r Route) huma.Operation {
	rule, ok := authz.RuleOf(r.Verb)
	if !ok {
		panic(fmt.Sprintf("httpapi: %s %s: no row for %q in authz.Rules", r.Method, r.Path, r.Verb))
	}
	op := huma.Operation{
		OperationID: r.id(), Method: r.Method, Path: r.path(), Summary: r.Summary, Tags: []string{r.tag()},
		Description: describe(r, rule), DefaultStatus: r.Status,
		MaxBodyBytes:                 cmp.Or(r.MaxBody, defaultBody) + 1, // huma refuses the limit itself, too
		BodyReadTimeout:              -1,                                 // Fiber has read it; its own timeouts stand
		RejectUnknownQueryParameters: true,
		Extensions:                   map[string]any{"x-permission": string(r.Verb), "x-access": string(rule.Access)},
		Metadata:                     map[string]any{},
	}
	op.Security = []map[string][]string{{}} // nothing is enough
	if rule.Access != authz.Public {
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	s.routes = append(s.routes, r)
	return op
}

func describe(r Route, rule authz.Rule) string {
	who := "Open to everybody."
	switch rule.Access {
	case authz.SignedIn:
		who = "Open to everybody who is signed in."
	case authz.InPerson:
		who = "Open to everybody who is signed in with his password; refused to API tokens."
	case authz.Permission:
		colons := strings.ReplaceAll(string(r.Verb), ".", ":")
		who = fmt.Sprintf("Needs the permission `%s` (also written `%s`): %s.", r.Verb, colons, rule.Help)
	}
	return strings.TrimSpace(r.Help + "\n\n" + who)
}

// guard is admit for huma's routes.
func (s *Server) guard(r Route) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := humafiber.Unwrap(ctx)
		actor, err := s.admit(c, r)
		if err != nil {
			_ = writeProblem(c, s.refuse(ctx.Context(), r, actor, err)) // a Problem can always be encoded
			return
		}
		v := visit{actor: actor, local: local(c), https: c.Protocol() == "https"}
		next(huma.WithValue(ctx, visitKey{}, v))
	}
}

// visit is what a handler may know of the request besides its input.
type visit struct {
	actor authz.Actor
	local bool
	https bool // also when a proxy says so: it only makes the cookie stricter
}

type visitKey struct{}

// visitOf is the visit that guard admitted.
func visitOf(ctx context.Context) visit {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v
}

// fiberPath is the path in Fiber's spelling.
func fiberPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// pathParams documents the parameters of a raw route.
func pathParams(path string) []*huma.Param {
	var params []*huma.Param
	for _, part := range strings.Split(path, "/") {
		name, ok := strings.CutPrefix(part, "{")
		if ok {
			params = append(params, &huma.Param{
				Name: strings.TrimSuffix(name, "}"), In: "path", Required: true,
				Schema: &huma.Schema{Type: huma.TypeString},
			})
		}
	}
	return params
}
