package httpapi

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// statements counts what is asked of Postgres.
type statements struct{ n atomic.Int64 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.n.Add(1)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// listHouse is a house in which there is much of everything.
type listHouse struct {
	*house
	bearer, user, container string
	asked                   *statements
}

func newListHouse(t *testing.T) *listHouse {
	t.Helper()
	h := &listHouse{asked: &statements{}}
	h.house = newHouse(t, houseOptions{change: withFleet(views{}), tracer: h.asked})
	h.bearer = h.admin()
	if err := h.sql.QueryRow(t.Context(), `select id from users where email = $1`, adminEmail).Scan(&h.user); err != nil {
		t.Fatal(err)
	}
	return h
}

// fill makes rows of everything, the first of which has the number from. Names
// are not in the order of creation.
func (h *listHouse) fill(from, to int) {
	h.t.Helper()
	rows := fmt.Sprintf(`(select n, 'x' || md5(n::text) as name, now() - n * interval '1 minute' as at from generate_series(%d, %d) n) g`, from, to)
	for _, statement := range []string{
		`insert into users (id, email, name, password_hash, created_at) select gen_random_uuid(), name || '@example.org', left(name, 2), '', at from ` + rows,
		`insert into clusters (id, name, created_at) select gen_random_uuid(), name, at from ` + rows,
		`insert into nodes (id, name, created_at) select gen_random_uuid(), name, at from ` + rows,
		`insert into node_health (node_id) select id from nodes on conflict do nothing`,
		`insert into egg_categories (id, name, created_at) select gen_random_uuid(), name, at from ` + rows,
		`insert into eggs (id, name, author, definition, created_at) select gen_random_uuid(), name, left(name, 2), '{}', at from ` + rows,
		`insert into egg_variables (egg_id, position, name, env) select id, 1, 'V', 'V' from eggs on conflict do nothing`,
		`insert into containers (id, name, egg_id, node_id, spec, spec_hash, desired_power, cpu, memory, disk, created_at)
			select gen_random_uuid(), name, (select id from eggs limit 1), (select id from nodes limit 1), '{}', '', 'stopped', 1, 1, 1, at from ` + rows,
		`insert into roles (id, name, created_at) select gen_random_uuid(), name, at from ` + rows,
		`insert into role_permissions (role_id, permission) select r.id, 'node.view' from roles r on conflict do nothing`,
		`insert into role_bindings (user_id, role_id, scope, created_at) select u.id, r.id, 'global', r.created_at
			from users u join roles r on u.email = r.name || '@example.org' on conflict do nothing`,
		`insert into jobs (id, kind, state, node_id, container_id, created_at) select gen_random_uuid(), 'container.start', 'queued',
			(select id from nodes limit 1), (select id from containers limit 1), at from ` + rows,
		`insert into commands (id, job_id, node_id, action) select gen_random_uuid(), id, node_id, 'start' from jobs`,
		`insert into container_migrations (id, container_id, kind, from_node_id, from_epoch, state, created_at, finished_at)
			select gen_random_uuid(), (select id from containers order by id limit 1), 'manual', (select id from nodes limit 1), 1, 'completed', at, at + interval '1 second' from ` + rows,
		`insert into audit_log (id, at, actor_kind, verb, outcome) select gen_random_uuid(), at, 'system', 'verb.' || left(name, 2), 'ok' from ` + rows,
	} {
		h.exec(statement)
	}
	h.exec(`insert into sessions (id, user_id, refresh_hash, created_at, rotated_at, expires_at)
		select gen_random_uuid(), $1, name::bytea, at, at, now() + n * interval '1 minute' from `+rows, h.user)
	h.exec(`insert into api_tokens (id, user_id, name, token_hash, permissions, created_at, expires_at)
		select gen_random_uuid(), $1, name, name::bytea, '{*}', at, case when n % 2 = 0 then now() + n * interval '1 day' end from `+rows, h.user)
	h.exec(`update container_migrations set container_id = (select container_id from container_migrations limit 1)`)
	if err := h.sql.QueryRow(h.t.Context(), `select container_id from container_migrations limit 1`).Scan(&h.container); err != nil {
		h.t.Fatal(err)
	}
}

// aList is a route that answers with pages.
type aList struct {
	route, path string
	sorts       []string
}

// whole are the lists that have no pages, as they cannot grow.
var whole = []string{"GET /api/v1/permissions"}

// lists are all of them, by the document that the server has.
func (h *listHouse) lists() (found []aList) {
	h.t.Helper()
	all := contractsOf(h.t, h.Server)
	for _, one := range all.all {
		l := aList{route: one.route, path: strings.NewReplacer("/users/:id", "/users/"+h.user, "/containers/:id", "/containers/"+h.container).Replace(one.path)}
		taken := map[string]bool{}
		for _, p := range one.Parameters {
			taken[p.Name] = true
			if p.Name == "sort" {
				for _, name := range p.Schema.Enum {
					l.sorts = append(l.sorts, name.(string))
				}
			}
		}
		if !taken["cursor"] {
			body := all.of(one.Responses["200"].Content["application/json"].Schema)
			if one.method == "GET" && body != nil && body.Properties["items"] != nil && !slices.Contains(whole, one.route) {
				h.t.Errorf("%s answers with items, and has no pages: give it a PageQuery", one.route)
			}
			continue
		}
		if !taken["limit"] || !taken["q"] || len(l.sorts) == 0 {
			h.t.Errorf("%s takes %v and the sorts %v; want limit, cursor, sort and q as everywhere", one.route, taken, l.sorts)
		}
		found = append(found, l)
	}
	if len(found) < 15 {
		h.t.Errorf("only %d lists were found", len(found))
	}
	return found
}

// read is a page of a list: its items and the next cursor.
func (h *listHouse) read(l aList, query url.Values) (items []map[string]any, next string) {
	h.t.Helper()
	var got struct {
		Items      []map[string]any `json:"items"`
		Migrations []map[string]any `json:"migrations"` // in the customer's shape
		Next       string           `json:"next_cursor"`
	}
	h.do(call{method: "GET", path: l.path + "?" + query.Encode(), bearer: h.bearer}).want(h.t, http.StatusOK).into(h.t, &got)
	return append(got.Items, got.Migrations...), got.Next
}

// TestListsAskTheSameOfPostgresHoweverLongTheyAre counts the statements of
// every list.
func TestListsAskTheSameOfPostgresHoweverLongTheyAre(t *testing.T) {
	const few, many = 3, 60
	h := newListHouse(t)
	look := func() (asked, items map[string]int64) {
		asked, items = map[string]int64{}, map[string]int64{}
		for _, l := range h.lists() {
			for _, query := range []url.Values{{"limit": {"200"}}, {"limit": {"200"}, "sort": {l.sorts[0]}, "q": {"x"}}} {
				h.asked.n.Store(0)
				got, _ := h.read(l, query)
				name := l.route + " " + query.Get("sort")
				asked[name], items[name] = h.asked.n.Load(), int64(len(got))
			}
		}
		return asked, items
	}
	h.fill(1, few)
	askedOfFew, before := look()
	h.fill(few+1, many)
	askedOfMany, after := look()
	for name, n := range askedOfMany {
		if n != askedOfFew[name] || n == 0 {
			t.Errorf("%s: %d statements for %d items, %d for %d", name, askedOfFew[name], before[name], n, after[name])
		}
		if strings.HasSuffix(name, " ") && after[name]-before[name] != many-few {
			t.Errorf("%s has grown from %d to %d items: fill does not make any", name, before[name], after[name])
		}
	}
}

// TestEveryListIsSortedAndPaged reads every list in every order, whole and by
// pages of all sorts of length.
func TestEveryListIsSortedAndPaged(t *testing.T) {
	h := newListHouse(t)
	h.fill(1, 30)
	for _, l := range h.lists() {
		ids := func(items []map[string]any) (keys []string) {
			for _, item := range items {
				keys = append(keys, item["id"].(string))
			}
			return keys
		}
		for i, sort := range append([]string{""}, l.sorts...) {
			query := url.Values{"limit": {"200"}}
			if sort != "" {
				query.Set("sort", sort)
			}
			whole, next := h.read(l, query)
			if next != "" || len(whole) < 30 {
				t.Fatalf("%s: %d items, then %q", l.route, len(whole), next)
			}
			if field, descending := strings.CutPrefix(sort, "-"); sort != "" {
				inOrder(t, l.route+" "+sort, field, whole, descending)
			}
			query.Set("limit", fmt.Sprint([]int{7, 1, 30, 13}[i%4]))
			var paged []map[string]any
			for more := true; more; more = next != "" && len(paged) <= len(whole) {
				var items []map[string]any
				items, next = h.read(l, query)
				paged = append(paged, items...)
				query.Set("cursor", next)
			}
			if !slices.Equal(ids(whole), ids(paged)) {
				t.Errorf("%s sorted by %q: %d items at once, and others, %d, by pages", l.route, sort, len(whole), len(paged))
			}
		}
	}
}

// inOrder wants the items to be sorted by a field, whatever its case.
func inOrder(t *testing.T, where, field string, items []map[string]any, descending bool) {
	t.Helper()
	values := make([]string, len(items))
	for i, item := range items {
		text, _ := item[field].(string)
		values[i] = strings.TrimSuffix(strings.ToLower(text), "z") // of a time: its fraction has no fixed length
	}
	if descending {
		slices.Reverse(values)
	}
	if !slices.IsSorted(values) {
		t.Errorf("%s: %v", where, values)
	}
}

func TestABadSortOrCursorSaysWhatIsRight(t *testing.T) {
	h := newListHouse(t)
	h.fill(1, 5)
	made := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, l := range h.lists() {
		_, next := h.read(l, url.Values{"limit": {"2"}, "sort": {l.sorts[0]}})
		for _, bad := range []struct{ sort, cursor, field, says string }{
			{"nonsense", "", "sort", l.sorts[0]}, {"id; drop table users", "", "sort", l.sorts[0]}, {"-", "", "sort", l.sorts[0]},
			{"--" + l.sorts[0], "", "sort", l.sorts[0]},
			{"", next, "cursor", "another order"}, {l.sorts[1], next, "cursor", "another order"},
			{"", "x", "cursor", "next_cursor"}, {"", made("{}x"), "cursor", "next_cursor"}, {"", made(`{"i":"7"}`), "cursor", "next_cursor"},
			{l.sorts[0], made(`{"s":"` + l.sorts[0] + `","k":"\u0000"}`), "cursor", "next_cursor"},
		} {
			query := url.Values{"cursor": {bad.cursor}, "sort": {bad.sort}}
			got := h.do(call{method: "GET", path: l.path + "?" + query.Encode(), bearer: h.bearer})
			p := got.want(t, http.StatusUnprocessableEntity).problem(t)
			if len(p.Errors) != 1 || p.Errors[0].Field != bad.field || !strings.Contains(p.Errors[0].Message, bad.says) {
				t.Errorf("%s?%s: %+v, want %s to say %q", l.route, query.Encode(), p.Errors, bad.field, bad.says)
			}
		}
	}
}

func TestASearchTakesItsTextAsItIs(t *testing.T) {
	h := newListHouse(t)
	odd := []string{`fifty%`, `under_score`, `O'Brien`, `back\slash`, `"quoted"`, `Ünder`}
	for i, name := range odd {
		h.exec(`insert into users (id, email, name, password_hash) values (gen_random_uuid(), $1, $2, '')`, fmt.Sprintf("u%d@example.org", i), name)
	}
	find := func(q string) (names []string) {
		items, _ := h.read(aList{path: prefix + "/users"}, url.Values{"q": {q}, "sort": {"name"}})
		for _, item := range items {
			names = append(names, item["name"].(string))
		}
		return names
	}
	for q, want := range map[string]string{
		"%": odd[0], "_": odd[1], "'": odd[2], `\`: odd[3], `"`: odd[4], "ünd": odd[5], "FIFTY": odd[0], "o'b": odd[2], "U3@EXAMPLE": odd[3],
		"' or true --": "", "%%": "", "f%y": "",
	} {
		if got := strings.Join(find(q), ","); got != want {
			t.Errorf("q=%s finds %q, want %q", q, got, want)
		}
	}
	if got := find(h.user[:8]); len(got) != 1 {
		t.Errorf("the beginning of an id finds %q", got)
	}
}

// What becomes of a container is told to its owner also when it is gone, and
// to nobody else, however it is sorted and searched.
func TestAListReachesAsFarAsItsReader(t *testing.T) {
	h := newListHouse(t)
	h.fill(1, 5)
	const email = "new@lormas.local"
	bearer := h.nobodyInParticular()
	h.exec(`update containers set deleted_at = now(), owner_id = (select id from users where email = $2) where id = $1`, h.container, email)
	h.exec(`update jobs set container_id = case when id = (select min(id::text)::uuid from jobs) then $1::uuid else (select id from containers where id <> $1 limit 1) end`, h.container)
	for path, want := range map[string]int{"/jobs": 1, "/migrations": 5, "/containers": 0} {
		for _, query := range []string{"", "?sort=createdAt", "?q=x", "?sort=-createdAt&q=x"} {
			var got page[struct{}]
			h.do(call{method: "GET", path: prefix + path + query, bearer: bearer}).want(t, 200).into(t, &got)
			if len(got.Items) != want {
				t.Errorf("%s%s has %d items, want %d", path, query, len(got.Items), want)
			}
		}
	}
}
