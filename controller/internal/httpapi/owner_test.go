package httpapi

import (
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func TestAnOwnerSeesWhatIsHisAndNothingElse(t *testing.T) {
	h := newFleetHouse(t)
	egg := h.egg()
	mine := h.read(h.request("POST", "/containers", haBody(egg, "mine", h.node, "")), 202)
	other := h.read(h.request("POST", "/containers", haBody(egg, "other", h.node, "")), 202)
	jane := h.person("jane@example.org")
	h.exec(`update containers set owner_id = $1 where id = $2`, jane.id, mine["id"])
	for path, want := range map[string]int{"/containers": 1, "/jobs": 1, "/migrations": 0} {
		var list page[struct{ ID id.JobID }]
		h.do(call{method: "GET", path: prefix + path, bearer: jane.bearer}).want(t, 200).into(t, &list)
		if len(list.Items) != want {
			t.Errorf("%s has %d items, want %d", path, len(list.Items), want)
		}
	}
	for path, want := range map[string]int{
		"/containers/" + mine["id"].(string): 200, "/containers/" + other["id"].(string): 404, "/nodes": 403, "/nodes/" + h.node: 403,
		"/jobs/" + mine["job"].(map[string]any)["id"].(string): 200, "/jobs/" + other["job"].(map[string]any)["id"].(string): 404,
	} {
		h.do(call{method: "GET", path: prefix + path, bearer: jane.bearer}).want(t, want)
	}
	h.do(call{method: "POST", path: prefix + "/containers/" + mine["id"].(string) + "/stop", bearer: jane.bearer}).want(t, 202)
	h.do(call{method: "DELETE", path: prefix + "/containers/" + mine["id"].(string), bearer: jane.bearer}).want(t, 403)
	h.do(call{method: "POST", path: prefix + "/containers/" + other["id"].(string) + "/stop", bearer: jane.bearer}).want(t, 404)
	// what a helper is bound to for one container is no wider
	eve := h.person("eve@example.org")
	h.bind(h.bearer, eve.id, h.builtin(fleet.RoleOwner), fleet.OfContainer, mine["id"].(string))
	h.do(call{method: "GET", path: prefix + "/containers/" + mine["id"].(string), bearer: eve.bearer}).want(t, 200)
	h.do(call{method: "GET", path: prefix + "/containers/" + other["id"].(string), bearer: eve.bearer}).want(t, 404)
}
