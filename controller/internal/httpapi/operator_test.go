package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

func (h *fleetHouse) cluster(body string) string {
	h.t.Helper()
	return h.post("/clusters", body, http.StatusCreated)["id"].(string)
}

// short is a window under which nothing exclusive may run.
const short = `"profile":"custom","window":"1.5s"`

// arithmetic is what has to be in a refusal of exclusive containers there.
var arithmetic = []string{"cannot keep two copies", "a window of 1.5s", "it must span 2 heartbeats of 300ms = 600ms"}

// Issue 3, "Bad input": profiles, policies, and exclusive containers where the
// inequality does not hold.
func TestBadProfiles(t *testing.T) {
	h := newFleetHouse(t)
	egg := h.egg()
	hasty, calm := h.cluster(`{"name":"hasty",`+short+`}`), h.cluster(`{"name":"calm"}`)
	near, far := h.another("near", hasty), h.another("far", calm)
	h.exec(`update node_health set guard_ok = true where node_id = $1`, h.node)
	h.ha(egg, "single", far, `,"ha_policy":"exclusive"`)
	bare := h.another("bare", "")
	h.exec(`update node_health set guard_ok = false where node_id = $1`, bare)
	cluster := func(fields string) string { return `{"name":"new",` + fields + `}` }
	for name, b := range map[string]bad{
		"a window too short":     {"POST", "/clusters", cluster(`"profile":"custom","window":"1.4s"`), 422, "window", []string{"1.4s is out of bounds", "between 1.5s and 1h0m0s"}},
		"a window too long":      {"POST", "/clusters", cluster(`"profile":"custom","window":"61m"`), 422, "window", []string{"out of bounds"}},
		"a window in words":      {"POST", "/clusters", cluster(`"profile":"custom","window":"soon"`), 422, "window", []string{`"1.5s"`}},
		"a window without unit":  {"POST", "/clusters", cluster(`"profile":"custom","window":"12"`), 422, "window", nil},
		"custom without window":  {"POST", "/clusters", cluster(`"profile":"custom"`), 422, "window", []string{"needs a window"}},
		"a window of its own":    {"POST", "/clusters", cluster(`"profile":"lan","window":"4s"`), 422, "window", []string{"only a custom profile"}},
		"a window alone":         {"PATCH", "/clusters/" + calm, `{"window":"4s"}`, 422, "window", []string{"only a custom profile"}},
		"no such profile":        {"POST", "/clusters", cluster(`"profile":"warp"`), 422, "profile", []string{"standard, fast, lan, metered or custom"}},
		"no such outage policy":  {"POST", "/clusters", cluster(`"outage_policy":"panic"`), 422, "outage_policy", []string{"failover, hold or failover_after"}},
		"an outage without time": {"POST", "/clusters", cluster(`"outage_policy":"failover_after"`), 422, "outage_after", []string{"out of bounds"}},
		"a time without outage":  {"POST", "/clusters", cluster(`"outage_after":"10m"`), 422, "outage_after", []string{"failover_after"}},
		"exclusive in a hasty cluster": {"POST", "/containers", haBody(egg, "web", near, `,"ha_policy":"exclusive"`), 409, "",
			append([]string{"node near", "ha_policy available"}, arithmetic...)},
		"exclusive without a guard": {"POST", "/containers", haBody(egg, "web", bare, `,"ha_policy":"exclusive"`), 409, "", []string{"no guard answers on node bare", "start lormas-guard"}},
		"moved to a hasty cluster": {"PATCH", "/nodes/" + far, fmt.Sprintf(`{"cluster_id":%q}`, hasty), 409, "",
			append([]string{"node far has 1 exclusive container", "in cluster hasty"}, arithmetic...)},
		"a cluster made hasty":     {"PATCH", "/clusters/" + calm, `{` + short + `}`, 409, "", append([]string{"cluster calm has 1 exclusive container"}, arithmetic...)},
		"a policy of its own":      {"POST", "/containers", haBody(egg, "web", far, `,"ha_policy":"twice"`), 422, "ha_policy", []string{"available or exclusive"}},
		"a policy of a standard":   {"POST", "/containers", strings.Replace(haBody(egg, "web", far, `,"ha_policy":"exclusive"`), `"ha",`, `"standard",`, 1), 422, "ha_policy", []string{"type ha"}},
		"a group of its own":       {"POST", "/containers", haBody(egg, "web", far, `,"group":"a b"`), 422, "group", []string{"letters"}},
		"an unknown cluster":       {"POST", "/containers", haBody(egg, "web", far, fmt.Sprintf(`,"preferred_cluster_id":%q`, far)), 422, "preferred_cluster_id", []string{"there is no cluster"}},
		"a cluster that is no id":  {"POST", "/containers", haBody(egg, "web", far, `,"preferred_cluster_id":"berlin"`), 422, "preferred_cluster_id", nil},
		"nowhere for an exclusive": {"POST", "/containers", strings.Replace(haBody(egg, "web", far, `,"ha_policy":"exclusive"`), `"cpu":0.5`, `"cpu":90`, 1), 409, "", []string{"90"}},
	} {
		t.Run(name, func(t *testing.T) { h.refuse(t, b) })
	}
	shown := h.get("/clusters/" + hasty)
	for field, want := range map[string]any{"profile": "custom", "window": "1.5s", "outage_policy": "failover"} {
		if shown[field] != want {
			t.Errorf("%s is %v, want %v", field, shown[field], want)
		}
	}
	changed := h.read(h.request("PATCH", "/clusters/"+hasty, `{"profile":"fast","outage_policy":"failover_after","outage_after":"30m"}`), http.StatusOK)
	if changed["profile"] != "fast" || changed["window"] != "8s" || changed["outage_policy"] != "failover_after" || changed["outage_after"] != "30m0s" {
		t.Errorf("changed, the cluster is %v", changed)
	}
}

