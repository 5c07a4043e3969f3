package httpapi

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/id"
)

// Every operation is called so often as each actor, always in the same way:
// the seed of its cases is its own name.
const (
	fuzzCases = 48
	fuzzDepth = 6
)

// fuzzer makes inputs of an operation from its schema.
type fuzzer struct {
	*contracts
	*rand.Rand
	ids    []string
	broken int // one in so many values is not what the schema wants; 0: none
}

// TestEveryOperationKeepsItsContract sends every operation inputs that are
// right, on the edge and wrong, and holds each answer to the document.
func TestEveryOperationKeepsItsContract(t *testing.T) {
	h := newMatrixHouse(t)
	all := contractsOf(t, h.Server)
	made := 0
	for _, one := range all.all {
		if one.path == "/mqtt" { // the broker's, which is none here
			continue
		}
		seed := fnv.New64a()
		_, _ = seed.Write([]byte(one.route)) // never fails
		f := &fuzzer{contracts: all, Rand: rand.New(rand.NewPCG(seed.Sum64(), 1))}
		for _, key := range h.ids {
			f.ids = append(f.ids, key)
		}
		slices.Sort(f.ids)
		for _, name := range []string{"viewer", "superuser"} {
			for i := range fuzzCases {
				f.broken = []int{0, 8, 2}[i%3]
				c := f.call(h, one)
				c.bearer = h.people[name].bearer
				got := h.do(c)
				if fault := all.holds(one, got); fault != "" {
					t.Errorf("%s as %s: %s\nsent %s %v\ngot %.400s", one.route, name, fault, c.path, c.body, got.body)
				}
				made += got.StatusCode / 200 % 2 * (1 - got.StatusCode/400)
			}
		}
		h.signInAgain()
	}
	if made < len(all.all) {
		t.Errorf("only %d inputs were accepted: the fuzzer does not get past the door", made)
	}
}

func (f *fuzzer) call(h *matrixHouse, one contract) call {
	c := call{method: one.method, header: map[string]string{"X-Lormas-Client": "test"}}
	c.path = f.path(h, one)
	query := url.Values{}
	for _, p := range one.Parameters {
		switch {
		case p.In == "query" && (p.Name == "follow" || p.Name == "cursor" && f.broken == 0): // a stream, and what only an answer gives
		case p.In == "query" && f.IntN(3) == 0:
			query.Set(p.Name, fmt.Sprint(f.value(p.Schema, p.Name, fuzzDepth)))
		case p.In == "header" && f.IntN(4) == 0:
			c.header[p.Name] = []string{`"1"`, "*", `W/"1"`, "nonsense", strings.Repeat("k", 300)}[f.IntN(5)]
		}
	}
	if text := query.Encode(); text != "" {
		c.path += "?" + text
	}
	if body := f.body(one); body != nil {
		text, _ := json.Marshal(f.value(body, "", fuzzDepth)) // made of what JSON knows
		c.body = string(text)
		if f.broken > 0 && f.IntN(12) == 0 {
			c.body = string(text[:f.IntN(len(text))])
		}
	}
	return c
}

// path has ids of things that are there, mostly.
func (f *fuzzer) path(h *matrixHouse, one contract) string {
	if f.broken == 0 || f.IntN(4) > 0 {
		return h.path(one.path)
	}
	odd := []string{"7", id.New[id.NodeID]().String(), "..%2F..%2Fetc%2Fpasswd", "%00", "%0d%0aX-Injected:1", strings.Repeat("a", 2000), "'%20or%201=1--", "%E2%80%AE", "%ff"}
	return parameter.ReplaceAllStringFunc(one.path, func(string) string { return odd[f.IntN(len(odd))] })
}

// value is a value for a schema, or now and then something else.
func (f *fuzzer) value(s *schema, field string, depth int) any {
	s = f.of(s)
	if s == nil || f.broken > 0 && f.IntN(f.broken*3) == 0 {
		return f.odd()
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[f.IntN(len(s.Enum))]
	case s.is("object"):
		return f.object(s, depth)
	case s.is("array"):
		list := []any{}
		for range f.IntN(3) {
			if depth > 0 {
				list = append(list, f.value(s.Items, field, depth-1))
			}
		}
		return list
	case s.is("boolean"):
		return f.IntN(2) == 0
	case s.is("integer"), s.is("number"):
		return f.number(s)
	}
	return f.text(s, field)
}

func (f *fuzzer) object(s *schema, depth int) any {
	object := map[string]any{}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names) // or the seed would not say what is made
	for _, name := range names {
		needed := slices.Contains(s.Required, name)
		if needed && (f.broken == 0 || f.IntN(f.broken*4) > 0) || !needed && depth > 0 && f.IntN(3) == 0 {
			object[name] = f.value(s.Properties[name], name, depth-1)
		}
	}
	if values := f.values(s); values != nil && depth > 0 && f.IntN(2) == 0 {
		object[[]string{"KEY", "a b", "", "\x00", "__proto__"}[f.IntN(5)]] = f.value(values, "", depth-1)
	}
	return object
}

// number is within the bounds or right on them; where the schema has none,
// those of the machine are the edge.
func (f *fuzzer) number(s *schema) any {
	edges := []any{0, 1, 2, 60}
	if s.Minimum != nil {
		edges = []any{*s.Minimum, *s.Minimum + 1}
	}
	if s.Maximum != nil {
		edges = append(edges, *s.Maximum)
	}
	if f.broken > 0 {
		edges = append(edges, -1, int64(1)<<31, int64(1)<<53, json.Number("9223372036854775807"), json.Number("9223372036854775808"), 1.5, json.Number("1e300"))
	}
	return edges[f.IntN(len(edges))]
}

func (f *fuzzer) text(s *schema, field string) any {
	switch {
	case s.Format == "uuid" || strings.HasSuffix(field, "Id"):
		return f.ids[f.IntN(len(f.ids))]
	case s.Format == "date-time":
		return []string{"2026-01-02T15:04:05Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+14:00"}[f.IntN(3)]
	case len(s.Examples) > 0 && f.IntN(4) > 0:
		return s.Examples[f.IntN(len(s.Examples))]
	case field == "email":
		return fmt.Sprintf("f%d@example.org", f.Uint32())
	case s.MaxLength != nil && f.IntN(3) == 0:
		return strings.Repeat("é", *s.MaxLength)
	case f.broken > 0 && f.IntN(3) == 0:
		return attacks[f.IntN(len(attacks))].text
	}
	return []string{fmt.Sprintf("f%d", f.Uint32()), "10g", "5m", "", "a"}[f.IntN(5)]
}

// odd is a value of any type.
func (f *fuzzer) odd() any {
	return []any{nil, true, -1, 1e18, "", "\x00", strings.Repeat("x", 5000), []any{}, []any{nil}, map[string]any{}, map[string]any{"": nil}}[f.IntN(11)]
}
