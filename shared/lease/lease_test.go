package lease_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

func TestTheProfilesKeepTheInequality(t *testing.T) {
	for _, p := range []lease.Profile{lease.Standard(), lease.Fast(), lease.LAN(), lease.Metered(), lease.Custom(30 * time.Second), lease.Custom(10 * time.Second)} {
		if err := p.Exclusive(); err != nil {
			t.Errorf("%s (%s): %v", p.Name, p.Window, err)
		}
		if p.Soft >= p.Lease || p.Suspect >= p.Window || p.Resend >= p.Heartbeat {
			t.Errorf("%s is out of order: %+v", p.Name, p)
		}
	}
}

func TestAProfileThatCannotKeepItSaysWhy(t *testing.T) {
	broken := lease.Standard()
	broken.Lease = 28 * time.Second
	if err := broken.Exclusive(); err == nil || !strings.Contains(err.Error(), "30s / 1.001 = 29.97s must be at least 28s / 0.999 + 500ms + 3s = 31.528s") {
		t.Errorf("the arithmetic is missing: %v", err)
	}
	if err := lease.Custom(lease.MinWindow).Exclusive(); err == nil || !strings.Contains(err.Error(), "must span 2 heartbeats") {
		t.Errorf("the shortest window takes exclusive containers: %v", err)
	}
	for _, window := range []time.Duration{time.Second, 2 * time.Hour} {
		if _, err := lease.Named(lease.NameCustom, window); err == nil {
			t.Errorf("a window of %s is taken", window)
		}
	}
}

// Whatever window somebody chooses: if exclusive containers are let run under
// it, the inequality of FAILOVER §6.2 holds.
func TestACustomWindowKeepsTheInequality(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := lease.Custom(time.Duration(rapid.Int64Range(int64(lease.MinWindow), int64(lease.MaxWindow)).Draw(t, "window")))
		if p.Exclusive() != nil {
			return
		}
		if float64(p.Window)/(1+p.Drift) < float64(p.Lease)/(1-p.Drift)+float64(p.Wakeup)+float64(p.Kill) {
			t.Fatalf("broken by %+v", p)
		}
	})
}

func TestRenew(t *testing.T) {
	c, other := id.New[id.ContainerID](), id.New[id.ContainerID]()
	ack := lease.Ack{SentAt: 100 * time.Second, Rev: 7, Lease: 25 * time.Second, Soft: 20 * time.Second}
	claims := lease.Claims{Rev: 7, Runs: map[id.ContainerID]int64{c: 3}}
	held := lease.Holder(nil).Renew(ack, claims)
	if !held.Holds(c, 3, 124*time.Second) || held.Holds(c, 3, 125*time.Second) {
		t.Errorf("it counts from the send time: %+v", held)
	}
	if held.Holds(c, 2, 101*time.Second) || held.Holds(other, 3, 101*time.Second) {
		t.Error("another copy holds it")
	}
	late := ack
	late.SentAt, late.Rev = 110*time.Second, 8
	if held.Renew(late, claims).Holds(c, 3, 126*time.Second) {
		t.Error("renewed although a newer revision exists")
	}
	late.Rev, late.Lease = 7, 0
	if held.Renew(late, claims).Holds(c, 3, 126*time.Second) {
		t.Error("renewed without a grant")
	}
	if !held.Renew(lease.Ack{SentAt: 50 * time.Second, Rev: 7, Lease: 25 * time.Second}, claims).Holds(c, 3, 124*time.Second) {
		t.Error("an answer that came late took something away")
	}
}

func TestStarts(t *testing.T) {
	for name, c := range map[string]struct {
		start lease.Start
		may   bool
	}{
		"standard":                       {lease.Start{Rebooted: true}, true},
		"available, crashed offline":     {lease.Start{HA: true}, true},
		"available, booted offline":      {lease.Start{HA: true, Rebooted: true, OfflineDelay: time.Minute}, false},
		"available, a minute after":      {lease.Start{HA: true, Rebooted: true, OfflineDelay: time.Minute, Alone: time.Minute}, true},
		"available, never":               {lease.Start{HA: true, Rebooted: true, OfflineDelay: -1, Alone: time.Hour}, false},
		"available, in touch":            {lease.Start{HA: true, Rebooted: true, OfflineDelay: -1, InTouch: true}, true},
		"exclusive without a lease":      {lease.Start{HA: true, Exclusive: true, Guarded: true, InTouch: true}, false},
		"exclusive without a guard":      {lease.Start{HA: true, Exclusive: true, Held: true, InTouch: true}, false},
		"exclusive with both":            {lease.Start{HA: true, Exclusive: true, Held: true, Guarded: true}, true},
		"exclusive with both, rebooted":  {lease.Start{HA: true, Exclusive: true, Held: true, Guarded: true, Rebooted: true}, true},
		"exclusive, alone for ever long": {lease.Start{HA: true, Exclusive: true, Guarded: true, Alone: 1e6 * time.Hour}, false},
	} {
		if why := c.start.Refusal(); (why == "") != c.may {
			t.Errorf("%s: %q", name, why)
		}
	}
}
