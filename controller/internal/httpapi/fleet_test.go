package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fetch"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// views is a presence that holds what a test put in.
type views map[id.NodeID]presence.View

func (v views) Nodes(context.Context, []id.NodeID) (map[id.NodeID]presence.View, error) {
	return v, nil
}

// unkicked is a broker that nobody is connected to.
type unkicked struct{}

func (unkicked) KickNode(id.NodeID, error) {}

// calm is a judge of nodes that nothing worries.
type calm struct{}

func (calm) Hold(string)                 {}
func (calm) Release()                    {}
func (calm) ConfirmDead(id.NodeID) error { return nil }
func (calm) Forgive(id.NodeID)           {}
func (calm) Fleet() actions.FleetView {
	return actions.FleetView{Authority: true, Joined: 1, Talking: 1}
}
func (calm) Outlook(id.NodeID) (actions.Outlook, bool) { return actions.Outlook{}, false }

// withFleet puts the real actions behind the routes.
func withFleet(seen views) func(*Deps) {
	return func(d *Deps) {
		d.Fleet = Fleet{Presence: seen, Actions: actions.New(actions.Deps{
			Store: d.Store, Credentials: d.Auth, Kick: unkicked{}, Wake: func(id.NodeID) {},
			WakeMigrator: func() {}, TellMoves: func(context.Context, []fleet.Migration) {}, Warden: calm{}, Profile: lease.Standard(),
			Passwords: d.Auth, EndCredential: func(uuid.UUID) {}, Changed: func() {}, PublicURL: "https://lormas.example", Fetch: fetch.New(egg.MaxFile, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Get,
			AgentURL: "mqtt://controller:1883", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})}
	}
}

// fleetHouse is a house with one healthy node, and its superuser.
type fleetHouse struct {
	*house
	bearer string
	node   string
	seen   views
}

func newFleetHouse(t *testing.T, more ...func(*Deps)) *fleetHouse {
	t.Helper()
	seen := views{}
	change := func(d *Deps) {
		for _, one := range append([]func(*Deps){withFleet(seen)}, more...) {
			one(d)
		}
	}
	h := &fleetHouse{house: newHouse(t, houseOptions{change: change}), seen: seen}
	h.bearer = h.admin()
	h.node = h.post("/nodes", `{"name":"edge","description":"under the stairs"}`, http.StatusCreated)["id"].(string)
	h.exec(`update nodes set joined_at = now() where id = $1`, h.node)
	h.exec(`update node_health set status = 'healthy', status_reason = 'heartbeats arrive', offer_cpu = 2000, offer_memory = $2, offer_disk = $3 where node_id = $1`,
		h.node, int64(4*spec.GiB), int64(100*spec.GiB))
	return h
}

// request sends a body to the API as the superuser.
func (h *fleetHouse) request(method, path, body string) answer {
	h.t.Helper()
	c := call{method: method, path: prefix + path, bearer: h.bearer}
	if body != "" {
		c.body = body
	}
	return h.do(c)
}

func (h *fleetHouse) post(path, body string, status int) map[string]any {
	h.t.Helper()
	return h.read(h.request("POST", path, body), status)
}

func (h *fleetHouse) get(path string) map[string]any {
	h.t.Helper()
	return h.read(h.request("GET", path, ""), http.StatusOK)
}

func (h *fleetHouse) read(a answer, status int) map[string]any {
	h.t.Helper()
	var got map[string]any
	a.want(h.t, status).into(h.t, &got)
	return got
}

const demoEgg = `{"name":"Web server","images":[{"name":"one","image":"demo:1"},{"name":"two","image":"demo:2"}],
	"ports":[{"container":80}],"variables":[{"name":"Greeting","env":"GREETING","rules":["required","max:20"]}]}`

func (h *fleetHouse) egg() string {
	h.t.Helper()
	return h.post("/eggs", demoEgg, http.StatusCreated)["id"].(string)
}

// webBody is the request of DESIGN §10, with an egg's id put in.
const webBody = `{"name":"web","eggId":%q,"type":"standard","resources":{"cpu":1.0,"memory":"512m","disk":"10g"},
	"environment":{"PORT":"80","GREETING":"hello"},"ports":[{"host":8080,"container":80}],"volumes":[{"host":"/data","container":"/app/data"}]}`

func (h *fleetHouse) container() map[string]any {
	h.t.Helper()
	return h.post("/containers", fmt.Sprintf(webBody, h.egg()), http.StatusAccepted)
}

func TestNodeInTheCustomersShape(t *testing.T) {
	h := newFleetHouse(t)
	made := h.post("/nodes", `{"name":"edge-2","description":"d"}`, http.StatusCreated)
	for _, field := range []string{"id", "name", "token", "createdAt", "command"} {
		if text, ok := made[field].(string); !ok || text == "" {
			t.Errorf("%s is missing in %v", field, made)
		}
	}
	token := made["token"].(string)
	if want := "LORMAS_AGENT_TOKEN='" + token + "' lormas-agent --controller mqtt://controller:1883"; made["command"] != want {
		t.Errorf("command is %q, want %q", made["command"], want)
	}
	for _, path := range []string{"/nodes", "/nodes/" + made["id"].(string), "/audit"} {
		if text := string(h.request("GET", path, "").body); strings.Contains(text, token) {
			t.Errorf("GET %s shows the token again", path)
		}
	}
	if strings.Contains(h.log.String(), token) {
		t.Error("the token is in the log")
	}
}

func TestHealthInTheCustomersShape(t *testing.T) {
	h := newFleetHouse(t)
	h.container() // takes 1 core, 512m and 10g
	heard := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	node := id.NodeID{}
	if err := node.UnmarshalText([]byte(h.node)); err != nil {
		t.Fatal(err)
	}
	h.seen[node] = presence.View{LastHeartbeat: heard, AppliedRev: 1, DockerOK: true, Telemetry: &wire.Telemetry{
		CPUUsed: 0.5, MemoryUsed: int64(spec.GiB), Containers: 3, UptimeSeconds: 60,
	}}
	nodes := h.get("/health")["nodes"].([]any)
	got := nodes[0].(map[string]any)
	delete(got, "since")
	want := map[string]any{
		"nodeId": h.node, "name": "edge", "status": "healthy", "state": "healthy", "reason": "heartbeats arrive",
		"lastHeartbeat": "2026-01-02T03:04:05Z", "rev": 1.0, "appliedRev": 1.0,
		"capacity": map[string]any{"cpu": 1.0, "memory": "3584m", "disk": "90g"},
		"live": map[string]any{"dockerOk": true, "guardOk": false, "containers": 3.0, "uptimeSeconds": 60.0,
			"usage": map[string]any{"cpu": 0.5, "memory": "1g", "disk": "0"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestContainerInTheCustomersShape(t *testing.T) {
	h := newFleetHouse(t)
	made := h.container()
	job := made["job"].(map[string]any)
	shown := h.get("/containers/" + made["id"].(string))
	delete(made, "job")
	if diff := cmp.Diff(made, shown); diff != "" {
		t.Errorf("shown is not what was made: %s", diff)
	}
	for field, want := range map[string]any{
		"name": "web", "nodeId": h.node, "type": "standard", "migration_status": "idle", "power": "running", "phase": "pending",
		"generation": 1.0, "epoch": 1.0, "image": "demo:1",
		"resources":   map[string]any{"cpu": 1.0, "memory": "512m", "disk": "10g"},
		"environment": map[string]any{"GREETING": "hello", "PORT": "80"},
		"ports":       []any{map[string]any{"host": 8080.0, "container": 80.0, "protocol": "tcp"}},
		"volumes":     []any{map[string]any{"host": "/data", "container": "/app/data"}},
	} {
		if diff := cmp.Diff(want, shown[field]); diff != "" {
			t.Errorf("%s: %s", field, diff)
		}
	}
	if job["kind"] != "container.create" || job["state"] != "queued" || job["containerId"] != made["id"] {
		t.Errorf("job is %v", job)
	}
	receipt := h.get("/jobs/" + job["id"].(string))["commands"].([]any)[0].(map[string]any)
	if receipt["receipt"] != "queued" || receipt["action"] != "create" {
		t.Errorf("receipt is %v", receipt)
	}
}

func TestLifeOfAContainerOverTheAPI(t *testing.T) {
	h := newFleetHouse(t)
	path := "/containers/" + h.container()["id"].(string)
	for _, verb := range []string{"stop", "start", "restart", "kill"} {
		if job := h.post(path+"/"+verb, "", http.StatusAccepted); job["kind"] != "container."+verb {
			t.Errorf("%s gave %v", verb, job)
		}
	}
	edited := h.read(h.request("PATCH", path, `{"environment":{"GREETING":"good bye","PORT":null},"resources":{"memory":"1g"}}`), http.StatusAccepted)
	if edited["generation"] != 2.0 || edited["environment"].(map[string]any)["GREETING"] != "good bye" {
		t.Errorf("edited is %v", edited)
	}
	if env := edited["environment"].(map[string]any); env["PORT"] != nil {
		t.Errorf("PORT was not taken away: %v", env)
	}
	first := h.read(h.request("DELETE", path, ""), http.StatusAccepted)
	again := h.read(h.request("DELETE", path, ""), http.StatusAccepted)
	if first["id"] != again["id"] {
		t.Errorf("two deletes gave the jobs %v and %v", first["id"], again["id"])
	}
	if jobs := h.get("/jobs?limit=200")["items"].([]any); len(jobs) != 7 {
		t.Errorf("%d jobs, want 7", len(jobs))
	}
	if list := h.get("/containers?nodeId=" + h.node)["items"].([]any); len(list) != 1 {
		t.Errorf("%d containers on the node", len(list))
	}
}

func TestVariablesAreOpenUnlessSaidOtherwise(t *testing.T) {
	h := newFleetHouse(t)
	made := h.post("/eggs", `{"name":"x","images":[{"name":"a","image":"a"}],"variables":[
		{"name":"open","env":"A"},{"name":"closed","env":"B","user_viewable":false,"user_editable":false}]}`, http.StatusCreated)
	var got []any
	for _, v := range h.get("/eggs/" + made["id"].(string))["variables"].([]any) {
		got = append(got, v.(map[string]any)["user_viewable"], v.(map[string]any)["user_editable"])
	}
	if diff := cmp.Diff([]any{true, true, false, false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestETagsGuardAgainstLostChanges(t *testing.T) {
	h := newFleetHouse(t)
	eggPath, containerPath := "/eggs/"+h.egg(), "/containers/"+h.post("/containers", fmt.Sprintf(webBody, h.firstEgg()), http.StatusAccepted)["id"].(string)
	for _, test := range []struct{ method, path, body string }{
		{"PUT", eggPath, demoEgg},
		{"PATCH", containerPath, `{"image":"two"}`},
	} {
		etag := h.request("GET", test.path, "").Header.Get("ETag")
		if etag != `"1"` {
			t.Errorf("GET %s: ETag is %s", test.path, etag)
		}
		edit := call{method: test.method, path: prefix + test.path, bearer: h.bearer, body: test.body, header: map[string]string{"If-Match": etag}}
		if got := h.do(edit); got.StatusCode/100 != 2 || got.Header.Get("ETag") != `"2"` {
			t.Errorf("%s %s: %d, ETag %s: %s", test.method, test.path, got.StatusCode, got.Header.Get("ETag"), got.body)
		}
		if p := h.do(edit).want(t, http.StatusPreconditionFailed).problem(t); !strings.Contains(p.Detail, "generation 2, not 1") {
			t.Errorf("the second edit says %q", p.Detail)
		}
		edit.header["If-Match"] = "yesterday"
		h.do(edit).want(t, http.StatusUnprocessableEntity).problem(t)
	}
}

func (h *fleetHouse) firstEgg() string {
	h.t.Helper()
	return h.get("/eggs")["items"].([]any)[0].(map[string]any)["id"].(string)
}

func TestIdempotencyKeyOverTheAPI(t *testing.T) {
	h := newFleetHouse(t)
	create := call{method: "POST", path: prefix + "/containers", bearer: h.bearer, body: fmt.Sprintf(webBody, h.egg()),
		header: map[string]string{"Idempotency-Key": "7f"}}
	first, again := h.read(h.do(create), http.StatusAccepted), h.read(h.do(create), http.StatusAccepted)
	if first["id"] != again["id"] {
		t.Errorf("one key made two containers: %v and %v", first["id"], again["id"])
	}
	create.body = strings.Replace(create.body.(string), "512m", "1g", 1)
	h.do(create).want(t, http.StatusConflict).problem(t)
}

// Issue 2, "Bad input": every one is a problem that names its field, and
// nothing is left behind.
func TestBadFleetInput(t *testing.T) {
	h := newFleetHouse(t)
	egg := h.egg()
	h.post("/containers", fmt.Sprintf(webBody, egg), http.StatusAccepted)
	with := func(old, new string) string {
		body := strings.Replace(strings.Replace(fmt.Sprintf(webBody, egg), `"web"`, `"other"`, 1), "8080", "8081", 1)
		if !strings.Contains(body, old) {
			t.Fatalf("%q is not in the body", old)
		}
		return strings.Replace(body, old, new, 1)
	}
	before := h.rows()
	for name, test := range map[string]struct {
		method, path, body string
		status             int
		field, words       string
	}{
		"malformed JSON":         {"POST", "/containers", `{"name":`, 400, "", "not JSON"},
		"no body":                {"POST", "/containers", "", 400, "", "body"},
		"unknown field":          {"POST", "/containers", with(`"type"`, `"tpye"`), 422, "tpye", "no such field"},
		"wrong type":             {"POST", "/containers", with(`1.0`, `"one"`), 422, "resources.cpu", "number"},
		"bad size":               {"POST", "/containers", with(`512m`, `half a gig`), 422, "resources.memory", "512m or 10g"},
		"negative size":          {"POST", "/containers", with(`512m`, `-5m`), 422, "resources.memory", ""},
		"missing field":          {"POST", "/containers", `{"name":"x"}`, 422, "eggId", "needed"},
		"not an id":              {"POST", "/containers", with(egg, "42"), 422, "eggId", ""},
		"an id of a node":        {"POST", "/containers", with(egg, h.node), 422, "eggId", "there is no egg"},
		"limits beyond nodes":    {"POST", "/containers", with(`512m`, `64g`), 409, "", "1 node: 1 lacks memory (64g wanted, largest free 3584m)"},
		"a taken port":           {"POST", "/containers", with(`8081`, `8080`), 409, "", "1 has port 8080/tcp taken"},
		"a taken port on a node": {"POST", "/containers", strings.Replace(with(`"type"`, `"nodeId":"`+h.node+`","type"`), "8081", "8080", 1), 409, "ports[0].host", "taken by container web"},
		"an unknown image":       {"POST", "/containers", with(`"type"`, `"image":"three","type"`), 422, "image", "choose one of one, two"},
		"a missing variable":     {"POST", "/containers", with(`,"GREETING":"hello"`, ``), 422, "environment.GREETING", "required"},
		"a duplicate name":       {"POST", "/containers", with(`"other"`, `"web"`), 409, "name", "another container"},
		"a NUL":                  {"POST", "/containers", with(`hello`, `a\u0000b`), 422, "environment.GREETING", "NUL"},
		"a type of its own":      {"POST", "/containers", with(`"standard"`, `"daemon"`), 422, "type", ""},
		"an unknown cluster":     {"POST", "/containers", with(`"type"`, `"preferred_cluster_id":"`+h.node+`","type"`), 422, "preferred_cluster_id", "there is no cluster"},
		"a port too far":         {"POST", "/containers", with(`8081`, `70000`), 422, "ports[0].host", ""},
		"a port of another sort": {"POST", "/containers", with(`"container":80}`, `"container":80,"protocol":"sctp"}`), 422, "ports[0].protocol", ""},
		"a volume with dots":     {"POST", "/containers", with(`/data`, `/../data`), 422, "volumes[0].host", ""},
		"the path of a stranger": {"GET", "/containers/" + h.node, "", 404, "", "there is no container"},
		"no id in the path":      {"GET", "/containers/web", "", 422, "id", ""},
		"an id in capitals":      {"GET", "/nodes/" + strings.ToUpper(h.node), "", 422, "id", ""},
		"a bad cursor":           {"GET", "/nodes?cursor=x", "", 422, "cursor", "next_cursor"},
		"a page too long":        {"GET", "/nodes?limit=1000", "", 422, "limit", ""},
		"an unknown parameter":   {"GET", "/nodes?sort=x", "", 422, "sort", ""},
		"tail of a log":          {"GET", "/containers/" + h.node + "/logs?tail=-1", "", 422, "tail", "0 to 10000"},
		"parameter of a log":     {"GET", "/containers/" + h.node + "/logs?tial=1", "", 422, "tial", "no such parameter"},
		"log of a stranger":      {"GET", "/containers/" + h.node + "/logs", "", 404, "", "there is no container"},
		"a node's name":          {"POST", "/nodes", `{"name":"a b"}`, 422, "name", "letters"},
		"a node twice":           {"POST", "/nodes", `{"name":"edge"}`, 409, "name", "another node"},
		"a node's cluster":       {"PATCH", "/nodes/" + h.node, `{"cluster_id":"x"}`, 422, "cluster_id", ""},
		"an egg without images":  {"POST", "/eggs", `{"name":"x","images":[]}`, 422, "images", "at least one image"},
		"an egg's rules":         {"POST", "/eggs", strings.Replace(demoEgg, "max:20", "hug", 1), 422, "variables[0].rules[1]", "no rule"},
		"an egg in use":          {"DELETE", "/eggs/" + egg, "", 409, "", "used by 1 containers"},
		"a node in use":          {"DELETE", "/nodes/" + h.node, "", 409, "", "still has 1 containers"},
		"a cluster's name":       {"POST", "/clusters", `{"name":""}`, 422, "name", ""},
		"a body of 10 MB":        {"POST", "/containers", with(`hello`, strings.Repeat("x", 10<<20)), 413, "", "larger"},
	} {
		t.Run(name, func(t *testing.T) {
			p := h.request(test.method, test.path, test.body).want(t, test.status).problem(t)
			text := p.Detail
			found := test.field == ""
			for _, f := range p.Errors {
				text += " | " + f.Field + ": " + f.Message
				found = found || f.Field == test.field
			}
			if !found || !strings.Contains(text, test.words) {
				t.Errorf("the problem says %q, want the field %q and the words %q", text, test.field, test.words)
			}
			if after := h.rows(); after != before {
				t.Errorf("rows before %s, after %s", before, after)
			}
		})
	}
}

// rows counts what a request could have left behind.
func (h *fleetHouse) rows() (counts string) {
	h.t.Helper()
	err := h.sql.QueryRow(h.t.Context(), `select concat_ws(' ',
		(select count(*) from containers), (select count(*) from nodes), (select count(*) from node_credentials),
		(select count(*) from eggs), (select count(*) from clusters), (select count(*) from allocations),
		(select count(*) from jobs), (select count(*) from commands), (select count(*) from outbox),
		(select count(*) from node_changes), (select sum(reserved_memory) from node_health), (select sum(rev) from node_health))`).Scan(&counts)
	if err != nil {
		h.t.Fatal(err)
	}
	return counts
}
