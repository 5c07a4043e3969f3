package authn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
)

// Limits of signing in, each within throttleWindow of its first attempt. An
// outsider who guesses at somebody's account is stopped by the first two and
// changes his address; the third then slows him down, and with him the owner,
// who is never locked out.
const (
	throttleWindow = 15 * time.Minute
	perPair        = 5   // one account from one address: refused
	perAddress     = 100 // one address, all accounts: refused
	perAccount     = 20  // one account, all addresses: slowed
	slowBy         = 2 * time.Second

	// perCodes is how many codes of a second factor an account may be asked
	// for: of a million, three are good at a time. Who guesses has the password,
	// so its owner may find this used up; his recovery codes are not counted.
	perCodes = 10
)

// Counter counts events in windows that begin with the first.
type Counter interface {
	// Count adds one to key and says how many there are now and when the
	// window ends.
	Count(ctx context.Context, key string, window time.Duration) (n int64, left time.Duration, err error)
	Forget(ctx context.Context, key string) error
}

type throttle struct {
	counter Counter
	own     Counter // counts while the shared one is away
	log     *slog.Logger
}

func newThrottle(shared Counter, now func() time.Time, log *slog.Logger) *throttle {
	return &throttle{counter: shared, own: newMemoryCounter(now), log: log}
}

// attempt counts an attempt before its outcome is known, so that many at once
// cannot slip through, and waits where it must be slowed.
func (t *throttle) attempt(ctx context.Context, account, address string) error {
	address = network(address)
	if n, left := t.count(ctx, key("address", address)); n > perAddress {
		return tooMany(left)
	}
	if n, left := t.count(ctx, key("pair", account, address)); n > perPair {
		return tooMany(left)
	}
	if n, _ := t.count(ctx, key("account", account)); n > perAccount {
		return loop.Pause(ctx, slowBy)
	}
	return nil
}

// succeeded forgives the attempts of an account from an address.
func (t *throttle) succeeded(ctx context.Context, account, address string) {
	t.forget(ctx, key("pair", account, network(address)))
}

func (t *throttle) forget(ctx context.Context, key string) {
	for _, c := range []Counter{t.counter, t.own} {
		if err := c.Forget(ctx, key); err != nil {
			t.log.Warn("could not forget attempts to sign in", "error", err)
		}
	}
}

// code counts a code of a second factor before it is known to be right.
func (t *throttle) code(ctx context.Context, user id.UserID) error {
	n, left := t.count(ctx, key("code", user.String()))
	if n <= perCodes {
		return nil
	}
	return fleet.Errorf(fleet.TooMany, "too many codes were wrong: wait %s and try again, or use a recovery code", left.Round(time.Second)).
		Because(waitError(left))
}

// codeWasRight forgives the codes that were wrong before.
func (t *throttle) codeWasRight(ctx context.Context, user id.UserID) {
	t.forget(ctx, key("code", user.String()))
}

// countWithin is how long the shared counter may take: signing in must work
// while it is away.
const countWithin = 500 * time.Millisecond

func (t *throttle) count(ctx context.Context, key string) (int64, time.Duration) {
	within, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	n, left, err := t.counter.Count(within, key, throttleWindow)
	if err != nil {
		t.log.Warn("attempts to sign in are counted in this process only", "error", err)
		n, left, _ = t.own.Count(ctx, key, throttleWindow) // memory does not fail
	}
	return n, left
}

// network is the address, or for IPv6 the /64 that one household has all of.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

// key keeps what people typed out of Redis, and its length bounded.
func key(kind string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return "lormas:login:" + kind + ":" + hex.EncodeToString(h.Sum(nil)[:16])
}

// waitError tells when it makes sense to try again.
type waitError time.Duration

func (w waitError) Error() string             { return "throttled" }
func (w waitError) RetryAfter() time.Duration { return time.Duration(w) }

func tooMany(left time.Duration) error {
	return fleet.Errorf(fleet.TooMany, "too many attempts to sign in: wait %s and try again", left.Round(time.Second)).
		Because(waitError(left))
}

// RedisCounter counts in Redis, for all controllers together.
type RedisCounter struct{ Client redis.UniversalClient }

// Count implements Counter.
func (r RedisCounter) Count(ctx context.Context, key string, window time.Duration) (int64, time.Duration, error) {
	var n *redis.IntCmd
	var left *redis.DurationCmd
	_, err := r.Client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		n = p.Incr(ctx, key)
		p.ExpireNX(ctx, key, window)
		left = p.PTTL(ctx, key)
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	return n.Val(), left.Val(), nil
}

// Forget implements Counter.
func (r RedisCounter) Forget(ctx context.Context, key string) error {
	return r.Client.Del(ctx, key).Err()
}
