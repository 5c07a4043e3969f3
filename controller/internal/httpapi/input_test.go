package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// sampleInput has every shape of field that routes have.
type sampleInput struct {
	ID    id.NodeID `path:"id"`
	Limit int       `query:"limit" minimum:"1" maximum:"200"`
	Body  struct {
		Name  string            `json:"name" maxLength:"20"`
		Egg   *id.EggID         `json:"eggId,omitempty"`
		Room  spec.Resources    `json:"resources,omitzero"`
		Env   map[string]string `json:"environment,omitempty"`
		Ports []struct {
			Host     int         `json:"host"`
			Protocol string      `json:"protocol,omitempty" enum:"tcp,udp"`
			On       []id.NodeID `json:"on,omitempty"`
		} `json:"ports,omitempty"`
	}
}

type sampleOutput struct{ Body struct{} }

const samplePath = "/api/v1/sample/0192f0c1-2345-7abc-8def-0123456789ab"

// sampleRoutes take the sample input, with a public verb, and answer {}.
func sampleRoutes(s *Server) {
	route := Route{Verb: fleet.AuthLogin, Method: http.MethodPost, Path: "/sample/{id}", Summary: "Take a sample", MaxBody: 4096}
	add(s, route, func(context.Context, authz.Actor, *sampleInput) (*sampleOutput, error) { return &sampleOutput{}, nil })
}

