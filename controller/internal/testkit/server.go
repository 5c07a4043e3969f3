package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/shared/localdb"
)

// maxServers bounds how many test binaries run private servers at once.
const maxServers = 64

// slots holds the directories that private servers run in, each for one test
// binary at a time. They stay, so that the next binary need not make their
// files anew: there are never more of them than ran at once. The servers' own
// user must be able to pass through.
func slots() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("lormas-test-%d", os.Getuid()))
	return dir, errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755))
}

// startServer starts a private server in the first free slot. It ends with
// this process, however that ends.
func startServer() (server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), setup)
	defer cancel()
	dir, err := slots()
	if err != nil {
		return server{}, err
	}
	for n := range maxServers {
		private, err := localdb.StartPostgres(ctx, localdb.PostgresOptions{Dir: filepath.Join(dir, fmt.Sprintf("postgres-%d", n))})
		if errors.Is(err, localdb.ErrInUse) {
			continue
		}
		if err != nil {
			return server{}, err
		}
		srv := server{url: private.URL(), private: private}
		return srv, dropLeftovers(ctx, srv)
	}
	return server{}, fmt.Errorf("all %d directories for private servers are in use: set %s to a server that the tests share", maxServers, serverVariable)
}

// dropLeftovers removes what test binaries that were killed have left: the
// server is ours alone now.
func dropLeftovers(ctx context.Context, srv server) error {
	conn, err := pgx.Connect(ctx, srv.url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `select datname from pg_database where datname like 'test\_%'`)
	if err != nil {
		return fmt.Errorf("list leftovers: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list leftovers: %w", err)
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, fmt.Sprintf("drop database %q with (force)", name)); err != nil {
			return fmt.Errorf("drop leftover: %w", err)
		}
	}
	return nil
}
