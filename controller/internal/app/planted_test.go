package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"
	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// planter uses secrets through the API and then looks for them.
type planter struct {
	*controller
	t       *testing.T
	sql     *pgx.Conn
	secrets map[string]string // what each is, to its text
	answers strings.Builder   // all that the API answered, but where it must show a secret
}

// plant notes a secret that nothing may hold from here on.
func (p *planter) plant(what, text string) string {
	p.t.Helper()
	if len(text) < 8 {
		p.t.Fatalf("%s: %q is too short to be looked for", what, text)
	}
	p.secrets[what] = text
	return text
}

// ask calls the API. shown is whether the answer is where a secret is shown
// once.
func (p *planter) ask(method, path, bearer string, body any, header map[string]string, shown bool) (int, map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.HTTPAddr()+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if !shown {
		fmt.Fprintf(&p.answers, "%s %s: %s\n", method, path, answer)
	}
	var out map[string]any
	_ = json.Unmarshal(answer, &out) // a page of metrics is no JSON
	return res.StatusCode, out
}

func (p *planter) must(want int, method, path, bearer string, body any, shown bool) map[string]any {
	p.t.Helper()
	status, out := p.ask(method, path, bearer, body, map[string]string{"Idempotency-Key": id.New[id.SessionID]().String()}, shown)
	if status != want {
		p.t.Fatalf("%s %s: status %d, want %d: %v", method, path, status, want, out)
	}
	return out
}

// user adds somebody with a built-in role and answers his token.
func (p *planter) user(name, role, admin string) string {
	p.t.Helper()
	secret := p.plant("the password of "+name, "hunter2-"+name+"-planted-password")
	made := p.must(http.StatusCreated, "POST", "/api/v1/users", admin, map[string]any{"email": name + "@lormas.local", "name": name, "password": secret}, false)
	who, _ := made["id"].(string)
	if _, err := p.sql.Exec(p.t.Context(), `update users set must_change_password = false where id = $1`, who); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.sql.Exec(p.t.Context(), `insert into role_bindings (user_id, role_id, scope) select $1, id, 'global' from roles where name = $2`, who, role); err != nil {
		p.t.Fatal(err)
	}
	in := p.must(http.StatusOK, "POST", "/api/v1/auth/login", "", map[string]any{"email": name + "@lormas.local", "password": secret}, true)
	return p.plant("the access token of "+name, in["accessToken"].(string))
}

// emitted is all text that the system has given away so far, by where.
func (p *planter) emitted(watchers map[string]*watcher) map[string]string {
	p.t.Helper()
	all := map[string]string{"the log": p.log.String(), "answers of the API": p.answers.String()}
	for name, w := range watchers {
		var seen strings.Builder
		w.mu.Lock()
		for _, m := range w.seen {
			fmt.Fprintf(&seen, "%s %s\n", m.Topic, m.Payload)
		}
		w.mu.Unlock()
		if seen.Len() == 0 {
			p.t.Errorf("%s saw nothing: the test would find nothing either", name)
		}
		all["the topics of "+name] = seen.String()
	}
	p.readTables(all)
	p.readRedis(all)
	return all
}

