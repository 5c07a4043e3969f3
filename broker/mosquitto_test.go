package broker

import (
	"context"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// These tests use a client that neither we nor paho wrote.

// mosquitto finds one of the programs of the mosquitto packages.
func mosquitto(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		tb.Fatalf("%s is missing: run `make deps`", program)
	}
	return path
}

// run starts a mosquitto client with an API token as its password; it is
// stopped with the test.
func (w *world) run(t *testing.T, program, password string, args ...string) (output *syncBuffer, wait func() error) {
	t.Helper()
	host, port, err := net.SplitHostPort(w.addr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	cmd := exec.CommandContext(ctx, mosquitto(t, program), append([]string{"-h", host, "-p", port, "-u", "token", "-P", password}, args...)...)
	output = &syncBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ended := false
	wait = func() error { ended = true; return <-done }
	t.Cleanup(func() {
		cancel()
		if !ended {
			_ = wait() // it was killed
		}
	})
	return output, wait
}

func TestMosquittoSubSeesWhatItMay(t *testing.T) {
	for _, version := range []string{"311", "5"} {
		t.Run(version, func(t *testing.T) {
			w := newWorld(t)
			mine, other := newNode(), newNode()
			health := func(n id.NodeID) wire.Topic { return wire.OfNode(wire.NodeHealth, n) }
			w.auth.allow(health(mine), heartbeatOf(mine))
			token := w.auth.admit(Identity{User: id.New[id.UserID]()})
			for _, n := range []id.NodeID{mine, other} {
				if err := w.Publish(health(n), []byte("well")); err != nil {
					t.Fatal(err)
				}
			}
			out, wait := w.run(t, "mosquitto_sub", token, "-V", version, "-t", "lormas/v1/#", "-v", "-C", "3", "-q", "1")
			w.awaitMetric(t, "messages_sent_total", 1) // the retained one
			w.agent(t, mine).send(t, heartbeatOf(mine).String(), 0, "beat")
			if err := w.Publish(health(other), []byte("secret")); err != nil {
				t.Fatal(err)
			}
			if err := w.Publish(health(mine), []byte("ill")); err != nil {
				t.Fatal(err)
			}
			if err := wait(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got := strings.Split(strings.TrimSpace(out.String()), "\n")
			slices.Sort(got)
			want := []string{health(mine).String() + " ill", health(mine).String() + " well", heartbeatOf(mine).String() + " beat"}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestMosquittoSubIsRefused(t *testing.T) {
	for _, version := range []string{"311", "5"} {
		for name, c := range map[string]struct {
			filter string
			known  bool
			says   string
		}{
			"wrong token": {"lormas/v1/#", false, "connection error"},
			"everything":  {"#", true, "subscription"},
			"$SYS":        {"$SYS/#", true, "subscription"},
			"shared":      {"$share/g/lormas/v1/#", true, "subscription"},
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				w := newWorld(t)
				w.auth.edit(func(d *doorkeeper) { d.all = true })
				token := "wrong"
				if c.known {
					token = w.auth.admit(Identity{User: id.New[id.UserID]()})
				}
				out, wait := w.run(t, "mosquitto_sub", token, "-V", version, "-t", c.filter, "-v", "-E")
				_ = wait() // some versions end with 0
				if !strings.Contains(strings.ToLower(out.String()), c.says) {
					t.Errorf("it says %q", out)
				}
				if c.known {
					w.awaitMetric(t, "denied_total{action=subscribe,kind=person}", 1)
				}
			})
		}
	}
}

// TestMosquittoPubIsNotHeard covers what a person's tool can try.
func TestMosquittoPubIsNotHeard(t *testing.T) {
	w := newWorld(t)
	w.auth.edit(func(d *doorkeeper) { d.all = true })
	p := w.person(t)
	p.subscribe(t, "lormas/v1/#", 0)
	user := Identity{User: id.New[id.UserID]()}
	topic := wire.OfNode(wire.NodeCommands, newNode()).String()
	for _, args := range [][]string{
		{"-q", "0"}, {"-q", "1"}, {"-q", "0", "-V", "5"}, {"-q", "1", "-V", "5"}, {"-q", "2"}, {"-q", "0", "-r"},
	} {
		_, wait := w.run(t, "mosquitto_pub", w.auth.admit(user), append(args, "-t", topic, "-m", "lie", "--repeat", "1")...)
		_ = wait() // it says so or not, as the version of MQTT allows
	}
	_, wait := w.run(t, "mosquitto_pub", w.auth.admit(user), "-t", topic, "-m", "x", "--will-topic", topic, "--will-payload", "lie")
	if err := wait(); err == nil {
		t.Error("a person's will was let in")
	}
	w.awaitMetric(t, "denied_total{action=publish,kind=person}", 6)
	if err := w.Publish(wire.Topic{Kind: wire.FleetEvents}, []byte("last")); err != nil {
		t.Fatal(err)
	}
	p.awaitMessage(t, wire.Topic{Kind: wire.FleetEvents}, "last")
	if len(p.inbox()) != 1 {
		t.Errorf("it heard %q", p.inbox())
	}
}

// TestAnotherAgentCouldBeWritten: the contract holds for any client.
func TestAnotherAgentCouldBeWritten(t *testing.T) {
	for _, version := range []string{"311", "5"} {
		for _, qos := range []string{"0", "1"} {
			t.Run(version+" QoS "+qos, func(t *testing.T) {
				w := newWorld(t)
				n := newNode()
				out, wait := w.run(t, "mosquitto_pub", w.auth.admit(Identity{Node: n}), "-i", AgentClientID(n), "-V", version,
					"-q", qos, "-t", wire.OfNode(wire.NodeSync, n).String(), "-m", "hello")
				if err := wait(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				w.handler.await(t, "message "+n.String()+" node.sync hello", 1)
				w.handler.await(t, "disconnected "+n.String()+" 1: <nil>", 1)
			})
		}
	}
}

// TestWillsAreNotDelayed although MQTT 5 can ask for it.
func TestWillsAreNotDelayed(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.auth.allow(heartbeatOf(n))
	p := w.person(t)
	p.subscribe(t, heartbeatOf(n).String(), 0)
	w.run(t, "mosquitto_sub", w.auth.admit(Identity{Node: n}), "-V", "5", "-i", AgentClientID(n), "-t", wire.OfNode(wire.NodeCommands, n).String(),
		"--will-topic", heartbeatOf(n).String(), "--will-payload", string(will(n)), "-D", "WILL", "will-delay-interval", "3600")
	eventually(t, "connected", func() bool { return w.Connected(n) })
	w.KickNode(n, ErrRefused)
	p.awaitMessage(t, heartbeatOf(n), string(will(n)))
}
