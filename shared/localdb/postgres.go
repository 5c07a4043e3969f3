package localdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/lormas/lormas/shared/child"
)

// PostgresOptions says what to start.
type PostgresOptions struct {
	Dir      string       // all that the server keeps; absolute; made when missing
	Fsync    bool         // false: several times faster, and a power cut may cost the data; for tests
	Log      io.Writer    // what the server prints; nil: nothing
	Progress func(string) // told before each step that takes time; nil: nobody
}

// Postgres is a running server with one empty database, lormas, to begin
// with, owned by its superuser of the same name.
type Postgres struct{ server }

// postgresName is the superuser and the database.
const postgresName = "lormas"

// maxSocket is what fits into the address of a unix socket.
const maxSocket = 107

// StartPostgres runs a server in a directory and returns when it takes
// connections. ctx is for the start only.
func StartPostgres(ctx context.Context, opt PostgresOptions) (*Postgres, error) {
	p, err := startPostgres(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	return p, nil
}

func startPostgres(ctx context.Context, opt PostgresOptions) (*Postgres, error) {
	bin, err := postgresBin("/usr/lib/postgresql/*/bin", filepath.Join(opt.Dir, "data"))
	if err != nil {
		return nil, err
	}
	user, err := chooseAccount(opt.Dir, "lormas", "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	h, err := claim(opt.Dir, user)
	if err != nil {
		return nil, err
	}
	p := &Postgres{server{home: h, workDir: filepath.Join(opt.Dir, "data"), stop: syscall.SIGINT}}
	if err := p.run(ctx, bin, opt); err != nil {
		return nil, errors.Join(err, h.release())
	}
	return p, nil
}

// run brings the server up in a directory that is ours.
func (p *Postgres) run(ctx context.Context, bin string, opt PostgresOptions) error {
	if err := p.home.clear(ctx, p.workDir); err != nil {
		return err
	}
	sockets := socketDir(opt.Dir)
	if len(filepath.Join(sockets, ".s.PGSQL.5432")) > maxSocket {
		return fmt.Errorf("the path %s is too long for a unix socket: choose a shorter one", sockets)
	}
	if err := p.home.user.own(sockets); err != nil {
		return err
	}
	if err := p.initialise(ctx, bin, opt); err != nil {
		return err
	}
	// The file of an earlier run would make the new server look ready.
	if err := os.Remove(p.pidFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	p.url = PostgresURL(opt.Dir)
	args := append([]string{filepath.Join(bin, "postgres"), "-D", p.workDir}, settings(sockets, opt.Fsync)...)
	return p.start(ctx, args, orDiscard(opt.Log), p.ready)
}

// PostgresURL is how a server in a directory is reached, running or not.
func PostgresURL(dir string) string {
	query := url.Values{"host": {socketDir(dir)}, "sslmode": {"disable"}}
	address := url.URL{Scheme: "postgres", User: url.User(postgresName), Path: "/" + postgresName, RawQuery: query.Encode()}
	return address.String()
}

func socketDir(dir string) string { return filepath.Join(dir, "run") }

// settings keep the server small, reachable on its socket only and, without
// fsync, fast.
func settings(sockets string, fsync bool) []string {
	values := []string{
		"listen_addresses=",
		"unix_socket_directories=" + sockets,
		"unix_socket_permissions=0700",
		"max_connections=200",
		"shared_buffers=64MB",
		"logging_collector=off",
		"timezone=UTC",
	}
	if !fsync {
		values = append(values, "fsync=off", "full_page_writes=off")
	}
	var args []string
	for _, value := range values {
		args = append(args, "-c", value)
	}
	return args
}

// initialise makes the data directory once. It is made beside its place and
// moved there when whole, so that an interrupted first start leaves nothing
// that looks like a database.
func (p *Postgres) initialise(ctx context.Context, bin string, opt PostgresOptions) error {
	if _, err := os.Stat(p.workDir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if opt.Progress != nil {
		opt.Progress("making a new database cluster in " + opt.Dir)
	}
	draft := p.workDir + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	initdb := []string{
		filepath.Join(bin, "initdb"), "-D", draft, "-U", postgresName,
		"--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
	}
	if !opt.Fsync {
		initdb = append(initdb, "--no-sync")
	}
	if err := p.once(ctx, initdb, ""); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	single := []string{filepath.Join(bin, "postgres"), "--single", "-D", draft, "postgres"}
	if err := p.once(ctx, single, "CREATE DATABASE "+postgresName+";\n"); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return os.Rename(draft, p.workDir)
}

// once runs a program to its end.
func (p *Postgres) once(ctx context.Context, args []string, input string) error {
	said := &lastWords{}
	cmd := command(p.home.user, args, said)
	cmd.Stdin = strings.NewReader(input)
	process, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-process.Done():
	case <-ctx.Done():
		process.Kill()
		return ctx.Err()
	}
	if err := process.Err(); err != nil {
		return explain(err, said)
	}
	return nil
}

func (p *Postgres) pidFile() string { return filepath.Join(p.workDir, "postmaster.pid") }

// ready reads the state that the server keeps on line 8 of its pid file, as
// pg_ctl does: a socket that answers may still refuse queries.
func (p *Postgres) ready() bool {
	text, err := os.ReadFile(p.pidFile())
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	const status = 7
	return len(lines) > status && strings.TrimSpace(lines[status]) == "ready"
}

// postgresBin finds the programs of Postgres, which Debian keeps out of the
// PATH: those of the version that made the data, or the newest for new data.
func postgresBin(pattern, data string) (string, error) {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "initdb"))
		return err != nil
	})
	if len(dirs) == 0 {
		return "", &NotInstalledError{Program: "Postgres", Package: "postgresql"}
	}
	made, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return slices.MaxFunc(dirs, func(a, b string) int { return cmp.Compare(version(a), version(b)) }), nil
	}
	if err != nil {
		return "", err
	}
	wanted := strings.TrimSpace(string(made))
	for _, dir := range dirs {
		if filepath.Base(filepath.Dir(dir)) == wanted {
			return dir, nil
		}
	}
	return "", &NotInstalledError{Program: "Postgres " + wanted + ", which made " + data + ",", Package: "postgresql-" + wanted}
}

// version is that of the programs in a directory such as
// /usr/lib/postgresql/15/bin; an odd name counts as the oldest.
func version(bin string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	if err != nil {
		return 0
	}
	return n
}
