package authn

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
)

func throttleInMemory() *throttle {
	return newThrottle(newMemoryCounter(time.Now), time.Now, slog.New(slog.DiscardHandler))
}

func TestManyAddressesSlowAnAccountAndDoNotLockIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := throttleInMemory()
		begin := time.Now()
		for i := range perAccount {
			if err := throttle.attempt(t.Context(), "owner", "198.51.100."+strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("slowed by %v too early", took)
		}
		if err := throttle.attempt(t.Context(), "owner", "192.0.2.1"); err != nil {
			t.Errorf("the owner was locked out: %v", err)
		}
		if took := time.Since(begin); took != slowBy {
			t.Errorf("slowed by %v, want %v", took, slowBy)
		}
	})
}

func TestWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := throttleInMemory()
		var err error
		for range perPair + 1 {
			err = throttle.attempt(t.Context(), "owner", "192.0.2.1")
		}
		var wait waitError
		if fleet.KindOf(err) != fleet.TooMany || !errors.As(err, &wait) || wait.RetryAfter() != throttleWindow {
			t.Fatalf("got %v, wait %v", err, wait)
		}
		time.Sleep(throttleWindow)
		if err := throttle.attempt(t.Context(), "owner", "192.0.2.1"); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

func TestOneAddressCannotTryEveryAccount(t *testing.T) {
	throttle := throttleInMemory()
	var err error
	for i := range perAddress + 1 { // of one /64
		err = throttle.attempt(t.Context(), "user"+strconv.Itoa(i), "2001:db8::"+strconv.Itoa(i))
	}
	if fleet.KindOf(err) != fleet.TooMany {
		t.Errorf("got %v", err)
	}
	if err := throttle.attempt(t.Context(), "user", "2001:db8:0:1::1"); err != nil {
		t.Errorf("a neighbour: %v", err)
	}
}

// broken is a shared counter that is away.
type broken struct{}

func (broken) Count(context.Context, string, time.Duration) (int64, time.Duration, error) {
	return 0, 0, errors.New("away")
}
func (broken) Forget(context.Context, string) error { return errors.New("away") }

func TestThrottleHoldsWhileRedisIsAway(t *testing.T) {
	throttle := newThrottle(broken{}, time.Now, slog.New(slog.DiscardHandler))
	var err error
	for range perPair + 1 {
		err = throttle.attempt(t.Context(), "owner", "192.0.2.1")
	}
	if fleet.KindOf(err) != fleet.TooMany {
		t.Errorf("got %v", err)
	}
	throttle.succeeded(t.Context(), "owner", "192.0.2.1")
	if err := throttle.attempt(t.Context(), "owner", "192.0.2.1"); err != nil {
		t.Errorf("after a success: %v", err)
	}
}

func TestMemoryCounterIsBounded(t *testing.T) {
	now := time.Now()
	m := newMemoryCounter(func() time.Time { return now })
	for i := range 2*maxWindows + 1 {
		if _, _, err := m.Count(t.Context(), strconv.Itoa(i), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.windows) > maxWindows {
		t.Errorf("%d windows are kept, want at most %d", len(m.windows), maxWindows)
	}
}

// Nobody's password costs a turn as everybody's does: an unknown user cannot
// be told by the time.
func TestNobodyTakesATurn(t *testing.T) {
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.matches(t.Context(), "nobody's password", ""); ok || err != nil {
		t.Errorf("nobody's password matches: %v, %v", ok, err)
	}
	for range cap(h.turn) {
		h.turn <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, hash := range []string{"", h.dummy} {
		if _, err := h.matches(ctx, "x", hash); fleet.KindOf(err) != fleet.Unavailable {
			t.Errorf("hash %q: no turn was taken: %v", hash, err)
		}
	}
}
