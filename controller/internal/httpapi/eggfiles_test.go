package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/shared/id"
)

// gameEgg has something in every field that an egg's file can fill.
const gameEgg = `{
	"meta": {"version": "PLCN_v3", "update_url": "https://eggs.example/game.json"},
	"name": "Game", "author": "a@example.org", "uuid": "0d2c1c6e-0000-4000-8000-000000000001", "description": "a game",
	"icon": "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
	"tags": ["game"], "features": ["eula"], "file_denylist": ["*.exe"],
	"docker_images": {"one": "game:1", "two": "game:2"}, "startup_commands": {"Default": "./game", "Loud": "./game -v"},
	"config": {"files": "{\"a.properties\":{\"parser\":\"properties\",\"find\":{\"port\":\"{{server.allocations.default.port}}\"}}}",
		"startup": "{\"done\":\"ready\",\"strip_ansi\":true}", "logs": "{}", "stop": "^C"},
	"scripts": {"installation": {"script": "echo hello", "container": "installer:1", "entrypoint": "bash"}},
	"variables": [{"name": "Level", "description": "how hard", "env_variable": "LEVEL", "default_value": "3", "user_viewable": true, "user_editable": false, "rules": ["required", "integer"]}]
}`

type importedEgg struct {
	Egg      map[string]any
	Outcome  string
	Warnings []struct {
		Line           int
		Field, Message string
	}
	Changes []struct {
		Field         string
		Before, After any
	}
}

func (h *fleetHouse) importEgg(query, file string) (got importedEgg) {
	h.t.Helper()
	h.request("POST", "/eggs/import"+query, file).want(h.t, http.StatusOK).into(h.t, &got)
	return got
}

// An egg that is imported again is the same egg, with what its file has anew.
func TestAnEggIsImportedAndUpdated(t *testing.T) {
	h := newFleetHouse(t)
	tried := h.importEgg("?dryRun=true", gameEgg)
	if tried.Outcome != "created" || len(h.get("/eggs")["items"].([]any)) != 0 {
		t.Fatalf("the dry run says %q, and there are eggs %v", tried.Outcome, h.get("/eggs")["items"])
	}
	category := h.post("/eggs/categories", `{"name":"Games"}`, http.StatusCreated)["id"].(string)
	made := h.importEgg("?categoryId="+category, gameEgg)
	key := made.Egg["id"].(string)
	if made.Outcome != "created" || made.Egg["generation"] != 1.0 || made.Egg["wings"] != true || made.Egg["categoryId"] != category {
		t.Errorf("made %+v", made)
	}
	if again := h.importEgg("", gameEgg); again.Outcome != "unchanged" || again.Egg["generation"] != 1.0 || again.Egg["id"] != key {
		t.Errorf("again: %+v", again)
	}
	newer := strings.NewReplacer("a game", "a better game", "game:2", "game:3").Replace(gameEgg)
	for _, query := range []string{"?dryRun=true", ""} {
		got := h.importEgg(query, newer)
		var fields []string
		for _, c := range got.Changes {
			fields = append(fields, c.Field)
		}
		if got.Outcome != "updated" || got.Egg["id"] != key || got.Egg["generation"] != 2.0 || got.Egg["categoryId"] != category ||
			!reflect.DeepEqual(fields, []string{"description", "images"}) || got.Changes[0].Before != "a game" || got.Changes[0].After != "a better game" {
			t.Errorf("updated with %q: %+v", query, got)
		}
		stored := 1.0
		if query == "" {
			stored = 2
		}
		if is := h.get("/eggs/" + key)["generation"]; is != stored {
			t.Errorf("after %q the generation is %v", query, is)
		}
	}
	var source string
	var audited int
	err := h.sql.QueryRow(t.Context(), `select convert_from(source, 'UTF8'), (select count(*) from audit_log where target_id = e.id and outcome = 'ok') from eggs e where id = $1`, key).Scan(&source, &audited)
	if err != nil || source != newer || audited != 2 {
		t.Errorf("%d audit entries, the source is\n%s\n%v", audited, source, err)
	}
}

