package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema is a part of the document: enough of JSON Schema to make values of it.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a word, or a list of them
	Format     string             `json:"format"`
	Enum       []any              `json:"enum"`
	Examples   []any              `json:"examples"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
	MaxLength  *int               `json:"maxLength"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	More       json.RawMessage    `json:"additionalProperties"`
}

// contract is an operation with what the document promises of it.
type contract struct {
	route, method, path string        // the path as Fiber writes it
	Parameters          []parameterOf `json:"parameters"`
	Body                struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

// parameterOf is one of an operation, which is not in its body.
type parameterOf struct {
	Name   string  `json:"name"`
	In     string  `json:"in"`
	Schema *schema `json:"schema"`
}

// contracts is the document, read for tests that hold the API to it.
type contracts struct {
	schemas map[string]*schema
	rules   *jsonschema.Compiler
	known   map[string]*jsonschema.Schema
	all     []contract
}

// contractsOf reads what the server itself serves. What removes things comes
// last, so that the others have them.
func contractsOf(t *testing.T, s *Server) *contracts {
	t.Helper()
	var document struct {
		Paths      map[string]map[string]contract `json:"paths"`
		Components struct {
			Schemas map[string]*schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(s.document, &document); err != nil {
		t.Fatal(err)
	}
	c := &contracts{schemas: document.Components.Schemas, rules: jsonschema.NewCompiler(), known: map[string]*jsonschema.Schema{}}
	if err := c.rules.AddResource("api.json", must(jsonschema.UnmarshalJSON(bytes.NewReader(s.document)))(t)); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method, one := range methods {
			one.method, one.path = strings.ToUpper(method), fiberPath(path)
			one.route = one.method + " " + one.path
			c.all = append(c.all, one)
		}
	}
	slices.SortFunc(c.all, func(a, b contract) int {
		last := func(c contract) int {
			if c.method == http.MethodDelete {
				return 1
			}
			return 0
		}
		return cmp.Or(last(a)-last(b), strings.Compare(a.route, b.route))
	})
	return c
}

// body is the schema of what an operation takes; nil where it takes nothing.
func (c *contracts) body(one contract) *schema {
	return c.of(one.Body.Content["application/json"].Schema)
}

func (c *contracts) of(s *schema) *schema {
	for s != nil && s.Ref != "" {
		s = c.schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// values is the schema of what a map holds.
func (c *contracts) values(s *schema) *schema {
	var values schema
	if len(s.More) == 0 || s.More[0] != '{' || json.Unmarshal(s.More, &values) != nil {
		return nil
	}
	return c.of(&values)
}

func (s *schema) is(kind string) bool {
	if list, ok := s.Type.([]any); ok {
		return slices.Contains(list, any(kind))
	}
	return s.Type == kind
}

// holds says what is wrong with an answer; "" where it is as promised. No
// answer is our fault here, where every part is there; 504 is of a container
// whose node nobody answers for.
func (c *contracts) holds(one contract, got answer) string {
	for name, values := range got.Header {
		if strings.Contains(strings.ToLower(name+strings.Join(values, "")), "x-injected") {
			return fmt.Sprintf("the header %s: %q was put in by the request", name, values)
		}
	}
	status := fmt.Sprint(got.StatusCode)
	contentType, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	if got.StatusCode >= http.StatusInternalServerError && got.StatusCode != http.StatusGatewayTimeout {
		return "our fault: " + status
	}
	if got.StatusCode >= http.StatusBadRequest {
		if _, named := one.Responses[status]; !named {
			status = "default"
		}
		if contentType != problemType {
			return "a refusal that is no problem: " + contentType
		}
	}
	promised, ok := one.Responses[status]
	if !ok {
		return "the document has no answer with status " + status
	}
	if len(promised.Content) == 0 && len(got.body) > 0 {
		return "a body where none is promised"
	}
	if media, ok := promised.Content[contentType]; !ok || media.Schema == nil {
		return ""
	}
	return c.fits(one, status, contentType, got.body)
}

func (c *contracts) fits(one contract, status, contentType string, body []byte) string {
	levels := []string{"paths", openPath(one.path), strings.ToLower(one.method), "responses", status, "content", contentType, "schema"}
	for i, level := range levels {
		levels[i] = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(level)
	}
	place := "api.json#/" + strings.Join(levels, "/")
	rule, ok := c.known[place]
	if !ok {
		var err error
		if rule, err = c.rules.Compile(place); err != nil {
			return err.Error()
		}
		c.known[place] = rule
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = rule.Validate(value)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// openPath is Fiber's path as the document writes it.
func openPath(path string) string {
	return parameter.ReplaceAllStringFunc(path, func(name string) string { return "{" + name[1:] + "}" })
}
