package httpapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// lines reads an export.
func (a answer) lines(t *testing.T) (entries []auditBody) {
	t.Helper()
	for scan := bufio.NewScanner(bytes.NewReader(a.want(t, http.StatusOK).body)); scan.Scan(); {
		var e auditBody
		if err := json.Unmarshal(scan.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", scan.Bytes(), err)
		}
		entries = append(entries, e)
	}
	return entries
}

func TestAuditFilters(t *testing.T) {
	h := newFleetHouse(t)
	me := h.get("/auth/me")["user"].(map[string]any)["id"].(string)
	h.post("/clusters", `{"name":"Home"}`, http.StatusCreated)
	h.post("/eggs", demoEgg, http.StatusCreated)
	for query, want := range map[string][]fleet.Verb{
		"verb=cluster.create":                   {fleet.ClusterCreate},
		"verb=cluster.*":                        {fleet.ClusterCreate},
		"verb=*.create":                         nil, // no such pattern
		"targetKind=egg":                        {fleet.EggCreate},
		"q=HOM":                                 {fleet.ClusterCreate},
		"q=web%25":                              {},
		"q=_":                                   {},
		"verb=egg.create&address=127.0.0.1":     {fleet.EggCreate},
		"verb=egg.create&address=192.0.2.1":     {},
		"actor=" + me + "&verb=node.*":          {fleet.NodeCreate},
		"actor=" + uuid.NewString():             {},
		"target=" + h.node + "&q=admin":         {fleet.NodeCreate},
		"outcome=denied":                        {},
		"verb=egg.*&until=2020-01-01T00:00Z":    nil,
		"verb=egg.*&since=2020-01-01T00:00:00Z": {fleet.EggCreate},
	} {
		for _, path := range []string{"/audit?", "/audit/export?"} {
			a := h.request("GET", path+query, "")
			if want == nil {
				a.want(t, http.StatusUnprocessableEntity).problem(t)
				continue
			}
			var got page[auditBody]
			if path == "/audit?" {
				a.want(t, http.StatusOK).into(t, &got)
			} else {
				got.Items = a.lines(t)
			}
			if len(got.Items) != len(want) || len(want) > 0 && got.Items[0].Verb != want[0] {
				t.Errorf("%s%s: %+v, want %v", path, query, got.Items, want)
			}
		}
	}
}

// The export has all there is, over the pages that it is read in.
func TestAuditExportHasAll(t *testing.T) {
	h := newHouse(t, houseOptions{})
	admin := h.admin()
	const many = 1203
	h.exec(`insert into audit_log (id, actor_kind, verb, outcome) select gen_random_uuid(), 'system', 'node.drain', 'ok' from generate_series(1, $1::int)`, many)
	got := h.do(call{method: "GET", path: prefix + "/audit/export?verb=node.*", bearer: admin})
	if kind := got.Header.Get("Content-Type"); kind != "application/x-ndjson" {
		t.Errorf("content type %q", kind)
	}
	seen := map[string]bool{}
	last := ""
	for _, e := range got.lines(t) {
		if id := e.ID.String(); last != "" && id >= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		last = e.ID.String()
		seen[last] = true
	}
	if len(seen) != many {
		t.Errorf("%d entries, want %d", len(seen), many)
	}
	h.do(call{method: "GET", path: prefix + "/audit/export", bearer: h.nobodyInParticular()}).want(t, http.StatusForbidden)
}

// What a change made of what is in the trail, for every noun that can be
// edited, and nothing secret.
func TestEditsSayBeforeAndAfter(t *testing.T) {
	h := newFleetHouse(t)
	made := func(path, body string) string {
		return path + "/" + h.post(path, body, http.StatusCreated)["id"].(string)
	}
	category := made("/eggs/categories", `{"name":"Games"}`)
	eggPath := made("/eggs", demoEgg)
	cluster := made("/clusters", `{"name":"home"}`)
	user := made("/users", `{"email":"jane@example.org","name":"Jane","password":"a fine long secret 7"}`)
	container := h.read(h.request("POST", "/containers", `{"name":"web","eggId":"`+strings.TrimPrefix(eggPath, "/eggs/")+`","nodeId":"`+h.node+
		`","resources":{"cpu":0.5,"memory":"128m","disk":"1g"},"environment":{"GREETING":"planted-before"}}`), http.StatusAccepted)
	web := "/containers/" + container["id"].(string)
	for _, edit := range []struct {
		method, path, body string
		verb               fleet.Verb
		field              string
		before, after      any
	}{
		{"PATCH", "/nodes/" + h.node, `{"name":"edge-2"}`, fleet.NodeEdit, "name", "edge", "edge-2"},
		{"PATCH", cluster, `{"description":"attic"}`, fleet.ClusterEdit, "description", "", "attic"},
		{"PATCH", category, `{"name":"Play"}`, fleet.EggCategoryEdit, "name", "Games", "Play"},
		{"PUT", eggPath, strings.Replace(demoEgg, "Web server", "Web", 1), fleet.EggEdit, "name", "Web server", "Web"},
		{"PATCH", user, `{"name":"Jane Doe"}`, fleet.UserEdit, "name", "Jane", "Jane Doe"},
		{"PATCH", web, `{"image":"two","environment":{"GREETING":"planted-after"}}`, fleet.ContainerEdit, "image", "demo:1", "demo:2"},
		{"PATCH", "/auth/me", `{"theme":"dark"}`, fleet.AuthEdit, "theme", "system", "dark"},
	} {
		if a := h.request(edit.method, edit.path, edit.body); a.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s", edit.method, edit.path, a.StatusCode, a.body)
		}
		got := h.request("GET", "/audit/export?verb="+string(edit.verb), "").lines(t)
		if len(got) != 1 || got[0].Before[edit.field] != edit.before || got[0].After[edit.field] != edit.after {
			t.Errorf("%s: %+v, want %s from %v to %v", edit.verb, got, edit.field, edit.before, edit.after)
		}
		if _, same := got[0].Before["ports"]; same {
			t.Errorf("%s keeps what did not change: %v", edit.verb, got[0].Before)
		}
	}
	trail := string(h.request("GET", "/audit/export", "").body)
	for _, secret := range []string{"planted-before", "planted-after", "a fine long secret", adminPassword, h.bearer} {
		if strings.Contains(trail, secret) {
			t.Errorf("the trail holds %q", secret)
		}
	}
}
