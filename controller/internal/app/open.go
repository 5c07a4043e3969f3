package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/seal"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/migrations"
)

// databasePatience is how long a start waits for Postgres: both often start
// together.
const databasePatience = 30 * time.Second

// openStore waits for Postgres, brings the schema up to date and connects.
func openStore(ctx context.Context, url string, log *slog.Logger) (*store.Store, error) {
	began := time.Now()
	for {
		s, err := tryStore(ctx, url, log)
		if err == nil {
			return s, nil
		}
		waited := time.Since(began)
		if ctx.Err() != nil || waited > databasePatience {
			return nil, fmt.Errorf("%w\nPostgres could not be used within %s: check that it runs and that --database-url (LORMAS_DATABASE_URL) is right, and start again",
				err, databasePatience)
		}
		log.Warn("Postgres cannot be used yet; trying on", "error", err, "waited", waited.Round(time.Second), "at_most", databasePatience)
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

func tryStore(ctx context.Context, url string, log *slog.Logger) (*store.Store, error) {
	applied, err := migrations.Up(ctx, url)
	if err != nil {
		return nil, err
	}
	if applied > 0 {
		log.Info("schema brought up to date", "migrations", applied)
	}
	return store.Open(ctx, url)
}

// unlock gives the store the key to the secrets. Without the right one nothing
// is written.
func (m *Main) unlock(ctx context.Context) error {
	ring, err := seal.Use(m.config.SecretKey, filepath.Join(m.config.StateDir, "secret.key"))
	if err != nil {
		return err
	}
	opened, err := m.store.Unlock(ctx, ring)
	if err != nil {
		return fmt.Errorf("--secret-key: %w", err)
	}
	m.store = opened
	return nil
}

// listen opens the API's port.
func listen(c config.Config) (net.Listener, error) {
	l, err := net.Listen("tcp", c.HTTPListen)
	if err != nil {
		return nil, portFault(err, "http-listen", c.HTTPListen)
	}
	if !c.HTTPTLS {
		return l, nil
	}
	settings, err := tlsConfig(c)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, settings), nil
}

func tlsConfig(c config.Config) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// portFault says what to do when an address cannot be listened on.
func portFault(err error, flag, addr string) error {
	_, port, _ := net.SplitHostPort(addr) // the configuration was checked
	other := fmt.Sprintf("choose another with --%s (%s)", flag, config.Variable(flag))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port %s is in use: see by whom with\n  ss -ltnp 'sport = :%s'\nand stop that, or %s", port, port, other)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("port %s may only be opened by root: %s", port, other)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s: %s", addr, other)
	}
	return fmt.Errorf("--%s: %w", flag, err)
}

// reachable is an address as it can be dialled: where a listener takes every
// address of the machine, the machine's name stands for them.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return net.JoinHostPort(host, port)
}