// What cannot be imported is said with its line, or with what to do.
func TestAnEggThatCannotBeImported(t *testing.T) {
	h := newFleetHouse(t)
	p := h.request("POST", "/eggs/import", "{\"meta\":{\"version\":\"PTDL_v2\"},\n\"name\":\"A\",\n\"docker_images\":{\"a\":\"not an image\"},\"startup\":\"x\"}").
		want(t, http.StatusUnprocessableEntity).problem(t)
	if len(p.Errors) != 1 || p.Errors[0].Line != 3 || p.Errors[0].Field != "images[0].image" {
		t.Errorf("faults %+v", p.Errors)
	}
	h.do(call{method: "POST", path: prefix + "/eggs/import", bearer: h.bearer, body: gameEgg, header: map[string]string{"Content-Type": "text/plain"}}).
		want(t, http.StatusUnsupportedMediaType).problem(t)
	yaml := call{method: "POST", path: prefix + "/eggs/import", bearer: h.bearer, header: map[string]string{"Content-Type": "application/yaml"},
		body: "meta: {version: PTDL_v2}\nname: Plain\ndocker_images: {a: 'a:1'}\nstartup: x\n"}
	for _, outcome := range []string{"created", "unchanged"} {
		var got importedEgg
		if h.do(yaml).want(t, http.StatusOK).into(t, &got); got.Outcome != outcome {
			t.Errorf("YAML: %+v, want %s", got, outcome)
		}
	}
	yaml.body = strings.Replace(yaml.body.(string), "a:1", "a:2", 1)
	if p := h.do(yaml).want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "has no uuid") {
		t.Errorf("another egg of that name, without uuid: %+v", p)
	}
	if p := h.request("POST", "/eggs/import", strings.Replace(gameEgg, "Game", "Plain", 1)).want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "0d2c1c6e") {
		t.Errorf("another egg of that name, with uuid: %+v", p)
	}
	for _, field := range []string{`tags: ["a\0"]`, `uuid: "a\0"`, `description: "\0"`, `variables: [{name: a, env_variable: A, rules: ["a\0"]}]`, `startup_commands: {"a\0": x}`,
		`config: {files: {a: {parser: file, find: {b: "\0"}}}}`} { // Postgres keeps no NUL
		yaml.body = "meta: {version: PLCN_v3}\nname: Nul\ndocker_images: {a: 'a:1'}\n" + field + "\n"
		h.do(yaml).want(t, http.StatusUnprocessableEntity).problem(t)
	}
	large := `{"a":"` + strings.Repeat("x", 4<<20) + `"}`
	h.request("POST", "/eggs/import", large).want(t, http.StatusRequestEntityTooLarge)
	h.importEgg("", gameEgg)
	creator := h.granted("egg.create", "egg.view")
	changed := call{method: "POST", path: prefix + "/eggs/import", bearer: creator, body: strings.Replace(gameEgg, "a game", "mine", 1)}
	if p := h.do(changed).want(t, http.StatusForbidden).problem(t); !strings.Contains(p.Detail, "egg.edit") {
		t.Errorf("an update without egg.edit: %+v", p)
	}
}

// Who reads an imported egg and writes it back has changed nothing.
func TestAnImportedEggSurvivesAnEdit(t *testing.T) {
	h := newFleetHouse(t)
	key := h.importEgg("", gameEgg).Egg["id"].(string)
	before := h.get("/eggs/" + key)
	body := map[string]any{}
	for field, value := range before {
		body[field] = value
	}
	for _, ours := range []string{"id", "createdAt", "updatedAt", "generation", "$schema"} {
		delete(body, ours)
	}
	for _, field := range []string{"uuid", "update_url", "tags", "features", "icon", "file_denylist", "startup_commands", "files", "install", "wings", "strip_ansi"} {
		if body[field] == nil {
			t.Errorf("the egg has no %s to lose", field)
		}
	}
	text := must(json.Marshal(body))(t)
	after := h.read(h.request("PUT", "/eggs/"+key, string(text)), http.StatusOK)
	before["generation"], before["updatedAt"] = 2.0, after["updatedAt"]
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("reading and writing changed the egg:\n%s", diff)
	}
	if again := h.importEgg("", gameEgg); again.Outcome != "unchanged" {
		t.Errorf("after the edit the file brings %+v", again.Changes)
	}
	body["name"] = "Other"
	if p := h.request("POST", "/eggs", string(must(json.Marshal(body))(t))).want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "uuid") {
		t.Errorf("a second egg of one uuid: %+v", p)
	}
}

