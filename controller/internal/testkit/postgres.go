package testkit

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/migrations"
	"github.com/lormas/lormas/shared/localdb"
)

// serverVariable names a Postgres server whose user may create databases.
// Without it a private server is started, once per test binary.
const serverVariable = "LORMAS_TEST_DATABASE_URL"

// setup bounds what has to be done before a test can begin.
const setup = time.Minute

// Postgres opens a store on a database of the test's own, which has the
// newest schema and nothing in it. Both go when the test ends.
func Postgres(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return Unlock(t, s)
}

// Unlock gives a store a key to the secrets of its database. The key is the
// same for all tests, so that two stores of one database get along.
func Unlock(t testing.TB, s *store.Store) *store.Store {
	t.Helper()
	ring, err := seal.Parse("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	if err != nil {
		t.Fatal(err)
	}
	opened, err := s.Unlock(t.Context(), ring)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// PostgresURL is Postgres for tests that open the database themselves.
func PostgresURL(t testing.TB) string {
	t.Helper()
	template, err := theTemplate()
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	name := "test_" + uuid.NewString()[:13]
	if err := execute(template.server, fmt.Sprintf("create database %q template %q", name, template.name)); err != nil {
		t.Fatalf("test database: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(template.server, fmt.Sprintf("drop database %q with (force)", name)); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return template.server.database(name)
}

// Disconnect ends every connection that was made with a url, or with one of
// the same application_name, as a server that restarts does. All are gone when
// it returns.
func Disconnect(t testing.TB, url string) {
	t.Helper()
	if err := disconnect(url); err != nil {
		t.Errorf("disconnect from the test database: %v", err)
	}
}

func disconnect(url string) error {
	template, err := theTemplate()
	if err != nil {
		return err
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), setup)
	defer cancel()
	conn, err := pgx.Connect(ctx, template.server.url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx)
	// One that was told to end may take another statement before it does; to
	// wait for it in pg_terminate_backend takes a tenth of a second for each.
	for left := 1; left > 0; {
		err = conn.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1 and application_name = $2`,
			config.Database, config.RuntimeParams["application_name"]).Scan(&left)
		if err != nil {
			return err
		}
	}
	return nil
}

// template is a migrated database that the tests' own are copied from.
type template struct {
	server server
	name   string
}

var theTemplate = sync.OnceValues(makeTemplate)

// makeTemplate migrates once per schema: the template of a schema that the
// server has seen before is used again. An advisory lock lets test binaries
// share a server.
func makeTemplate() (template, error) {
	srv, err := theServer()
	if err != nil {
		return template{}, err
	}
	digest, err := migrations.Digest()
	if err != nil {
		return template{}, err
	}
	tpl := template{server: srv, name: "lormas_template_" + digest}
	ctx, cancel := context.WithTimeout(context.Background(), setup)
	defer cancel()
	conn, err := pgx.Connect(ctx, srv.url)
	if err != nil {
		return template{}, fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx)
	const lock = 0x6c6f726d6173 // "lormas"
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", lock); err != nil {
		return template{}, fmt.Errorf("lock the template: %w", err)
	}
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", tpl.name).Scan(&exists)
	if err != nil || exists {
		return tpl, err
	}
	return tpl, migrateTemplate(ctx, conn, tpl)
}

// migrateTemplate builds under another name first, so that a build that dies
// half-way leaves nothing that looks finished.
func migrateTemplate(ctx context.Context, conn *pgx.Conn, tpl template) error {
	building := tpl.name + "_building"
	if _, err := conn.Exec(ctx, fmt.Sprintf("drop database if exists %q with (force)", building)); err != nil {
		return fmt.Errorf("drop a half-made template: %w", err)
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("create database %q", building)); err != nil {
		return fmt.Errorf("create the template: %w", err)
	}
	if _, err := migrations.Up(ctx, tpl.server.database(building)); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("alter database %q rename to %q", building, tpl.name)); err != nil {
		return fmt.Errorf("finish the template: %w", err)
	}
	return nil
}

// server is where databases are created.
type server struct {
	url     string            // of a database that always exists
	private *localdb.Postgres // ours, held so that its directory stays claimed; nil: somebody else's
}

// database is the url of another database on the server.
func (s server) database(name string) string {
	u, err := url.Parse(s.url)
	if err != nil {
		panic(err) // pgx has connected with it
	}
	u.Path = "/" + name
	return u.String()
}

var theServer = sync.OnceValues(func() (server, error) {
	if given := os.Getenv(serverVariable); given != "" {
		return server{url: given}, nil
	}
	return startServer()
})

func execute(srv server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), setup)
	defer cancel()
	conn, err := pgx.Connect(ctx, srv.url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