// The policy that was not asked for is chosen, and says why; what could hurt
// is said in every answer.
func TestPolicyIsExplained(t *testing.T) {
	h := newFleetHouse(t)
	egg, node := h.egg(), h.another("spare", "")
	for name, test := range map[string]struct {
		more, policy, reason, warning string
	}{
		"shared": {`,"volumes":[{"host":"/nfs","container":"/data","shared":true}]`, "exclusive", "/data is shared", ""},
		"own":    {`,"volumes":[{"host":"/data","container":"/data"}]`, "available", "nothing that it writes to is shared", "stays on its node"},
		"none":   {``, "available", "nothing that it writes to is shared", ""},
		"asked":  {`,"ha_policy":"available","volumes":[{"host":"/nfs","container":"/data","shared":true}]`, "available", "asked for", "choose ha_policy exclusive"},
	} {
		made := h.ha(egg, name, node, test.more+`,"group":"g"`)
		listed := map[string]any{}
		for _, c := range h.get("/containers")["items"].([]any) {
			if c := c.(map[string]any); c["id"] == made["id"] {
				listed = c
			}
		}
		edited := h.read(h.request("PATCH", "/containers/"+made["id"].(string), `{"image":"two"}`), http.StatusAccepted)
		for from, c := range map[string]map[string]any{"create": made, "list": listed, "get": h.get("/containers/" + made["id"].(string)), "update": edited} {
			warnings := fmt.Sprint(c["warnings"])
			if c["ha_policy"] != test.policy || !strings.Contains(fmt.Sprint(c["ha_policy_reason"]), test.reason) || c["group"] != "g" ||
				(test.warning == "") != (c["warnings"] == nil) || !strings.Contains(warnings, test.warning) {
				t.Errorf("%s, %s: policy %v (%v), warnings %s", name, from, c["ha_policy"], c["ha_policy_reason"], warnings)
			}
		}
	}
}

