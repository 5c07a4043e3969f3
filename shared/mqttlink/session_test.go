package mqttlink_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/mqttlink/mosquittotest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// client is a link under test, with what it was told.
type client struct {
	up       chan *mqttlink.Session
	down     chan error
	messages chan mqttlink.Message
	stop     func()
}

// run starts a link that ends with the test. Its waits are cut short.
func run(t *testing.T, o mqttlink.Options) *client {
	t.Helper()
	c := &client{
		up: make(chan *mqttlink.Session, 100), down: make(chan error, 100), messages: make(chan mqttlink.Message, 100),
	}
	o.OnUp = func(s *mqttlink.Session) { c.up <- s }
	o.OnDown = func(err error) { c.down <- err }
	o.OnMessage = func(m mqttlink.Message) { c.messages <- m }
	if o.Random == nil {
		o.Random = func(most time.Duration) time.Duration { return min(most, 50*time.Millisecond) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mqttlink.Run(ctx, o) }()
	c.stop = func() {
		cancel()
		if err := take(t, done, "the end of Run"); err != nil {
			t.Errorf("Run: %v", err)
		}
		done <- nil
	}
	t.Cleanup(c.stop)
	return c
}

func take[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
	}
	panic("unreachable")
}

func expectFault(t *testing.T, err error, cause mqttlink.Cause, says string) {
	t.Helper()
	var fault *mqttlink.Fault
	if !errors.As(err, &fault) || fault.Cause != cause || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want cause %s and a text that says %q", err, cause, says)
	}
}

func TestMessagesArrive(t *testing.T) {
	broker := mosquittotest.Start(t)
	c := run(t, mqttlink.Options{
		Servers: []string{broker.URL()}, ClientID: "a", Subscribe: []mqttlink.Subscription{{Filter: "t/+", QoS: 1}},
	})
	s := take(t, c.up, "the session")
	for _, m := range []mqttlink.Message{{Topic: "t/0", Payload: []byte("zero")}, {Topic: "t/1", QoS: 1, Payload: []byte("one")}} {
		if err := s.Publish(m); err != nil {
			t.Fatal(err)
		}
		if got := take(t, c.messages, m.Topic); got.Topic != m.Topic || string(got.Payload) != string(m.Payload) {
			t.Errorf("got %+v, want %+v", got, m)
		}
	}
}

