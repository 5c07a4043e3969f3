package httpapi

import (
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// A container is its owner's: given to another, it is seen by that one alone.
func TestAContainerIsGivenToAnotherOwner(t *testing.T) {
	h := newFleetHouse(t)
	path := "/api/v1/containers/" + h.container()["id"].(string)
	one, other := h.person("one@lormas.test"), h.person("other@lormas.test")
	give := func(bearer string, owner any) answer {
		return h.do(call{method: "POST", path: path + "/assign", bearer: bearer, body: map[string]any{"ownerId": owner}})
	}
	sees := func(p person, status int) {
		t.Helper()
		h.do(call{method: "GET", path: path, bearer: p.bearer}).want(t, status)
	}
	var c ContainerBody
	give(h.bearer, one.id).want(t, 200).into(t, &c)
	if c.OwnerID == nil || c.OwnerID.String() != one.id {
		t.Errorf("it belongs to %v", c.OwnerID)
	}
	sees(one, 200)
	sees(other, 404)
	give(h.bearer, other.id).want(t, 200)
	sees(one, 404)
	sees(other, 200)
	if n := h.count(`select count(*) from audit_log where verb = 'container.assign' and outcome = 'ok' and before->>'owner' = $1 and after->>'owner' = $2`, one.id, other.id); n != 1 {
		t.Errorf("%d entries tell of it", n)
	}
	h.do(call{method: "POST", path: path + "/assign", bearer: h.bearer, body: map[string]any{}}).want(t, 200)
	sees(other, 404)

	give(h.bearer, h.node).want(t, 422) // no user
	h.do(call{method: "POST", path: "/api/v1/users/" + one.id + "/disable", bearer: h.bearer}).want(t, 200)
	if res := give(h.bearer, one.id).want(t, 422); !strings.Contains(string(res.body), "disabled") {
		t.Errorf("refused with %s", res.body)
	}
	// who may assign, but not all that an owner may, cannot make owners
	clerk := h.person("clerk@lormas.test", "container.view", "container.assign")
	if res := give(clerk.bearer, other.id).want(t, 403); !strings.Contains(string(res.body), "which you do not have there yourself") {
		t.Errorf("refused with %s", res.body)
	}
	sees(other, 404)

	body := map[string]any{"name": "theirs", "eggId": h.firstEgg(), "ownerId": other.id, "environment": map[string]any{"GREETING": "hi"}, "resources": map[string]any{"cpu": 0.1, "memory": "32m", "disk": "1m"}}
	var theirs ContainerBody
	h.do(call{method: "POST", path: "/api/v1/containers", bearer: h.bearer, body: body}).want(t, 202).into(t, &theirs)
	h.do(call{method: "GET", path: "/api/v1/containers/" + theirs.ID.String(), bearer: other.bearer}).want(t, 200)
	maker := h.person("maker@lormas.test", "container.view", "container.create")
	body["name"] = "not-theirs"
	h.do(call{method: "POST", path: "/api/v1/containers", bearer: maker.bearer, body: body}).want(t, 403)
	delete(body, "ownerId")
	h.do(call{method: "POST", path: "/api/v1/containers", bearer: maker.bearer, body: body}).want(t, 202)
	if n := h.count(`select count(*) from audit_log where verb = 'container.assign' and outcome = $1`, fleet.OutcomeDenied); n != 2 {
		t.Errorf("%d entries tell of the refusal", n)
	}
}

// An owner changes the environment of what is his, and nothing else of it.
func TestAnOwnerChangesTheEnvironment(t *testing.T) {
	h := newFleetHouse(t)
	path := "/api/v1/containers/" + h.container()["id"].(string)
	owner := h.person("owner@lormas.test")
	h.do(call{method: "POST", path: path + "/assign", bearer: h.bearer, body: map[string]any{"ownerId": owner.id}}).want(t, 200)
	h.do(call{method: "PATCH", path: path, bearer: owner.bearer, body: map[string]any{"resources": map[string]any{"memory": "64m"}}}).want(t, 403)
	h.do(call{method: "PATCH", path: path + "/environment", bearer: owner.bearer, body: map[string]any{"resources": map[string]any{"memory": "64m"}}}).want(t, 422)
	var after createdOutput
	h.do(call{method: "PATCH", path: path + "/environment", bearer: owner.bearer, header: map[string]string{"If-Match": `"1"`},
		body: map[string]any{"environment": map[string]any{"GREETING": "good evening"}, "secrets": map[string]any{"KEY": "hidden"}}}).want(t, 202).into(t, &after.Body)
	if b := after.Body; b.Environment["GREETING"] != "good evening" || len(b.Secrets) != 1 || b.Generation != 2 || b.Job.Kind != fleet.ContainerEnvironmentEdit {
		t.Errorf("it is %+v", b)
	}
	h.do(call{method: "PATCH", path: path + "/environment", bearer: owner.bearer, header: map[string]string{"If-Match": `"1"`}, body: map[string]any{}}).want(t, 412)

	// What the egg's author keeps from its users, only who may edit the
	// container changes.
	var e map[string]any
	egg := "/api/v1/eggs/" + after.Body.EggID.String()
	h.do(call{method: "GET", path: egg, bearer: h.bearer}).want(t, 200).into(t, &e)
	for _, v := range e["variables"].([]any) {
		v.(map[string]any)["user_editable"] = false
	}
	for _, own := range []string{"id", "generation", "createdAt", "updatedAt"} {
		delete(e, own)
	}
	h.do(call{method: "PUT", path: egg, bearer: h.bearer, body: e}).want(t, 200)
	greet := call{method: "PATCH", path: path + "/environment", bearer: owner.bearer, body: map[string]any{"environment": map[string]any{"GREETING": "good night"}}}
	if p := h.do(greet).want(t, 422).problem(t); len(p.Errors) != 1 || p.Errors[0].Field != "environment.GREETING" {
		t.Errorf("the refusal is %+v", p)
	}
	greet.bearer = h.bearer
	h.do(greet).want(t, 202)
}

// What stands in the way of removing somebody names a request that exists.
func TestAnOwnerIsNotRemovedAndTheRefusalSaysWhatToDo(t *testing.T) {
	h := newFleetHouse(t)
	path := "/api/v1/containers/" + h.container()["id"].(string)
	one, other := h.person("one@lormas.test"), h.person("other@lormas.test")
	assign := call{method: "POST", path: path + "/assign", bearer: h.bearer, body: map[string]any{"ownerId": one.id}}
	h.do(assign).want(t, 200)
	remove := call{method: "DELETE", path: "/api/v1/users/" + one.id, bearer: h.bearer}
	p := h.do(remove).want(t, 409).problem(t)
	for _, words := range []string{"web", "POST /api/v1/containers/{id}/assign", "lormas container assign"} {
		if !strings.Contains(p.Detail, words) {
			t.Errorf("the refusal does not say %q: %s", words, p.Detail)
		}
	}
	assign.body = map[string]any{"ownerId": other.id}
	h.do(assign).want(t, 200)
	h.do(remove).want(t, 204)
}