func TestCordonAndDrain(t *testing.T) {
	h := newFleetHouse(t)
	path := "/nodes/" + h.node
	cordoned := h.post(path+"/cordon", `{"reason":"new disks"}`, http.StatusOK)
	if cordoned["cordoned"] != true || cordoned["cordonReason"] != "new disks" {
		t.Errorf("cordoned, the node is %v", cordoned)
	}
	job := h.post(path+"/drain", `{"timeoutSeconds":60,"includeStandard":true,"reason":"move"}`, http.StatusAccepted)
	if job["kind"] != "node.drain" || job["nodeId"] != h.node {
		t.Errorf("the job of a drain is %v", job)
	}
	drain := h.get(path)["drain"].(map[string]any)
	if drain["jobId"] != job["id"] || drain["includeStandard"] != true || drain["reason"] != "move" {
		t.Errorf("the drain is %v", drain)
	}
	for name, b := range map[string]bad{
		"drained twice":   {"POST", path + "/drain", `{}`, 409, "", []string{"is being drained already, by job " + job["id"].(string), "DELETE /api/v1" + path + "/drain"}},
		"uncordoned":      {"POST", path + "/uncordon", "", 409, "", []string{"is being drained", "DELETE /api/v1" + path + "/drain"}},
		"a day too long":  {"POST", path + "/drain", `{"timeoutSeconds":86401}`, 422, "timeoutSeconds", nil},
		"a time ago":      {"POST", path + "/drain", `{"timeoutSeconds":-1}`, 422, "timeoutSeconds", nil},
		"a field":         {"POST", path + "/drain", `{"timeout":5}`, 422, "timeout", []string{"no such field"}},
		"a long reason":   {"POST", path + "/cordon", fmt.Sprintf(`{"reason":%q}`, strings.Repeat("x", 201)), 422, "reason", []string{"at most 200"}},
		"a stranger":      {"POST", "/nodes/" + job["id"].(string) + "/drain", `{}`, 404, "", []string{"there is no node"}},
		"not an id":       {"POST", "/nodes/edge/cordon", `{}`, 422, "id", nil},
		"a stranger dead": {"POST", "/nodes/" + job["id"].(string) + "/confirm-dead", `{}`, 404, "", []string{"there is no node"}},
	} {
		t.Run(name, func(t *testing.T) { h.refuse(t, b) })
	}
	if after := h.read(h.request("DELETE", path+"/drain", ""), http.StatusOK); after["drain"] != nil || after["cordoned"] != true {
		t.Errorf("after the drain the node is %v", after)
	}
	h.refuse(t, bad{"DELETE", path + "/drain", "", 409, "", []string{"is not being drained", "nothing to cancel"}})
	if after := h.post(path+"/uncordon", "", http.StatusOK); after["cordoned"] != false {
		t.Errorf("uncordoned, the node is %v", after)
	}
}

// A person's word counts only where it can be true.
func TestConfirmDead(t *testing.T) {
	h := newFleetHouse(t)
	path := "/nodes/" + h.node + "/confirm-dead"
	fresh := h.post("/nodes", `{"name":"fresh"}`, http.StatusCreated)["id"].(string)
	h.refuse(t, bad{"POST", path, `{}`, 409, "", []string{"node edge is healthy (heartbeats arrive), so it is not dead", "/drain"}})
	h.refuse(t, bad{"POST", "/nodes/" + fresh + "/confirm-dead", `{}`, 409, "", []string{"has never joined"}})
	h.exec(`update node_health set status = 'suspect', status_reason = 'connection lost' where node_id = $1`, h.node)
	h.post(path, `{"reason":"I pulled the plug"}`, http.StatusOK)
	var reason string
	err := h.sql.QueryRow(t.Context(), `select detail->>'reason' from audit_log where verb = 'node.confirm-dead' and outcome = 'ok'`).Scan(&reason)
	if err != nil || reason != "I pulled the plug" {
		t.Errorf("the audit entry says %q, %v", reason, err)
	}
}

