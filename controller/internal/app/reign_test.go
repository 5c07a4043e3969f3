package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/reign"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/wire"
)

// beside is the configuration of another controller on the same databases.
func beside(t *testing.T, first config.Config) config.Config {
	t.Helper()
	second := first
	second.HTTPListen, second.MQTTListen, second.StateDir = "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	return second
}

// two are a controller that works and one that stands by.
func two(t *testing.T, lease time.Duration) (active, standby *controller) {
	t.Helper()
	first := testConfig(t)
	first.SigningKey, first.ControllerLease = filepath.Join(t.TempDir(), "shared.key"), lease
	active = startController(t, first)
	return active, startController(t, beside(t, first))
}

// works reports whether the controller is the active one.
func (c *controller) works() bool {
	code, _ := get(c.t, c.URL()+"/readyz")
	return code == http.StatusOK
}

func get(t testing.TB, url string) (code int, body string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// cause is why a client is not let in.
func cause(t *testing.T, server string) mqttlink.Cause {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got mqttlink.Cause
	err := mqttlink.Run(ctx, mqttlink.Options{
		Servers: []string{server}, ClientID: "c",
		OnDown: func(err error) {
			var fault *mqttlink.Fault
			if errors.As(err, &fault) {
				got = fault.Cause
			}
			cancel()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAStandbySaysWhoIsActive(t *testing.T) {
	t.Parallel()
	active, standby := two(t, 0)
	if code, body := get(t, standby.URL()+"/livez"); code != http.StatusOK {
		t.Errorf("livez: %d %s", code, body)
	}
	code, body := get(t, standby.URL()+"/readyz")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "this controller stands by; the active controller is "+active.URL()) {
		t.Errorf("readyz: %d %s", code, body)
	}
	code, body = get(t, standby.URL()+"/api/v1/nodes")
	var problem struct{ Title, Detail string }
	if err := json.Unmarshal([]byte(body), &problem); err != nil || code != http.StatusServiceUnavailable || !strings.Contains(problem.Detail, active.URL()) {
		t.Errorf("API: %d %s", code, body)
	}
	if code, body := get(t, standby.URL()+"/"); code == http.StatusServiceUnavailable {
		t.Errorf("the dashboard: %d %s", code, body)
	}
	for _, server := range []string{"mqtt://" + standby.MQTTAddr(), "ws" + strings.TrimPrefix(standby.URL(), "http") + "/mqtt"} {
		if got := cause(t, server); got != mqttlink.Busy {
			t.Errorf("%s refuses clients as %q, want %q", server, got, mqttlink.Busy)
		}
	}
	if code, body := get(t, active.URL()+"/readyz"); code != http.StatusOK {
		t.Errorf("readyz of the active one: %d %s", code, body)
	}
}

// An agent that knows both addresses is served by whoever works, and its
// credential is good with both.
func TestTheStandbyTakesOver(t *testing.T) {
	t.Parallel()
	active, standby := two(t, 2*time.Second)
	node, token := active.enrol("edge-1")
	a := newAgent(t, node, token).join(active)
	a.heartbeat(0)
	granted := func(l wire.Lease) bool { return l.LeaseMS > 0 && l.Term > 0 }
	before := a.awaitLease("a lease", granted)
	active.stop()
	eventually(t, "the other works", standby.works)
	a.connect("mqtt://" + standby.MQTTAddr()).hello(0)
	a.awaitDesired("the answer to hello", func(wire.Desired) bool { return true })
	a.heartbeat(0)
	after := a.awaitLease("a lease of the new reign", granted)
	if after.Term <= before.Term {
		t.Errorf("the lease of the new reign is %+v, before it was %+v", after, before)
	}
	standby.awaitState(node, fleet.NodeHealthy)
}

// A controller that another one follows ends, and begins anew as a standby.
func TestADeposedControllerEnds(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.ControllerLease = time.Second
	main, err := app.New(t.Context(), c, app.Options{Log: discard, Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- main.Run(context.Background()) }()
	db, err := store.Open(t.Context(), c.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.LockControllers(t.Context()); err != nil {
			return err
		}
		_, err := tx.BeginReign(t.Context(), store.Presence{ID: "other", URL: "http://other"}, 3*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if !errors.Is(err, reign.ErrDeposed) {
			t.Fatalf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	again := startController(t, c)
	if code, body := get(t, again.URL()+"/readyz"); code != http.StatusServiceUnavailable && code != http.StatusOK {
		t.Errorf("readyz: %d %s", code, body)
	}
	eventually(t, "it works again when the other is gone", again.works)
}

// Whoever stays with a controller that has lost its authority is not heard by
// the one that may reign by now: it hangs up, until it has it again.
func TestAControllerWithoutAuthorityHangsUp(t *testing.T) {
	t.Parallel()
	c := testConfig(t)
	c.ControllerLease = time.Second
	active := startController(t, c)
	node, token := active.enrol("edge-1")
	newAgent(t, node, token).join(active).heartbeat(0)
	active.awaitState(node, fleet.NodeHealthy)
	db, err := store.Open(t.Context(), active.config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	server := "mqtt://" + active.MQTTAddr()
	err = db.InTx(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.LockControllers(t.Context()); err != nil { // no round goes through
			return err
		}
		locked := func() { // a transaction that stands idle is ended by Postgres
			if _, err := tx.Controllers(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "nobody is let in", func() bool { locked(); return cause(t, server) == mqttlink.Busy })
		eventually(t, "the agent is cut off", func() bool { locked(); return active.node(node).Health.Reason == "connection lost" })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it lets them in again", func() bool { return cause(t, server) != mqttlink.Busy })
}

func TestAControllerWithAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	active := newController(t)
	_, err := app.New(t.Context(), beside(t, active.config), app.Options{Log: discard, Out: io.Discard})
	if !errors.Is(err, reign.ErrKey) || !strings.Contains(err.Error(), active.URL()) {
		t.Errorf("got %v", err)
	}
	active.stop()
	wanted := beside(t, active.config)
	wanted.ReplaceSigningKey = true
	startController(t, wanted)
}

func TestTwoProcessesOnOneStateDirectory(t *testing.T) {
	t.Parallel()
	active := newController(t)
	second := beside(t, active.config)
	second.StateDir = active.config.StateDir
	if _, err := app.New(t.Context(), second, app.Options{Log: discard, Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("got %v", err)
	}
}
