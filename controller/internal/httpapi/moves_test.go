package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/shared/spec"
)

// another is a healthy node beside the one that a fleetHouse has; where names
// a cluster, in that.
func (h *fleetHouse) another(name, cluster string) string {
	h.t.Helper()
	body := fmt.Sprintf(`{"name":%q}`, name)
	if cluster != "" {
		body = fmt.Sprintf(`{"name":%q,"cluster_id":%q}`, name, cluster)
	}
	node := h.post("/nodes", body, http.StatusCreated)["id"].(string)
	h.exec(`update nodes set joined_at = now() where id = $1`, node)
	h.exec(`update node_health set status = 'healthy', status_reason = 'heartbeats arrive', last_heartbeat = now(), guard_ok = true,
		offer_cpu = 2000, offer_memory = $2, offer_disk = $3 where node_id = $1`, node, int64(spec.GiB), int64(100*spec.GiB))
	return node
}

// ha makes an ha container on a node; more is put into its request.
func (h *fleetHouse) ha(egg, name, node, more string) map[string]any {
	h.t.Helper()
	return h.post("/containers", haBody(egg, name, node, more), http.StatusAccepted)
}

func haBody(egg, name, node, more string) string {
	return fmt.Sprintf(`{"name":%q,"eggId":%q,"nodeId":%q,"type":"ha","resources":{"cpu":0.5,"memory":"256m","disk":"1g"},
		"environment":{"GREETING":"hello"}%s}`, name, egg, node, more)
}

// migrate asks for a move and answers the migration's id.
func (h *fleetHouse) migrate(container, body string) string {
	h.t.Helper()
	job := h.post("/containers/"+container+"/migrate", body, http.StatusAccepted)
	if job["kind"] != "migration.manage" || job["state"] != "queued" {
		h.t.Errorf("the job of a move is %v", job)
	}
	list := h.get("/migrations?open=true&containerId=" + container)["items"].([]any)
	if len(list) != 1 {
		h.t.Fatalf("%d open moves of the container", len(list))
	}
	return list[0].(map[string]any)["id"].(string)
}

// said is all that a problem says.
func said(p Problem) string {
	text := p.Detail
	for _, f := range p.Errors {
		text += " | " + f.Field + ": " + f.Message
	}
	return text
}

// bad is a request that is refused, and what the refusal has to say.
type bad struct {
	method, path, body string
	status             int
	field              string
	words              []string
}

// refuse sends what is bad, and sees to it that it left nothing behind.
func (h *fleetHouse) refuse(t *testing.T, b bad) {
	t.Helper()
	before := h.moves()
	p := h.request(b.method, b.path, b.body).want(t, b.status).problem(t)
	named := func(f spec.Fault) bool { return f.Field == b.field }
	if b.field != "" && !slices.ContainsFunc(p.Errors, named) {
		t.Errorf("the problem does not name %s: %s", b.field, said(p))
	}
	for _, words := range b.words {
		if !strings.Contains(said(p), words) {
			t.Errorf("the problem does not say %q: %s", words, said(p))
		}
	}
	if after := h.moves(); after != before {
		t.Errorf("rows before %s, after %s", before, after)
	}
}

// moves is what a refused request about moves could have left behind.
func (h *fleetHouse) moves() (all string) {
	h.t.Helper()
	err := h.sql.QueryRow(h.t.Context(), `select concat_ws(' ',
		(select jsonb_agg(to_jsonb(x) order by x.id) from container_migrations x), (select jsonb_agg(to_jsonb(x) order by x.id) from nodes x),
		(select jsonb_agg(to_jsonb(x) order by x.id) from clusters x), (select jsonb_agg(to_jsonb(x) order by x.id) from containers x),
		(select jsonb_agg(to_jsonb(x)) from fleet_state x), (select jsonb_agg(to_jsonb(x) order by x.id) from jobs x))`).Scan(&all)
	if err != nil {
		h.t.Fatal(err)
	}
	return all + h.rows()
}

