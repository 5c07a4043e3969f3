package authn

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// DefaultPassword is the seeded superuser's under `lormas dev`. It opens the
// door from the machine itself only, and only far enough to change it.
const DefaultPassword = "admin123"

// The bounds of a password. The upper one keeps hashing from being work that
// an outsider sets the amount of.
const (
	minPassword = 10
	maxPassword = 256
)

// hashing costs 19 MiB and about 20 ms (the first choice of OWASP).
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher hashes passwords, a few at a time: many at once would take the
// machine's memory.
type hasher struct {
	turn    chan struct{}
	dummy   string // compared with where there is no user, to take the same time
	compare func(password, hash string) (bool, error)
}

// queueWait is how long a password waits for its turn.
const queueWait = 5 * time.Second

func newHasher() (*hasher, error) {
	dummy, err := argon2id.CreateHash("nobody's password", hashing)
	return &hasher{turn: make(chan struct{}, max(2, runtime.GOMAXPROCS(0))), dummy: dummy, compare: argon2id.ComparePasswordAndHash}, err
}

func (h *hasher) hash(ctx context.Context, password string) (hash string, err error) {
	err = h.inTurn(ctx, func() error {
		hash, err = argon2id.CreateHash(password, hashing)
		return err
	})
	return hash, err
}

// matches compares a password with a hash; "" is the hash of nobody, which
// matches nothing and takes as long.
func (h *hasher) matches(ctx context.Context, password, hash string) (ok bool, err error) {
	nobody := hash == ""
	if nobody {
		hash = h.dummy
	}
	err = h.inTurn(ctx, func() error {
		ok, err = h.compare(password, hash)
		return err
	})
	return ok && !nobody, err
}

func (h *hasher) inTurn(ctx context.Context, work func() error) error {
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
		return work()
	case <-ctx.Done():
		return fleet.Errorf(fleet.Unavailable, "too many people are signing in at once: try again in a moment")
	}
}

// HashPassword hashes a password that somebody chose, or says as a fault of
// the field why it is not good enough.
func (s *Service) HashPassword(ctx context.Context, password, field string, of fleet.User) (string, error) {
	if why := weakness(password, of); why != "" {
		return "", fleet.InvalidFields(spec.Fault{Field: field, Message: why})
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
