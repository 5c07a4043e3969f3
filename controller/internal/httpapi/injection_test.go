package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/id"
)

// attacks are texts that have broken other programs.
var attacks = []struct{ name, text string }{
	{"SQL: or", `' OR '1'='1' --`},
	{"SQL: drop", `'; DROP TABLE users; --`},
	{"SQL: union", `x' UNION SELECT password_hash FROM users --`},
	{"SQL: like", `%_\`},
	{"header", "a\r\nX-Injected: yes"},
	{"line feed", "a\nX-Injected: yes"},
	{"path", "../../../../etc/passwd"},
	{"path of Windows", `..\..\windows\win.ini`},
	{"topic: plus", "lormas/v1/nodes/+/desired"},
	{"topic: hash", "lormas/v1/#"},
	{"topic: system", "$SYS/broker/clients"},
	{"NUL", "a\x00b"},
	{"right to left", "exe.\u202egpj"},
	{"zero width", "ad\u200bmin\u2060"},
	{"page", `<script>alert(1)</script>`},
	{"template", `{{.Env}}${HOME}$(id)`},
	{"long", strings.Repeat("long ", 4000)},
	{"surrogate", "\ufffd\ufffe"},
}

// otherwise are fields of a body that its answer has by the same name and with
// another meaning.
var otherwise = map[string]bool{"POST /api/v1/nodes/:id/cordon reason": true} // the answer's is that of the node's state

// TestAttacksInEveryString puts every attack into every string of every body
// that creates or changes something, one at a time into a body that is right
// but for that. The fields come from the document, so a new one is covered.
func TestAttacksInEveryString(t *testing.T) {
	h := newMatrixHouse(t)
	all := contractsOf(t, h.Server)
	bodies := map[string]string{}
	for _, row := range matrix {
		bodies[row.route] = row.body
	}
	fields, kept := 0, 0
	for _, one := range all.all {
		body := all.body(one)
		if body == nil {
			continue
		}
		for _, field := range all.strings(body, nil, fuzzDepth) {
			fields++
			for _, attack := range attacks {
				var base any
				if err := json.Unmarshal([]byte(h.fill(bodies[one.route], "superuser")), &base); err != nil {
					t.Fatalf("%s: the matrix has no body for it: %v", one.route, err)
				}
				sent := put(base, field, attack.text)
				got := h.do(call{method: one.method, path: h.path(one.path), bearer: h.people["superuser"].bearer, body: sent, header: map[string]string{"X-Lormas-Client": "test"}})
				where := one.route + ": " + attack.name + " in " + strings.Join(field, ".")
				if fault := all.holds(one, got); fault != "" {
					t.Errorf("%s: %s\ngot %.300s", where, fault, got.body)
				}
				if got.StatusCode >= http.StatusBadRequest {
					continue
				}
				var answered any
				if len(got.body) == 0 || json.Unmarshal(got.body, &answered) != nil {
					continue
				}
				if back, ok := at(answered, field).(string); ok && otherwise[one.route+" "+strings.Join(field, ".")] {
					continue
				} else if ok && back != attack.text {
					t.Errorf("%s: came back as %q", where, back)
				} else if ok {
					kept++
				}
			}
		}
		h.signInAgain()
	}
	if fields < 50 || kept == 0 {
		t.Errorf("%d fields were found, %d attacks kept as they are: the test does not reach what it is for", fields, kept)
	}
	if n := h.count(`select count(*) from users`); n == 0 {
		t.Error("the users are gone")
	}
}

// strings are the places of all strings in a schema; * stands for an item of a
// list, and for a key and what is under it in a map.
func (c *contracts) strings(s *schema, place []string, depth int) (places [][]string) {
	s = c.of(s)
	if s == nil || depth == 0 {
		return nil
	}
	below := func(name string, s *schema) {
		places = append(places, c.strings(s, append(slices.Clone(place), name), depth-1)...)
	}
	switch {
	case s.is("object"):
		for name, property := range s.Properties {
			below(name, property)
		}
		if values := c.values(s); values != nil {
			below("{key}", values)
			places = append(places, append(slices.Clone(place), "{name}"))
		}
	case s.is("array"):
		below("[]", s.Items)
	case s.is("string"):
		return [][]string{place}
	}
	return places
}

// put is a value with a text at a place, whatever was there before.
func put(value any, place []string, text string) any {
	if len(place) == 0 {
		return text
	}
	switch place[0] {
	case "[]":
		if list, ok := value.([]any); ok && len(list) > 0 {
			return []any{put(list[0], place[1:], text)}
		}
		return []any{put(nil, place[1:], text)}
	case "{key}":
		return map[string]any{"KEY": put(nil, place[1:], text)}
	case "{name}":
		return map[string]any{text: "value"}
	}
	object, ok := value.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	object[place[0]] = put(object[place[0]], place[1:], text)
	return object
}

// at is what stands at a place; nil where there is nothing.
func at(value any, place []string) any {
	for _, level := range place {
		switch level {
		case "[]":
			list, ok := value.([]any)
			if !ok || len(list) == 0 {
				return nil
			}
			value = list[0]
		case "{key}":
			level = "KEY"
			fallthrough
		default:
			object, ok := value.(map[string]any)
			if !ok {
				return nil
			}
			value = object[level]
		}
	}
	return value
}

// fill puts things that are there into a body of the matrix.
func (h *matrixHouse) fill(body, name string) string {
	return strings.NewReplacer("EGG", h.ids["eggs"], "CATEGORY", h.ids["categories"], "USER", h.ids["users"], "ROLE", h.ids["roles"],
		"NAME", name+id.New[id.JobID]().String()[30:]).Replace(body)
}