// Issue 3, "Bad input": moving a container.
func TestBadMoves(t *testing.T) {
	h := newFleetHouse(t)
	egg := h.egg()
	full, gone, sick := h.another("full", ""), h.another("gone", ""), h.another("sick", "")
	cordoned, fresh := h.another("cordoned", ""), h.post("/nodes", `{"name":"fresh"}`, http.StatusCreated)["id"].(string)
	h.ha(egg, "filler", full, `,"ha_policy":"available"`)
	h.exec(`update node_health set offer_memory = $2 where node_id = $1`, full, int64(300*spec.MiB))
	h.exec(`update node_health set status = 'unhealthy', status_reason = 'no heartbeat for 31 s' where node_id = $1`, sick)
	h.post("/nodes/"+cordoned+"/cordon", `{"reason":"new disks"}`, http.StatusOK)
	h.request("DELETE", "/nodes/"+gone, "").want(t, http.StatusNoContent)
	c := h.ha(egg, "shop", h.node, "")["id"].(string)
	pet := h.post("/containers", fmt.Sprintf(webBody, egg), http.StatusAccepted)["id"].(string)
	path := "/containers/" + c + "/migrate"
	to := func(node string) string { return fmt.Sprintf(`{"targetNodeId":%q}`, node) }
	for name, b := range map[string]bad{
		"to where it is":           {"POST", path, to(h.node), 422, "targetNodeId", []string{"on this node already", "name another one"}},
		"to a node without room":   {"POST", path, to(full), 409, "", []string{"node full has not enough left", "256m", "44m"}},
		"to a node that is gone":   {"POST", path, to(gone), 422, "targetNodeId", []string{"there is no node"}},
		"to a sick node":           {"POST", path, to(sick), 409, "", []string{"node sick is unhealthy (no heartbeat for 31 s)", "name another node"}},
		"to a sick node by force":  {"POST", path, `{"force":true,` + to(sick)[1:], 409, "", []string{"only a healthy node"}},
		"to a cordoned node":       {"POST", path, to(cordoned), 409, "", []string{"is cordoned (new disks)", "/uncordon"}},
		"to one that never joined": {"POST", path, to(fresh), 409, "", []string{"has not joined yet", "start its agent"}},
		"to no id":                 {"POST", path, to("edge"), 422, "targetNodeId", nil},
		"a reason with two lines":  {"POST", path, `{"reason":"a\nb"}`, 422, "reason", []string{"no line breaks"}},
		"a field of its own":       {"POST", path, `{"target":"x"}`, 422, "target", []string{"no such field"}},
		"malformed JSON":           {"POST", path, `{"force":`, 400, "", []string{"not JSON"}},
		"force in words":           {"POST", path, `{"force":"yes"}`, 422, "force", nil},
		"of a stranger":            {"POST", "/containers/" + h.node + "/migrate", `{}`, 404, "", []string{"there is no container"}},
		"of no id":                 {"POST", "/containers/web/migrate", `{}`, 422, "id", nil},
		"with data that stays":     {"POST", "/containers/" + pet + "/migrate", `{}`, 422, "acceptDataLoss", []string{"/app/data", "acceptDataLoss: true"}},
		"history of a stranger":    {"GET", "/containers/" + h.node + "/migration-history", "", 404, "", []string{"there is no container"}},
		"history, bad cursor":      {"GET", "/containers/" + c + "/migration-history?cursor=x", "", 422, "cursor", []string{"next_cursor"}},
		"a move that is not there": {"GET", "/migrations/" + c, "", 404, "", []string{"there is no migration"}},
		"cancel what is not there": {"POST", "/migrations/" + c + "/cancel", "", 404, "", []string{"there is no migration"}},
		"a trigger of its own":     {"GET", "/migrations?trigger=storm", "", 422, "trigger", nil},
	} {
		t.Run(name, func(t *testing.T) { h.refuse(t, b) })
	}
}

// While a container moves, every other verb names the move and the way out.
func TestOtherVerbsWaitForAMove(t *testing.T) {
	h := newFleetHouse(t)
	c := h.ha(h.egg(), "web", h.node, "")["id"].(string)
	target := h.another("spare", "")
	m := h.migrate(c, fmt.Sprintf(`{"targetNodeId":%q,"reason":"new disks"}`, target))
	path := "/containers/" + c
	if shown := h.get(path); shown["migration_status"] != "migrating" {
		t.Errorf("migration_status is %v", shown["migration_status"])
	}
	way := []string{m, "is being moved", "POST /api/v1/migrations/" + m + "/cancel"}
	for name, b := range map[string]bad{
		"start":       {"POST", path + "/start", "", 409, "", way},
		"stop":        {"POST", path + "/stop", "", 409, "", way},
		"restart":     {"POST", path + "/restart", "", 409, "", way},
		"kill":        {"POST", path + "/kill", "", 409, "", way},
		"edit":        {"PATCH", path, `{"image":"two"}`, 409, "", way},
		"second move": {"POST", path + "/migrate", `{}`, 409, "", way},
		"forced move": {"POST", path + "/migrate", `{"force":true}`, 409, "", way},
		"delete":      {"DELETE", path, "", 409, "", append(way, path+"?force=true")},
		"roll back":   {"POST", "/migrations/" + m + "/rollback", "", 409, "", []string{"has not changed the container's node", "/cancel"}},
	} {
		t.Run(name, func(t *testing.T) { h.refuse(t, b) })
	}
	shown := h.get("/migrations/" + m)
	for field, want := range map[string]any{"state": "queued", "trigger": "manual", "reason": "new disks", "fromNodeId": h.node, "targetNodeId": target} {
		if diff := cmp.Diff(want, shown[field]); diff != "" {
			t.Errorf("%s: %s", field, diff)
		}
	}
	if got := h.post("/migrations/"+m+"/cancel", "", http.StatusOK); got["state"] != "cancelled" {
		t.Errorf("cancelled, it is %v", got["state"])
	}
	h.refuse(t, bad{"POST", "/migrations/" + m + "/cancel", "", 409, "", []string{"is over (cancelled)", "nothing to cancel"}})
	past := h.get(path + "/migration-history")["migrations"].([]any)
	if len(past) != 1 {
		t.Fatalf("history is %v", past)
	}
	got := past[0].(map[string]any)
	for field, want := range map[string]any{"id": m, "fromNodeId": h.node, "status": "failed", "state": "cancelled", "trigger": "manual", "reason": "new disks"} {
		if diff := cmp.Diff(want, got[field]); diff != "" {
			t.Errorf("%s: %s", field, diff)
		}
	}
	if got["timestamp"] == nil || !strings.Contains(fmt.Sprint(got["error"]), "cancelled by") {
		t.Errorf("history is %v", got)
	}
	h.migrate(c, `{}`)
	h.read(h.request("DELETE", path+"?force=true", ""), http.StatusAccepted)
	if open := h.get("/migrations?open=true")["items"].([]any); len(open) != 0 {
		t.Errorf("a deleted container moves: %v", open)
	}
}

