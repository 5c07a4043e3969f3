package app

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/reign"
	"github.com/lormas/lormas/controller/internal/store"
)

func (m *Main) loadKey(context.Context) (err error) {
	m.key, err = authn.LoadOrCreateKey(cmp.Or(m.config.SigningKey, filepath.Join(m.config.StateDir, "signing.key")))
	return err
}

// claim finds out whether this controller is the active one. A start that is
// alone is so at once.
func (m *Main) claim(ctx context.Context) (err error) {
	if m.identity, err = reign.Assume(m.config.StateDir); err != nil {
		return err
	}
	if m.throne, err = store.OpenOne(ctx, m.config.DatabaseURL); err != nil {
		return err
	}
	m.reign = reign.New(reign.Options{
		Store: m.throne, ID: m.identity.ID, URL: m.URL(), Version: m.options.Version,
		SigningKey: authn.Fingerprint(m.key), ReplaceKey: m.config.ReplaceSigningKey,
		Lease: m.config.ControllerLease, Now: m.now, Log: m.log,
	})
	if err := m.reign.Round(ctx); err != nil {
		return err
	}
	if !m.reign.Begun() {
		return nil
	}
	return m.assume(ctx)
}

// assume reads what the controller before us knew, and opens the doors. Nodes
// must be known before the first of them connects.
func (m *Main) assume(ctx context.Context) error {
	if err := m.nodeWatch.Load(ctx); err != nil {
		return err
	}
	now := m.now()
	m.powerful.Store(&now)
	m.working.Store(true)
	return nil
}

// takeOverAgain is the pause after an attempt that failed.
const takeOverAgain = time.Second

// takeOver assumes until that succeeds or ctx ends.
func (m *Main) takeOver(ctx context.Context) {
	for {
		err := m.assume(ctx)
		if err == nil {
			return
		}
		m.log.Error("this controller cannot take over yet; it is tried again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(takeOverAgain):
		}
	}
}

// standby reports whether this controller lets nobody in yet.
func (m *Main) standby() bool { return m.reign != nil && !m.working.Load() }

// active is where people find the active controller while this one stands by.
func (m *Main) active() (url string, standby bool) {
	if !m.standby() {
		return "", false
	}
	return m.reign.Active(), true
}

// authority is asked before anything is granted or decided.
func (m *Main) authority(now time.Time) (term int64, ok bool) {
	if m.reign == nil {
		return 0, true
	}
	return m.reign.Authority(now)
}

// resignWithin bounds the goodbye; without it, another waits for the lease.
const resignWithin = 2 * time.Second

func (m *Main) resign() {
	ctx, cancel := context.WithTimeout(context.Background(), resignWithin)
	defer cancel()
	if err := m.reign.Resign(ctx); err != nil {
		m.log.Warn("the controller's lease was not given back: another one waits until it ends", "error", err)
	}
}
