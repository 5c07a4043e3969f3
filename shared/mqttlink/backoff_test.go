package mqttlink

import (
	"context"
	"errors"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitGrowsToItsCap(t *testing.T) {
	for _, c := range []struct {
		cause          Cause
		failures       int
		servers        int
		hurry          time.Duration
		atLeast, below time.Duration
	}{
		{Unreachable, 0, 1, 0, 0, 500 * time.Millisecond},
		{Unreachable, 1, 1, 0, 0, time.Second},
		{Unreachable, 4, 1, 0, 0, 8 * time.Second},
		{Unreachable, 5, 1, 0, 0, 10 * time.Second},
		{Unreachable, 1_000_000, 1, 0, 0, 10 * time.Second},
		{Unreachable, 100, 3, 0, 0, 500 * time.Millisecond}, // within a round
		{Unreachable, 101, 3, 0, 0, 10 * time.Second},       // after it
		{Unreachable, 3, 1, time.Second, 0, time.Second},
		{Unreachable, 19, 1, 2 * time.Second, 0, 2 * time.Second},
		{Unreachable, 20, 1, 2 * time.Second, 0, 10 * time.Second}, // nobody waits any more
		{Unreachable, 39, 2, 2 * time.Second, 0, 2 * time.Second},
		{Unreachable, 4, 1, time.Minute, 0, 8 * time.Second},
		{Unreachable, 3, 1, time.Millisecond, 0, 500 * time.Millisecond},
		{Lost, 0, 1, time.Second, 0, time.Second},
		{Refused, 0, 1, time.Second, 30 * time.Second, time.Minute},
		{Lost, 0, 1, 0, 0, 3 * time.Second},
		{Lost, 1, 2, 0, 0, 3 * time.Second},
		{Lost, 1, 1, 0, 0, time.Second},
		{Closed, 0, 1, 0, 0, 500 * time.Millisecond},
		{Barred, 1000, 1, 0, 0, 500 * time.Millisecond},
		{Refused, 0, 1, 0, 30 * time.Second, time.Minute},
		{Forbidden, 7, 1, 0, 30 * time.Second, time.Minute},
	} {
		atLeast, below := wait(c.cause, c.failures, c.servers, c.hurry)
		if atLeast != c.atLeast || below != c.below {
			t.Errorf("%s after %d failures over %d servers: %s to %s, want %s to %s", c.cause, c.failures, c.servers, atLeast, below, c.atLeast, c.below)
		}
	}
}

// attempts runs for a while against servers that cannot be reached, and says
// when each was dialled.
func attempts(t *testing.T, servers []string, random func(time.Duration) time.Duration, during time.Duration) []time.Duration {
	t.Helper()
	var at []time.Duration
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), during)
		defer cancel()
		began := time.Now()
		err := Run(ctx, Options{
			Servers: servers, ClientID: "c", Random: random,
			Dial: func(context.Context, *url.URL) (net.Conn, error) {
				at = append(at, time.Since(began))
				return nil, errors.New("no route")
			},
		})
		if err != nil {
			t.Error(err)
		}
	})
	return at
}

func TestTheWholeWaitIsRandom(t *testing.T) {
	full := func(most time.Duration) time.Duration { return most }
	none := func(time.Duration) time.Duration { return 0 }
	if got := len(attempts(t, []string{"mqtt://a"}, full, time.Minute)); got != 10 {
		t.Errorf("%d attempts in a minute of the longest waits, want 10 (after 0, .5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5, 45.5, 55.5 s)", got)
	}
	i := 0
	stopAfter := func(most time.Duration) time.Duration {
		if i++; i > 5 {
			return time.Hour
		}
		return none(most)
	}
	if got := attempts(t, []string{"mqtt://a"}, stopAfter, time.Minute); len(got) != 6 || got[5] != 0 {
		t.Errorf("with the shortest waits the attempts were at %v, want six at once", got)
	}
}

func TestAllServersAreTriedBeforeTheWaitGrows(t *testing.T) {
	full := func(most time.Duration) time.Duration { return most }
	at := attempts(t, []string{"mqtt://a", "mqtt://b", "mqtt://c"}, full, 3900*time.Millisecond)
	if len(at) != 7 || at[5] != 2500*time.Millisecond || at[6] != 3500*time.Millisecond {
		t.Errorf("attempts at %v, want the wait to double after the second round", at)
	}
}
