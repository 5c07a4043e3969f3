package authn

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/store"
)

// How long things last.
const (
	AccessLife  = 15 * time.Minute
	SessionLife = 30 * 24 * time.Hour

	// refreshGrace is how long the refresh token just replaced is taken for
	// another tab of the same browser and not for a thief.
	refreshGrace = 10 * time.Second
)

// Deps is what a Service works with.
type Deps struct {
	Store   *store.Store
	Key     ed25519.PrivateKey
	Counter Counter // counts attempts to sign in; shared by all controllers

	// Kick ends the live connections made with a credential: the id of a
	// session or an API token. It must not block. nil: there is no broker.
	Kick func(credential uuid.UUID)
	Now  func() time.Time
	Log  *slog.Logger
}

// Service is safe for concurrent use.
type Service struct {
	Deps
	Signer
	hasher   *hasher
	throttle *throttle
	uses     *memoryCounter // of API tokens, by address
}

// New makes the service.
func New(d Deps) (*Service, error) {
	if d.Kick == nil {
		d.Kick = func(uuid.UUID) {}
	}
	hasher, err := newHasher()
	if err != nil {
		return nil, fmt.Errorf("prepare password hashing: %w", err)
	}
	return &Service{
		Deps: d, Signer: NewSigner(d.Key, d.Now),
		hasher: hasher, throttle: newThrottle(d.Counter, d.Now, d.Log), uses: newMemoryCounter(d.Now),
	}, nil
}