func (p *planter) readTables(all map[string]string) {
	p.t.Helper()
	rows, err := p.sql.Query(p.t.Context(), `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`)
	if err != nil {
		p.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 20 {
		p.t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		rows, err := p.sql.Query(p.t.Context(), fmt.Sprintf(`select t::text from %q t`, table))
		if err != nil {
			p.t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			p.t.Fatal(err)
		}
		all["table "+table] = strings.Join(lines, "\n")
	}
}

func (p *planter) readRedis(all map[string]string) {
	p.t.Helper()
	o, err := redis.ParseURL(p.config.RedisURL)
	if err != nil {
		p.t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer client.Close()
	ctx := p.t.Context()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil || len(keys) == 0 {
		p.t.Fatalf("%d keys in Redis, %v", len(keys), err)
	}
	var text strings.Builder
	for _, key := range keys {
		value := any(nil)
		switch kind, _ := client.Type(ctx, key).Result(); kind {
		case "string":
			value = client.Get(ctx, key).Val()
		case "hash":
			value = client.HGetAll(ctx, key).Val()
		case "set":
			value = client.SMembers(ctx, key).Val()
		case "zset":
			value = client.ZRange(ctx, key, 0, -1).Val()
		case "list":
			value = client.LRange(ctx, key, 0, -1).Val()
		default:
			p.t.Fatalf("%s is a %s: have it read here", key, kind)
		}
		fmt.Fprintf(&text, "%s %v\n", key, value)
	}
	all["Redis"] = text.String()
}

func TestPlantedSecretsStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	with := testConfig(t)
	separator := "?"
	if strings.Contains(with.DatabaseURL, "?") {
		separator = "&"
	}
	with.DatabaseURL += separator + "password=planted-database-password"
	c := startController(t, with)
	sql, err := pgx.Connect(t.Context(), c.config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close(context.Background()) })
	p := &planter{controller: c, t: t, sql: sql, secrets: map[string]string{}}
	p.plant("the database's password", "planted-database-password")
	p.plant("the superuser's password", password)
	signing, err := os.ReadFile(with.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(signing)), "\n") {
		if !strings.HasPrefix(line, "#") {
			p.plant("the secret key", line)
		}
	}

	admin := p.plant("the superuser's access token", c.login())
	viewer, operator := p.user("viewer", "Viewer", admin), p.user("operator", "Operator", admin)
	topics := []string{"lormas/v1/nodes/+/health", "lormas/v1/nodes/+/heartbeat", "lormas/v1/containers/+/state", "lormas/v1/containers/+/events"}
	watchers := map[string]*watcher{"a viewer": watchAs(t, c, viewer, topics...), "an operator": watchAs(t, c, operator, topics...)}

	token := p.must(http.StatusCreated, "POST", "/api/v1/auth/tokens", admin, map[string]any{"name": "ci", "permissions": []string{"container.view"}}, true)
	api := p.plant("an API token", token["token"].(string))
	p.must(http.StatusOK, "GET", "/api/v1/auth/me", api, nil, false)
	node := p.must(http.StatusCreated, "POST", "/api/v1/nodes", admin, map[string]any{"name": "edge"}, true)
	credential := p.plant("a node's credential", node["token"].(string))
	var nodeID id.NodeID
	if err := nodeID.Set(node["id"].(string)); err != nil {
		t.Fatal(err)
	}
	p.plantReset(admin)
	p.plantTOTP(viewer)
	a := newAgent(t, nodeID, credential).join(c)

	egg := p.must(http.StatusCreated, "POST", "/api/v1/eggs", admin, map[string]any{
		"name": "db", "images": []any{map[string]any{"name": "one", "image": "demo:1"}},
		"variables": []any{map[string]any{"name": "Root", "env": "ROOT_PASSWORD", "user_viewable": false, "rules": []string{"max:40"}}},
	}, false)
	secret, hidden := p.plant("a secret of a container", "planted-db-password"), p.plant("a variable that is not viewable", "planted-root-password")
	made := p.must(http.StatusAccepted, "POST", "/api/v1/containers", admin, map[string]any{
		"name": "db", "eggId": egg["id"], "nodeId": node["id"], "resources": map[string]any{"cpu": 0.1, "memory": "16m", "disk": "16m"},
		"environment": map[string]any{"OPEN": "seen", "ROOT_PASSWORD": hidden}, "secrets": map[string]any{"DB_PASSWORD": secret},
	}, false)
	path := "/api/v1/containers/" + made["id"].(string)
	if names := fmt.Sprint(made["secrets"]); names != "[DB_PASSWORD ROOT_PASSWORD]" {
		t.Errorf("its secrets are %s", names)
	}
	desired := a.awaitDesired("the container, for its node", func(d wire.Desired) bool { return len(d.Specs) == 1 })
	for _, s := range desired.Specs {
		if s.Env["DB_PASSWORD"] != secret || s.Env["ROOT_PASSWORD"] != hidden || s.Env["OPEN"] != "seen" {
			t.Errorf("the node is told %v", s.Env)
		}
	}
	var containerID id.ContainerID
	if err := containerID.Set(made["id"].(string)); err != nil {
		t.Fatal(err)
	}
	a.events(state(1, c.container(containerID), spec.Up))
	changed := p.plant("the changed secret", "planted-changed-password")
	p.must(http.StatusAccepted, "PATCH", path, admin, map[string]any{"secrets": map[string]any{"DB_PASSWORD": changed}, "environment": map[string]any{"ROOT_PASSWORD": hidden}}, false)
	// what is wrong must not be repeated
	for _, wrong := range []map[string]any{
		{"secrets": map[string]any{"DB_PASSWORD": changed + "\x00"}}, {"secrets": secret}, {"environment": map[string]any{"ROOT_PASSWORD": strings.Repeat(hidden, 9)}}, {"secretes": map[string]any{"A": secret}},
	} {
		if status, _ := p.ask("PATCH", path, admin, wrong, nil, false); status != http.StatusUnprocessableEntity {
			t.Errorf("%v: status %d", wrong, status)
		}
	}
	read := p.must(http.StatusOK, "GET", path+"/secrets", admin, nil, true)
	if got := fmt.Sprint(read["secrets"]); got != fmt.Sprintf("map[DB_PASSWORD:%s ROOT_PASSWORD:%s]", changed, hidden) {
		t.Errorf("who may read them gets %s", got)
	}
	for name, bearer := range map[string]string{"viewer": viewer, "operator": operator} {
		if status, _ := p.ask("GET", path+"/secrets", bearer, nil, nil, false); status != http.StatusForbidden {
			t.Errorf("the %s reads secrets: status %d", name, status)
		}
		p.must(http.StatusOK, "GET", path, bearer, nil, false)
	}
	for _, list := range []string{"/api/v1/containers", "/api/v1/audit", "/api/v1/jobs", "/api/v1/users", "/api/v1/nodes", "/api/v1/eggs", "/api/v1/auth/tokens", "/api/v1/openapi.json", "/metrics"} {
		p.must(http.StatusOK, "GET", list, admin, nil, false)
	}
	for _, w := range watchers {
		w.await("the container", func(topic, payload string) bool {
			return strings.HasSuffix(topic, "/state") && strings.Contains(payload, `"running"`)
		})
	}
	p.search(watchers)
}