func TestHoldAndRelease(t *testing.T) {
	h := newFleetHouse(t)
	h.refuse(t, bad{"POST", "/fleet/release", "", 409, "", []string{"nothing is held", "GET /api/v1/fleet"}})
	h.refuse(t, bad{"POST", "/fleet/hold", `{"why":"x"}`, 422, "why", []string{"no such field"}})
	h.refuse(t, bad{"POST", "/fleet/hold", `{"reason":"a\nb"}`, 422, "reason", []string{"no line breaks"}})
	held := h.post("/fleet/hold", `{"reason":"new switches"}`, http.StatusOK)
	operator := held["operator"].(map[string]any)
	if operator["held"] != true || operator["reason"] != "new switches" || operator["changedBy"] == nil {
		t.Errorf("held, the fleet is %v", held)
	}
	h.refuse(t, bad{"POST", "/fleet/hold", `{"reason":"other"}`, 409, "", []string{"is held already", "(new switches)", "POST /api/v1/fleet/release"}})
	if got := h.post("/fleet/release", "", http.StatusOK)["operator"].(map[string]any); got["held"] != false {
		t.Errorf("released, the fleet is %v", got)
	}
	h.exec(`insert into epoch_regressions (container_id, node_id, epoch) values ($1, $2, 7)`, h.container()["id"], h.node)
	if got := h.get("/fleet")["regressions"].([]any); len(got) != 1 || got[0].(map[string]any)["epoch"] != 7.0 {
		t.Errorf("regressions are %v", got)
	}
	h.post("/fleet/release", "", http.StatusOK)
}

// seer is a judge of nodes that foretells what a test wants.
type seer struct {
	calm
	sees actions.Outlook
}

func (s seer) Outlook(id.NodeID) (actions.Outlook, bool) { return s.sees, true }

