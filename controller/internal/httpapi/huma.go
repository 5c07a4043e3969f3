package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// huma is adjusted through variables of its package; no other room uses it.
func init() {
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return problemOfHuma(status, message, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		p := problemOfHuma(status, message, errs)
		if faults := misfitsOf(ctx, errs); len(faults) > 0 {
			p.Errors = faults
		}
		p.RequestID = requestID(humafiber.Unwrap(ctx))
		return p
	}
}

// schemaName is what a type is called in the document: ContainerBody is
// Container, and types of other rooms begin with the room: SpecVolume.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if room := path.Base(t.PkgPath()); t.Name() != "" && room != "httpapi" {
		name = strings.ToUpper(room[:1]) + room[1:] + name
	}
	return strings.TrimSuffix(name, "Body")
}

// problemOfHuma turns what huma found wrong with a request into our shape.
func problemOfHuma(status int, message string, errs []error) *Problem {
	if one, ok := lone(errs); ok {
		return one
	}
	switch status {
	case http.StatusBadRequest:
		if len(errs) == 0 {
			return newProblem(malformed, "this needs a body: send a JSON object")
		}
		return newProblem(malformed, "the body is not JSON: "+detailOf(errs[0]).Message)
	case http.StatusUnsupportedMediaType:
		return newProblem(unsupportedMedia, "send the body as JSON, with Content-Type: application/json")
	case http.StatusRequestEntityTooLarge:
		return newProblem(tooLarge, "the body is larger than this route takes")
	case http.StatusUnprocessableEntity:
		return newProblem(fleet.Invalid, "some fields are not right; see errors for each", faultsOf(errs)...)
	}
	p, _ := problemOf(errors.Join(errs...))
	return p
}

// lone is a problem that was made with all its words before huma saw it.
func lone(errs []error) (*Problem, bool) {
	for _, err := range errs {
		var p *Problem
		if errors.As(err, &p) {
			return p, true
		}
	}
	return nil, false
}

func faultsOf(errs []error) []spec.Fault {
	var faults []spec.Fault
	for _, err := range errs {
		d := detailOf(err)
		faults = append(faults, spec.Fault{Field: fieldOf(d), Message: sentenceOf(d)})
	}
	return faults
}

func detailOf(err error) *huma.ErrorDetail {
	var d *huma.ErrorDetail
	if errors.As(err, &d) {
		return d
	}
	return &huma.ErrorDetail{Message: err.Error()}
}

// fieldOf is the path as people wrote it: huma says body.ports[0].host, and
// names the object where a property is missing.
func fieldOf(d *huma.ErrorDetail) string {
	field := d.Location
	for _, place := range []string{"body", "query", "path", "header", "cookie"} {
		if field == place {
			field = ""
		}
		field = strings.TrimPrefix(field, place+".")
	}
	if name, ok := missing(d); ok && field != "" {
		return field + "." + name
	} else if ok {
		return name
	}
	return field
}

func missing(d *huma.ErrorDetail) (name string, ok bool) {
	name, ok = strings.CutPrefix(d.Message, "expected required property ")
	name, _ = strings.CutSuffix(name, " to be present")
	return name, ok
}

// sentenceOf is huma's message, made to say the next step where it does not.
func sentenceOf(d *huma.ErrorDetail) string {
	if _, ok := missing(d); ok {
		return "this field is needed"
	}
	switch d.Message {
	case "unexpected property":
		return "there is no such field: check its spelling, or leave it out"
	case "unknown query parameter":
		return "there is no such parameter: check its spelling, or leave it out"
	}
	if got := jsonType(d.Value); strings.HasPrefix(d.Message, "expected ") && got != "" {
		return fmt.Sprintf("%s, got %s", d.Message, got)
	}
	return d.Message
}

// jsonType names the type of a value without repeating it: it may be a secret.
func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return ""
}