func TestBadInput(t *testing.T) {
	h := newHouse(t, houseOptions{routes: sampleRoutes})
	large := `{"name": "` + strings.Repeat("x", 4096) + `"}`
	tests := map[string]struct {
		call   call
		status int
		kind   fleet.Kind
		faults []string // field: beginning of the message
		detail string
	}{
		"not JSON":                    {call{body: "{\"name\":\n  oops}"}, 400, malformed, nil, "line 2, column 3"},
		"cut off":                     {call{body: `{"name": "a`}, 400, malformed, nil, "line 1"},
		"two values":                  {call{body: `{"name": "a"} {}`}, 400, malformed, nil, "column 15"},
		"no body":                     {call{body: ""}, 400, malformed, nil, "needs a body"},
		"another type":                {call{body: "name=a", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, unsupportedMedia, nil, "application/json"},
		"no type":                     {call{body: `{"name": "a"}`, header: map[string]string{"Content-Type": ""}}, 415, unsupportedMedia, nil, "application/json"},
		"plain text":                  {call{body: `{"name": "a"}`, header: map[string]string{"Content-Type": "text/plain"}}, 415, unsupportedMedia, nil, "application/json"},
		"just over the size":          {call{body: large}, 413, tooLarge, nil, "larger"},
		"ten megabytes":               {call{body: strings.Repeat("x", 10<<20)}, 413, tooLarge, nil, "larger"},
		"an array":                    {call{body: `[]`}, 422, fleet.Invalid, []string{": expected object"}, ""},
		"null":                        {call{body: `null`}, 422, fleet.Invalid, []string{": expected object"}, ""},
		"a field missing":             {call{body: `{}`}, 422, fleet.Invalid, []string{"name: this field is needed"}, ""},
		"an unknown field":            {call{body: `{"name": "a", "nmae": 1}`}, 422, fleet.Invalid, []string{"nmae: there is no such field"}, ""},
		"another case":                {call{body: `{"Name": "a"}`}, 422, fleet.Invalid, []string{"name: this field is needed", "Name: there is no such field"}, ""},
		"a wrong type":                {call{body: `{"name": 7}`}, 422, fleet.Invalid, []string{"name: expected string, got a number"}, ""},
		"deep inside":                 {call{body: `{"name": "a", "ports": [{"host": 1}, {"host": "80", "protocol": "icmp"}]}`}, 422, fleet.Invalid, []string{"ports[1].host: expected integer, got a string", "ports[1].protocol: "}, ""},
		"a field missing deep inside": {call{body: `{"name": "a", "ports": [{}]}`}, 422, fleet.Invalid, []string{"ports[0].host: this field is needed"}, ""},
		"no such id":                  {call{body: `{"name": "a", "eggId": "7"}`}, 422, fleet.Invalid, []string{`eggId: "7" is not a egg id`}, ""},
		"an id deep inside":           {call{body: `{"name": "a", "ports": [{"host": 1, "on": ["x"]}]}`}, 422, fleet.Invalid, []string{`ports[0].on[0]: "x" is not a node id`}, ""},
		"not a size":                  {call{body: `{"name": "a", "resources": {"cpu": 1, "memory": "lots", "disk": "1g"}}`}, 422, fleet.Invalid, []string{`resources.memory: "lots" is not a size`}, ""},
		"a number beyond all":         {call{body: `{"name": "a", "ports": [{"host": 1e400}]}`}, 400, malformed, nil, ""},
		"a number too large":          {call{body: `{"name": "a", "ports": [{"host": 99999999999999999999}]}`}, 422, fleet.Invalid, []string{"ports[0].host: 100000000000000000000 does not fit"}, ""},
		"an unknown parameter":        {call{path: "?limt=3", body: `{"name": "a"}`}, 422, fleet.Invalid, []string{"limt: there is no such parameter"}, ""},
		"a parameter out of bounds":   {call{path: "?limit=0", body: `{"name": "a"}`}, 422, fleet.Invalid, []string{"limit: "}, ""},
		"a parameter of wrong type":   {call{path: "?limit=ten", body: `{"name": "a"}`}, 422, fleet.Invalid, []string{"limit: invalid integer"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := tt.call
			c.method, c.path = http.MethodPost, samplePath+c.path
			p := h.do(c).want(t, tt.status).problem(t)
			if p.Type != problemPrefix+string(tt.kind) || !strings.Contains(p.Detail, tt.detail) {
				t.Errorf("problem = %+v, want kind %s with %q", p, tt.kind, tt.detail)
			}
			if diff := cmp.Diff(len(tt.faults), len(p.Errors)); diff != "" {
				t.Fatalf("faults %+v, want %v", p.Errors, tt.faults)
			}
			for i, f := range p.Errors {
				if got := f.Field + ": " + f.Message; !strings.HasPrefix(got, tt.faults[i]) {
					t.Errorf("fault %q, want %q", got, tt.faults[i])
				}
			}
		})
	}
	h.do(call{method: "POST", path: samplePath, body: large[:len(large)-3-15] + `"}`}).want(t, 422) // 20 characters is a rule of the field
	h.do(call{method: "POST", path: samplePath + "?limit=200", body: `{"name": "a", "environment": {"ANY": "thing"}, "resources": {"cpu": 1.5, "memory": "512m", "disk": "10g"}}`}).want(t, 200)
	h.do(call{method: "POST", path: samplePath, body: `{"name": "a"}`, header: map[string]string{"Content-Type": "application/json; charset=utf-8"}}).want(t, 200)
	p := h.do(call{method: "POST", path: "/api/v1/sample/7", body: `{"name": "a"}`}).want(t, 422).problem(t)
	if len(p.Errors) != 1 || p.Errors[0].Field != "id" {
		t.Errorf("faults of a path: %+v", p.Errors)
	}
}

// Strings of a request stay what they were after its handler has returned.
func TestStringsOfARequestLast(t *testing.T) {
	const requests = 200
	var mu sync.Mutex
	kept := map[string]string{}
	type input struct {
		Name  string `path:"name"`
		Agent string `header:"User-Agent"`
	}
	h := newHouse(t, houseOptions{routes: func(s *Server) {
		route := Route{Verb: fleet.DocsView, Method: http.MethodGet, Path: "/keep/{name}", Summary: "Keep a string"}
		add(s, route, func(_ context.Context, _ authz.Actor, in *input) (*sampleOutput, error) {
			mu.Lock()
			defer mu.Unlock()
			kept[in.Agent] = in.Name
			return &sampleOutput{}, nil
		})
	}})
	for i := range requests {
		n := strconv.Itoa(i)
		h.do(call{method: "GET", path: "/api/v1/keep/" + n, header: map[string]string{"User-Agent": "agent-" + n}}).want(t, 200)
	}
	for i := range requests {
		if n := strconv.Itoa(i); kept["agent-"+n] != n {
			t.Fatalf("of request %s was kept %q", n, kept["agent-"+n])
		}
	}
}