func TestNodeHealth(t *testing.T) {
	h := newFleetHouse(t)
	path := "/nodes/" + h.node + "/health"
	if got := h.get(path); got["outlook"] != nil || len(got["transitions"].([]any)) != 0 {
		t.Errorf("of a node that was not heard: %v", got)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h.exec(`insert into node_transitions (node_id, at, from_state, to_state, reason) values ($1, $2, 'healthy', 'suspect', 'connection lost')`, h.node, at)
	h.Actions.Warden = seer{sees: actions.Outlook{
		Window: 30 * time.Second, LastSeen: at, Next: fleet.NodeUnhealthy, At: at.Add(30 * time.Second), Held: "held by an operator",
	}}
	got := h.get(path)
	want := map[string]any{
		"window": "30s", "silentSince": "2026-01-02T03:04:05Z", "next": "unhealthy", "nextAt": "2026-01-02T03:04:35Z", "held": "held by an operator",
	}
	if diff := cmp.Diff(want, got["outlook"]); diff != "" {
		t.Error(diff)
	}
	steps := []any{map[string]any{"at": "2026-01-02T03:04:05Z", "from": "healthy", "to": "suspect", "reason": "connection lost"}}
	if diff := cmp.Diff(any(steps), got["transitions"]); diff != "" {
		t.Error(diff)
	}
	profile := map[string]any{"name": "standard", "heartbeat": "10s", "suspect": "15s", "window": "30s", "lease": "25s", "exclusive": "yes"}
	if diff := cmp.Diff(any(profile), got["profile"]); diff != "" {
		t.Error(diff)
	}
	h.refuse(t, bad{"GET", "/nodes/" + strings.Repeat("0", 8) + "-0000-7000-8000-000000000000/health", "", 404, "", []string{"there is no node"}})
	hasty := h.another("hasty", h.cluster(`{"name":"hasty",`+short+`}`))
	if got := h.get("/nodes/" + hasty + "/health")["profile"].(map[string]any); !strings.Contains(fmt.Sprint(got["exclusive"]), arithmetic[2]) {
		t.Errorf("the profile is %v", got)
	}
}

// granted is somebody who was granted these permissions everywhere.
func (h *fleetHouse) granted(permissions ...string) string {
	h.t.Helper()
	bearer, role := h.nobodyInParticular(), id.New[id.RoleID]()
	h.exec(`insert into roles (id, name) values ($1, 'some')`, role)
	h.exec(`insert into role_permissions (role_id, permission) select $1, unnest($2::text[])`, role, permissions)
	h.exec(`insert into role_bindings (user_id, role_id, scope) select id, $1, 'global' from users where email = 'new@lormas.local'`, role)
	return bearer
}

// Issue 3, "Bad input": without permission. Somebody may look at and order
// about standard containers, and nothing more.
func TestMovesNeedTheirPermissions(t *testing.T) {
	h := newFleetHouse(t)
	egg := h.egg()
	c := h.ha(egg, "web", h.node, "")["id"].(string)
	standard := h.post("/containers", strings.Replace(haBody(egg, "plain", h.node, ""), `"ha"`, `"standard"`, 1), http.StatusAccepted)["id"].(string)
	h.another("spare", "")
	m := h.migrate(c, `{}`)
	bearer := h.granted("container.create", "container.view", "container.start", "container.stop", "container.edit", "container.delete", "node.view", "egg.view", "job.view")
	for name, test := range map[string]struct{ method, path, body, verb string }{
		"migrate":       {"POST", "/containers/" + c + "/migrate", `{}`, "migration.manage"},
		"end by delete": {"DELETE", "/containers/" + c + "?force=true", "", "migration.manage"},
		"make it ha":    {"PATCH", "/containers/" + standard, `{"type":"ha"}`, "container.ha.create"},
		"cancel":        {"POST", "/migrations/" + m + "/cancel", "", "migration.manage"},
		"roll back":     {"POST", "/migrations/" + m + "/rollback", "", "migration.manage"},
		"history":       {"GET", "/containers/" + c + "/migration-history", "", "migration.view"},
		"a move":        {"GET", "/migrations/" + m, "", "migration.view"},
		"ha":            {"POST", "/containers", haBody(egg, "other", h.node, ""), "container.ha.create"},
		"ha, anywhere":  {"POST", "/containers", strings.Replace(haBody(egg, "other", h.node, ""), fmt.Sprintf(`"nodeId":%q,`, h.node), "", 1), "container.ha.create"},
		"health":        {"GET", "/health", "", "node.health.view"},
		"node's health": {"GET", "/nodes/" + h.node + "/health", "", "node.health.view"},
		"cordon":        {"POST", "/nodes/" + h.node + "/cordon", `{}`, "node.cordon"},
		"uncordon":      {"POST", "/nodes/" + h.node + "/uncordon", "", "node.cordon"},
		"drain":         {"POST", "/nodes/" + h.node + "/drain", `{}`, "node.drain"},
		"end a drain":   {"DELETE", "/nodes/" + h.node + "/drain", "", "node.drain"},
		"confirm dead":  {"POST", "/nodes/" + h.node + "/confirm-dead", `{}`, "node.confirm-dead"},
		"fleet":         {"GET", "/fleet", "", "fleet.view"},
		"hold":          {"POST", "/fleet/hold", `{}`, "fleet.hold"},
		"release":       {"POST", "/fleet/release", "", "fleet.release"},
	} {
		t.Run(name, func(t *testing.T) {
			before := h.moves()
			r := call{method: test.method, path: prefix + test.path, bearer: bearer}
			if test.body != "" {
				r.body = test.body
			}
			if p := h.do(r).want(t, http.StatusForbidden).problem(t); !strings.Contains(p.Detail, test.verb) {
				t.Errorf("the refusal does not name %s: %s", test.verb, p.Detail)
			}
			if after := h.moves(); after != before {
				t.Errorf("before %s, after %s", before, after)
			}
		})
	}
	may := call{method: "GET", path: prefix + "/containers/" + c, bearer: bearer}
	h.do(may).want(t, http.StatusOK)
	edit := call{method: "PATCH", path: prefix + "/containers/" + standard, body: `{"group":"web"}`, bearer: bearer}
	h.do(edit).want(t, http.StatusAccepted)
}