// plantReset has somebody set a new password with a one-time link.
func (p *planter) plantReset(admin string) {
	p.t.Helper()
	made := p.must(http.StatusCreated, "POST", "/api/v1/users", admin, map[string]any{"email": "reset@lormas.local", "name": "Reset"}, true)
	reset := p.must(http.StatusCreated, "POST", fmt.Sprintf("/api/v1/users/%s/password-reset", made["id"]), admin, map[string]any{}, true)
	link, err := url.Parse(reset["link"].(string))
	if err != nil {
		p.t.Fatal(err)
	}
	text := link.String()
	p.plant("a reset link", text[strings.LastIndexAny(text, "/=#?")+1:])
}

// plantTOTP gives the viewer a second factor, and uses all of it.
func (p *planter) plantTOTP(viewer string) {
	p.t.Helper()
	proof := map[string]any{"currentPassword": p.secrets["the password of viewer"]}
	begun := p.must(http.StatusOK, "POST", "/api/v1/auth/totp", viewer, proof, true)
	seed := p.plant("a TOTP seed", begun["secret"].(string))
	code, err := totp.GenerateCode(seed, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	confirmed := p.must(http.StatusOK, "POST", "/api/v1/auth/totp/confirm", viewer, map[string]any{"code": code}, true)
	codes, _ := confirmed["recoveryCodes"].([]any)
	if len(codes) == 0 {
		p.t.Fatalf("no recovery codes: %v", confirmed)
	}
	for i, code := range codes {
		shown := code.(string)
		p.plant(fmt.Sprintf("recovery code %d", i), shown)
		p.plant(fmt.Sprintf("recovery code %d, plain", i), strings.ReplaceAll(shown, "-", ""))
	}
	in := map[string]any{"email": "viewer@lormas.local", "password": proof["currentPassword"]}
	p.must(http.StatusUnauthorized, "POST", "/api/v1/auth/login", "", in, false)
	in["code"] = codes[0]
	p.must(http.StatusOK, "POST", "/api/v1/auth/login", "", in, true)
	p.must(http.StatusUnauthorized, "POST", "/api/v1/auth/login", "", in, false) // used up
	p.must(http.StatusOK, "GET", "/api/v1/auth/me", viewer, nil, false)
}

// search looks for every secret, as it is and as encodings have it.
func (p *planter) search(watchers map[string]*watcher) {
	p.t.Helper()
	all := p.emitted(watchers)
	if !strings.Contains(all["table containers"], "seen") || !strings.Contains(all["answers of the API"], "seen") {
		p.t.Error("what is no secret is not found either: the test looks in the wrong place")
	}
	for what, secret := range p.secrets {
		forms := map[string]string{"plain": secret, "in base64": base64.RawStdEncoding.EncodeToString([]byte(secret)), "in hex": fmt.Sprintf("%x", secret), "escaped": url.QueryEscape(secret)}
		for where, text := range all {
			for form, look := range forms {
				if at := strings.Index(text, look); at >= 0 {
					p.t.Errorf("%s is in %s, %s: …%.120s…", what, where, form, text[max(at-60, 0):])
				}
			}
		}
	}
}