// An egg comes out as it went in: the file itself, and a file that is the same
// egg where it is imported.
func TestAnEggIsExported(t *testing.T) {
	h := newFleetHouse(t)
	key := h.importEgg("", gameEgg).Egg["id"].(string)
	source := h.request("GET", "/eggs/source/"+key, "").want(t, http.StatusOK)
	if string(source.body) != gameEgg || source.Header.Get("Content-Disposition") != `attachment; filename="egg-game.json"` {
		t.Errorf("the source, with %v:\n%s", source.Header, source.body)
	}
	file := h.request("GET", "/eggs/export/"+key+"?format=PLCN_v3", "").want(t, http.StatusOK)
	if file.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the export has the headers %v", file.Header)
	}
	if again := h.importEgg("", string(file.body)); again.Outcome != "unchanged" {
		t.Errorf("the export is another egg: %+v\n%s", again.Changes, file.body)
	}
	old := h.request("GET", "/eggs/export/"+key+"?format=PTDL_v2", "").want(t, http.StatusOK)
	if !strings.Contains(string(old.body), `"version": "PTDL_v2"`) {
		t.Errorf("PTDL_v2:\n%s", old.body)
	}
	h.request("GET", "/eggs/export/"+key+"?format=PTDL_v1", "").want(t, http.StatusUnprocessableEntity)
	if p := h.request("GET", "/eggs/source/"+h.egg(), "").want(t, http.StatusNotFound).problem(t); !strings.Contains(p.Detail, "/eggs/export/") {
		t.Errorf("the source of a native egg: %+v", p)
	}
}

// An egg comes from an address as well, and gets its newest file from the one
// that it names.
func TestAnEggIsFetched(t *testing.T) {
	h := newFleetHouse(t)
	file := gameEgg
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, file) }))
	defer server.Close()
	file = strings.Replace(file, "https://eggs.example/game.json", server.URL+"/game.json", 1)
	at := "?url=" + url.QueryEscape(server.URL+"/game.json")
	made := h.importEgg(at, "")
	key := made.Egg["id"].(string)
	if made.Outcome != "created" || made.Egg["name"] != "Game" {
		t.Fatalf("made %+v", made)
	}
	h.request("POST", "/eggs/import"+at, gameEgg).want(t, http.StatusUnprocessableEntity)

	if got := h.updateEgg(key, ""); got.Outcome != "unchanged" {
		t.Errorf("nothing is new: %+v", got)
	}
	file = strings.Replace(file, "a game", "a better game", 1)
	for _, query := range []string{"?dryRun=true", ""} {
		got := h.updateEgg(key, query)
		if got.Outcome != "updated" || len(got.Changes) != 1 || got.Changes[0].Before != "a game" || got.Changes[0].After != "a better game" {
			t.Errorf("updated with %q: %+v", query, got)
		}
		if kept := h.get("/eggs/" + key)["description"]; (kept == "a better game") != (query == "") {
			t.Errorf("after %q it is %v", query, kept)
		}
	}
	file = strings.Replace(file, "000000000001", "000000000002", 1)
	if p := h.request("POST", "/eggs/update/"+key, "").want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "of another egg") {
		t.Errorf("another egg's file: %s", p.Detail)
	}
	file = "<html>"
	if p := h.request("POST", "/eggs/update/"+key, "").want(t, http.StatusUnprocessableEntity).problem(t); !strings.Contains(p.Detail, "web page") {
		t.Errorf("a page: %s", p.Detail)
	}
	if p := h.request("POST", "/eggs/import?url=http://10.0.0.1/egg.json", "").want(t, http.StatusUnprocessableEntity).problem(t); !strings.Contains(p.Detail, "--egg-networks") {
		t.Errorf("a private address: %s", p.Detail)
	}
	if p := h.request("POST", "/eggs/update/"+h.egg(), "").want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "update_url") {
		t.Errorf("without an address: %s", p.Detail)
	}
}

func (h *fleetHouse) updateEgg(key, query string) (got importedEgg) {
	h.t.Helper()
	h.request("POST", "/eggs/update/"+key+query, "").want(h.t, http.StatusOK).into(h.t, &got)
	return got
}

// A file without a uuid is a newer one of the egg that people say it is of.
func TestAnEggWithoutUUIDIsUpdatedByName(t *testing.T) {
	h := newFleetHouse(t)
	file := `{"meta":{"version":"PTDL_v2"},"name":"Plain","description":"old","docker_images":{"one":"demo:1"},"startup":"go"}`
	key := h.importEgg("", file).Egg["id"].(string)
	newer := strings.Replace(file, "old", "new", 1)
	if p := h.request("POST", "/eggs/import", newer).want(t, http.StatusConflict).problem(t); !strings.Contains(p.Detail, "?eggId=") {
		t.Errorf("the refusal: %s", p.Detail)
	}
	if got := h.importEgg("?eggId="+key, newer); got.Outcome != "updated" || got.Egg["id"] != key || got.Egg["description"] != "new" {
		t.Errorf("updated: %+v", got)
	}
	h.request("POST", "/eggs/import?eggId="+id.New[id.EggID]().String(), newer).want(t, http.StatusNotFound)
	withUUID := h.importEgg("?eggId="+key, gameEgg)
	if withUUID.Outcome != "updated" || withUUID.Egg["uuid"] != "0d2c1c6e-0000-4000-8000-000000000001" {
		t.Errorf("a uuid is taken over: %+v", withUUID)
	}
}
