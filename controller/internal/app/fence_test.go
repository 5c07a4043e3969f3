package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// lines hands on what is logged.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default: // nobody reads any more
	}
	return len(p), nil
}

// What another controller reigns over is not swept by the one before it, nor
// by one that does not reign yet.
func TestOnlyWhoReignsSweeps(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.HTTPListen, c.MQTTListen, c.SigningKey = "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "shared.key")
	c.SecretKey = filepath.Join(t.TempDir(), "secret.key")
	c.DatabaseURL, c.RedisURL, c.AdminPassword = testkit.PostgresURL(t), testkit.Redis(t).URL, "correct horse battery staple"
	active, standby := newSweeper(t, c), newSweeper(t, c)
	job := lateJob(t, active.Main)
	if why := standby.sweep(job); !strings.Contains(why, "does not reign") {
		t.Errorf("one that stands by sweeps: %s", why)
	}
	err := active.store.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.LockControllers(t.Context()); err != nil {
			return err
		}
		_, err := tx.BeginReign(t.Context(), store.Presence{ID: "other", URL: "http://other"}, time.Minute)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if why := active.sweep(job); !strings.Contains(why, "another controller reigns since") {
		t.Errorf("one that was deposed sweeps: %s", why)
	}
	active.writesNothing()
}

// writesNothing asks as people and agents do: those who reach a controller
// before it knows that it was deposed are sent on to the one that reigns.
func (s *sweeping) writesNothing() {
	s.Helper()
	_, err := s.Actions().CreateNode(s.Context(), authz.System("test"), actions.NewNode{Name: "late"})
	if !errors.Is(err, store.ErrDeposed) || fleet.KindOf(err) != fleet.Unavailable {
		s.Errorf("one that was deposed does what people ask for: %v", err)
	}
	err = s.intake.Store.InTx(s.Context(), func(*store.Tx) error { return nil })
	if !errors.Is(err, store.ErrDeposed) {
		s.Errorf("one that was deposed takes in what agents say: %v", err)
	}
}

// sweeping is a controller of which nothing works but the sweeper.
type sweeping struct {
	*testing.T
	*Main
	log lines
}

func newSweeper(t *testing.T, c config.Config) *sweeping {
	t.Helper()
	c.StateDir = t.TempDir()
	s := &sweeping{T: t, log: make(lines, 100)}
	var err error
	if s.Main, err = New(t.Context(), c, Options{Log: slog.New(slog.NewTextHandler(s.log, nil)), Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sweep lets it sweep until it is refused, which is returned, or until a job
// has expired.
func (s *sweeping) sweep(job id.JobID) (refusal string) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- s.parts()["sweeper"](ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			s.Error(err)
		}
	}()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case line := <-s.log:
			if strings.Contains(line, "sweep not finished") {
				return line
			}
		case <-look.C:
		}
		if now, err := s.store.Job(s.Context(), job); err != nil || now.State == fleet.JobExpired {
			return "the job has expired"
		}
	}
}

// lateJob is one that has to expire.
func lateJob(t *testing.T, m *Main) id.JobID {
	t.Helper()
	e, err := m.Actions().CreateNode(t.Context(), authz.System("test"), actions.NewNode{Name: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	late := time.Now().Add(-time.Hour)
	j := fleet.Job{ID: id.New[id.JobID](), Kind: fleet.ContainerRestart, State: fleet.JobQueued, NodeID: &e.Node.ID, CreatedAt: late}
	j.Commands = []fleet.Command{{
		ID: id.New[id.CommandID](), JobID: j.ID, NodeID: e.Node.ID, Action: wire.ActionRestart, Receipt: wire.Queued, Deadline: &late, QueuedAt: late,
	}}
	if err := m.store.InTx(t.Context(), func(tx *store.Tx) error { return tx.InsertJob(t.Context(), j) }); err != nil {
		t.Fatal(err)
	}
	return j.ID
}