// A rollback has one target only: where that is gone, or not safe, the refusal
// says so and names the other way.
func TestBadRollbacks(t *testing.T) {
	h := newFleetHouse(t)
	egg, from, to := h.egg(), h.another("from", ""), h.another("to", "")
	c := h.ha(egg, "web", from, "")["id"].(string)
	m := h.migrate(c, fmt.Sprintf(`{"targetNodeId":%q}`, to))
	h.exec(`update container_migrations set state = 'completed', to_node_id = $2, to_epoch = 2, switched_at = now(), running_at = now(), finished_at = now() where id = $1`, m, to)
	h.exec(`update containers set node_id = $2, epoch = 2, migration_status = 'completed', last_migration_at = now() where id = $1`, c, to)
	rollback := func(words ...string) bad {
		return bad{"POST", "/migrations/" + m + "/rollback", `{"reason":"slow"}`, 409, "", words}
	}
	elsewhere := "POST /api/v1/containers/" + c + "/migrate"
	h.exec(`update node_health set status = 'returning', status_reason = 'catches up' where node_id = $1`, from)
	h.refuse(t, rollback("node from is returning (catches up)", "only a healthy node", elsewhere))
	h.exec(`update node_health set status = 'healthy', offer_memory = 1000 where node_id = $1`, from)
	h.refuse(t, rollback("node from has not enough left", elsewhere))
	h.exec(`update containers set epoch = 3 where id = $1`, c)
	h.refuse(t, rollback("has moved again", "migrate it with targetNodeId "+from))
	h.exec(`update containers set epoch = 2 where id = $1`, c)
	h.exec(`update node_health set reserved_cpu = 0, reserved_memory = 0, reserved_disk = 0 where node_id = $1`, from)
	h.request("DELETE", "/nodes/"+from, "").want(t, http.StatusNoContent)
	h.refuse(t, rollback("which it came from, was removed", elsewhere))
	if got := h.get("/containers/" + c); got["migration_status"] != "completed" || got["last_migration_at"] == nil {
		t.Errorf("migration_status %v, last_migration_at %v", got["migration_status"], got["last_migration_at"])
	}
}

func TestIdempotencyKeyOfAMove(t *testing.T) {
	h := newFleetHouse(t)
	c := h.ha(h.egg(), "web", h.node, "")["id"].(string)
	h.another("spare", "")
	move := call{method: "POST", path: prefix + "/containers/" + c + "/migrate", bearer: h.bearer, body: `{"reason":"a"}`,
		header: map[string]string{"Idempotency-Key": "7f"}}
	first, again := h.read(h.do(move), http.StatusAccepted), h.read(h.do(move), http.StatusAccepted)
	if first["id"] != again["id"] {
		t.Errorf("one key made two moves: %v and %v", first["id"], again["id"])
	}
	move.body = `{"reason":"b"}`
	if p := h.do(move).want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "Idempotency-Key") {
		t.Errorf("another request under the same key: %s", p.Detail)
	}
}

// The history is in the customer's shape, newest first, page by page.
func TestHistoryPages(t *testing.T) {
	h := newFleetHouse(t)
	c := h.ha(h.egg(), "web", h.node, "")["id"].(string)
	h.another("spare", "")
	var want []any
	for range 3 {
		m := h.migrate(c, `{}`)
		h.post("/migrations/"+m+"/cancel", "", http.StatusOK)
		want = slices.Insert(want, 0, any(m))
	}
	var got []any
	path := "/containers/" + c + "/migration-history?limit=2"
	for cursor := ""; ; {
		page := h.get(path + cursor)
		for _, m := range page["migrations"].([]any) {
			got = append(got, m.(map[string]any)["id"])
		}
		next, more := page["next_cursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