func TestTheSessionComesBackAndSubscribesAgain(t *testing.T) {
	broker := mosquittotest.Start(t)
	c := run(t, mqttlink.Options{
		Servers: []string{broker.URL()}, ClientID: "a", Subscribe: []mqttlink.Subscription{{Filter: "t"}},
	})
	first := take(t, c.up, "the first session")
	broker.Down()
	expectFault(t, take(t, c.down, "the loss"), mqttlink.Lost, "lost")
	<-first.Ended()
	broker.Up(t)
	second := take(t, c.up, "the second session")
	if err := second.Publish(mqttlink.Message{Topic: "t", Payload: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	take(t, c.messages, "a message of the second session")
	for _, qos := range []byte{0, 1} {
		if err := first.Publish(mqttlink.Message{Topic: "t", QoS: qos}); !errors.Is(err, mqttlink.ErrEnded) {
			t.Errorf("publishing at QoS %d on a session that is over gave %v", qos, err)
		}
	}
}

func TestAnUnacknowledgedMessageIsAnError(t *testing.T) {
	broker := mosquittotest.Start(t)
	c := run(t, mqttlink.Options{Servers: []string{broker.URL()}, ClientID: "a", PublishTimeout: 50 * time.Millisecond})
	s := take(t, c.up, "the session")
	broker.Freeze()
	defer broker.Thaw()
	if err := s.Publish(mqttlink.Message{Topic: "t", QoS: 1}); !errors.Is(err, mqttlink.ErrTimeout) {
		t.Errorf("got %v, want a timeout", err)
	}
}

func TestCloseRedialsAndGoodbyeDoesNotWill(t *testing.T) {
	broker := mosquittotest.Start(t)
	watcher := run(t, mqttlink.Options{
		Servers: []string{broker.URL()}, ClientID: "w", Subscribe: []mqttlink.Subscription{{Filter: "will"}, {Filter: "end"}},
	})
	observer := take(t, watcher.up, "the watcher's session")
	sessions := 0
	c := run(t, mqttlink.Options{Servers: []string{broker.URL()}, ClientID: "a", Will: func() *mqttlink.Message {
		sessions++
		return &mqttlink.Message{Topic: "will", QoS: 1, Payload: []byte{byte('0' + sessions)}}
	}})
	take(t, c.up, "the first session").Close(errors.New("three heartbeats unanswered"))
	expectFault(t, take(t, c.down, "the end"), mqttlink.Closed, "three heartbeats unanswered")
	if will := take(t, watcher.messages, "the will"); string(will.Payload) != "1" {
		t.Errorf("the will of session %s came, want that of the first", will.Payload)
	}
	take(t, c.up, "the second session")
	c.stop()
	if err := observer.Publish(mqttlink.Message{Topic: "end", QoS: 1}); err != nil {
		t.Fatal(err)
	}
	if next := take(t, watcher.messages, "the end"); next.Topic != "end" {
		t.Error("a link that said goodbye left a will")
	}
}

// On a link that flaps an agent gives up one connection after the other, and
// has to be back before its node counts as lost.
func TestWhoHangsUpHimselfIsSoonBack(t *testing.T) {
	broker := mosquittotest.Start(t)
	waits := make(chan time.Duration, 100)
	c := run(t, mqttlink.Options{
		Servers: []string{broker.URL()}, ClientID: "a",
		Random: func(most time.Duration) time.Duration { waits <- most; return 0 },
	})
	for range 8 {
		take(t, c.up, "a session").Close(errors.New("no answer"))
		if most := take(t, waits, "the wait"); most > 500*time.Millisecond {
			t.Fatalf("it waits for up to %s", most)
		}
	}
}

func TestCloseFreesASessionWhoseServerIsFrozen(t *testing.T) {
	broker := mosquittotest.Start(t)
	c := run(t, mqttlink.Options{Servers: []string{broker.URL()}, ClientID: "a"})
	s := take(t, c.up, "the session")
	broker.Freeze()
	s.Close(errors.New("no answer"))
	expectFault(t, take(t, c.down, "the end"), mqttlink.Closed, "no answer")
	broker.Thaw()
	take(t, c.up, "the next session")
}

func TestFaultsNameTheirCause(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	passwords := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(passwords, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	strict := mosquittotest.Start(t, "allow_anonymous false", "password_file "+passwords)
	closed := net.JoinHostPort("127.0.0.1", "1")
	for name, c := range map[string]struct {
		server string
		cause  mqttlink.Cause
		says   string
	}{
		"nobody there":    {"mqtt://" + closed, mqttlink.Unreachable, "check the address"},
		"no such name":    {"mqtt://no-such-host.invalid", mqttlink.Unreachable, "no-such-host.invalid"},
		"a web server":    {"mqtt://" + web.Listener.Addr().String(), mqttlink.NotMQTT, "does not speak MQTT"},
		"no websocket":    {"ws://" + web.Listener.Addr().String(), mqttlink.Unreachable, "websocket"},
		"untrusted":       {"tls://" + secure.Listener.Addr().String(), mqttlink.Untrusted, "authority"},
		"tls to plain":    {"tls://" + web.Listener.Addr().String(), mqttlink.Untrusted, "no TLS"},
		"not let in":      {strict.URL(), mqttlink.Refused, "give this node a new one"},
		"untrusted, wss:": {"wss://" + secure.Listener.Addr().String(), mqttlink.Untrusted, "authority"},
	} {
		t.Run(name, func(t *testing.T) {
			link := run(t, mqttlink.Options{Servers: []string{c.server}, ClientID: "a", Username: "u", ConnectTimeout: 2 * time.Second})
			expectFault(t, take(t, link.down, "the fault"), c.cause, c.says)
		})
	}
}

// refuseTopics is the server's end of a connection: it lets the client in and
// refuses every subscription. (mosquitto grants them all, and is silent.)
func refuseTopics(conn net.Conn) {
	defer conn.Close()
	for {
		packet, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		var answer packets.ControlPacket
		switch p := packet.(type) {
		case *packets.ConnectPacket:
			answer = packets.NewControlPacket(packets.Connack)
		case *packets.SubscribePacket:
			ack := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			ack.MessageID, ack.ReturnCodes = p.MessageID, []byte{0x80}
			answer = ack
		default:
			continue
		}
		if answer.Write(conn) != nil {
			return
		}
	}
}

func TestATopicThatIsNotAllowedIsAFault(t *testing.T) {
	c := run(t, mqttlink.Options{
		Servers: []string{"mqtt://pipe"}, ClientID: "a", Subscribe: []mqttlink.Subscription{{Filter: "theirs"}},
		Dial: func(context.Context, *url.URL) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go refuseTopics(theirs)
			return ours, nil
		},
	})
	expectFault(t, take(t, c.down, "the fault"), mqttlink.Forbidden, "theirs")
}

func TestWebSocket(t *testing.T) {
	port := mosquittotest.FreePort(t)
	url := "127.0.0.1:" + strconv.Itoa(port)
	mosquittotest.Start(t, "listener "+strconv.Itoa(port)+" 127.0.0.1", "protocol websockets")
	c := run(t, mqttlink.Options{Servers: []string{"ws://" + url}, ClientID: "a", Subscribe: []mqttlink.Subscription{{Filter: "t"}}})
	s := take(t, c.up, "the session")
	if err := s.Publish(mqttlink.Message{Topic: "t", QoS: 1}); err != nil {
		t.Fatal(err)
	}
	take(t, c.messages, "the message")
}
