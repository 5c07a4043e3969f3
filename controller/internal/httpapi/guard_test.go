package httpapi

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEveryChangeMayBeGuarded sends each request that changes something with
// the ETag that it was decided on, and with the one before. A new route needs
// no row here: it takes its body from the matrix.
func TestEveryChangeMayBeGuarded(t *testing.T) {
	h := newMatrixHouse(t)
	bodies := map[string]string{}
	for _, row := range matrix {
		bodies[row.route] = row.body
	}
	walked := 0
	for _, one := range contractsOf(t, h.Server).all {
		guarded := slices.ContainsFunc(one.Parameters, func(p parameterOf) bool { return p.Name == "If-Match" })
		if one.method != http.MethodPatch && one.method != http.MethodPut {
			continue
		}
		if walked++; !guarded {
			t.Errorf("%s takes no If-Match: give it GuardedInput, generationOf and fleet.IfMatch, and its answer an ETag", one.route)
			continue
		}
		send := func(ifMatch string) answer {
			c := call{method: one.method, path: h.path(one.path), bearer: h.people["superuser"].bearer, body: h.fill(bodies[one.route], "superuser")}
			if ifMatch != "" {
				c.header = map[string]string{"If-Match": ifMatch}
			}
			return h.do(c)
		}
		done := http.StatusOK
		if _, later := one.Responses["202"]; later {
			done = http.StatusAccepted
		}
		tag := send("").want(t, done).Header.Get("ETag")
		tag = send(tag).want(t, done).Header.Get("ETag")
		generation, err := generationOf(tag)
		if err != nil || generation == nil {
			t.Errorf("%s answers with the ETag %s", one.route, tag)
			continue
		}
		read := h.do(call{method: http.MethodGet, path: h.path(one.path), bearer: h.people["superuser"].bearer})
		if read.StatusCode == http.StatusOK && read.Header.Get("ETag") != tag {
			t.Errorf("%s answers with the ETag %s, and a GET with %s", one.route, tag, read.Header.Get("ETag"))
		}
		before := h.everything()
		send(etag(*generation-1)).want(t, http.StatusPreconditionFailed).problem(t)
		send("W/"+etag(*generation+1)).want(t, http.StatusPreconditionFailed).problem(t)
		send(`"grey geese"`).want(t, http.StatusUnprocessableEntity).problem(t)
		if diff := cmp.Diff(before, h.everything()); diff != "" {
			t.Errorf("%s: what was refused changed something:\n%s", one.route, diff)
		}
		send(tag).want(t, done)
	}
	if walked < 9 {
		t.Errorf("%d changes were found in the document", walked)
	}
}
