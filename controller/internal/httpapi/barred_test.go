package httpapi

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

// A stream that is open ends when its reader may not read it any more.
func TestAStreamEndsWithTheRightToReadIt(t *testing.T) {
	ways := map[string]struct {
		take func(h *fleetHouse, p person, b BindingBody)
		says string
	}{
		"binding": {func(h *fleetHouse, _ person, b BindingBody) {
			h.do(call{method: "DELETE", path: "/api/v1/roles/bindings/" + b.ID.String(), bearer: h.bearer}).want(t, 204)
		}, "there is no container"},
		"user": {func(h *fleetHouse, p person, _ BindingBody) {
			h.do(call{method: "POST", path: "/api/v1/users/" + p.id + "/disable", bearer: h.bearer}).want(t, 200)
		}, "signed out"},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			h, _, path := watched(t, func(_ wire.Command, send func(any)) {
				send(wire.LogChunk{Header: wire.Head(wire.TypeLogs), Data: "ready\n"})
			})
			p := h.person("reader@lormas.test")
			role := h.role(h.bearer, "Reader", nil, "container.view", "container.logs")
			binding := h.bind(h.bearer, p.id, role.ID, fleet.OfContainer, strings.TrimPrefix(path, "/containers/"))
			req := must(http.NewRequestWithContext(t.Context(), "GET", h.url+prefix+path+"/logs?follow=true", nil))(t)
			req.Header.Set("Authorization", "Bearer "+p.bearer)
			res := must(http.DefaultClient.Do(req))(t)
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Fatalf("the log is answered with %s", res.Status)
			}
			way.take(h, p, binding)
			if all := string(must(io.ReadAll(res.Body))(t)); !strings.Contains(all, way.says) {
				t.Errorf("the stream ends with %q, want a word of %q", all, way.says)
			}
		})
	}
}
