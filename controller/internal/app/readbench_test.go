package app_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// settled is a controller with many containers and users in Postgres: each
// user owns ten of them and may see one more by a binding.
func settled(b *testing.B, containers, users int) (c *controller, targets []vegeta.Target) {
	b.Helper()
	c = newController(b)
	node, credential := c.enrol("edge-1")
	newAgent(b, node, credential).join(c)
	first := c.create("web", node).Container
	sql, err := pgx.Connect(b.Context(), c.config.DatabaseURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sql.Close(context.Background()) })
	for _, statement := range []string{
		fmt.Sprintf(`insert into users select (jsonb_populate_record(u, jsonb_build_object('id', gen_random_uuid(), 'email', 'user-' || n || '@lormas.test',
			'must_change_password', false))).* from users u, generate_series(1, %d) n where u.email = '%s'`, users, c.config.AdminEmail),
		fmt.Sprintf(`with whose as (select id, row_number() over (order by email) - 1 as nth from users where email like 'user-%%')
			insert into containers select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'name', 'web-' || n, 'owner_id', whose.id))).*
			from containers c, generate_series(1, %d) n join whose on whose.nth = n %% %d where c.id = '%s'`, containers, users, first.ID),
		`insert into role_bindings (user_id, role_id, scope, scope_id)
			select u.id, r.id, 'container', (select id from containers where owner_id <> u.id limit 1) from users u, roles r
			where u.email like 'user-%' and r.name = 'Viewer'`,
		`analyze`,
	} {
		if _, err := sql.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	root := c.login()
	paths := []string{"/containers?limit=50", "/containers/" + first.ID.String(), "/nodes", "/nodes/" + node.String(), "/users?limit=50", "/roles", "/audit?limit=50", "/auth/me"}
	for _, path := range paths {
		targets = append(targets, c.target(root, path))
	}
	for n := range 8 {
		targets = append(targets, c.target(c.signIn(fmt.Sprintf("user-%d@lormas.test", n+1), password), "/containers?limit=50"))
	}
	return c, targets
}

func (c *controller) target(token, path string) vegeta.Target {
	return vegeta.Target{Method: "GET", URL: "http://" + c.HTTPAddr() + "/api/v1" + path, Header: http.Header{"Authorization": {"Bearer " + token}}}
}

// BenchmarkReads is 500 requests a second, half of them a superuser's of all
// kinds and half lists of people who see a little, for ten seconds, with
// 10,000 containers and 1,000 users. The reference is a request at the same
// rate that needs no database. vegeta shares the processors.
func BenchmarkReads(b *testing.B) {
	c, targets := settled(b, 10_000, 1_000)
	attack := func(name string, targets ...vegeta.Target) vegeta.Metrics {
		var m vegeta.Metrics
		attacker := vegeta.NewAttacker(vegeta.KeepAlive(true))
		for result := range attacker.Attack(vegeta.NewStaticTargeter(targets...), vegeta.ConstantPacer{Freq: 500, Per: time.Second}, 10*time.Second, name) {
			m.Add(result)
		}
		m.Close()
		if m.Success < 1 {
			b.Fatalf("%s: %.2f%% of the answers are good: %v %v", name, 100*m.Success, m.StatusCodes, m.Errors)
		}
		return m
	}
	attack("warm up", targets...)
	for b.Loop() {
		m := attack("reads", targets...)
		reference := attack("reference", vegeta.Target{Method: "GET", URL: "http://" + c.HTTPAddr() + "/livez"})
		b.ReportMetric(m.Latencies.P50.Seconds()*1000, "ms-p50")
		b.ReportMetric(m.Latencies.P99.Seconds()*1000, "ms-p99")
		b.ReportMetric(reference.Latencies.P99.Seconds()*1000, "ms-p99-reference")
		b.ReportMetric(m.Rate, "requests/s")
	}
	b.ReportMetric(0, "ns/op")
}
