package broker

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	mqttc "github.com/eclipse/paho.mqtt.golang"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2/packets"
)

// exhausted is a listener whose first Accepts fail as with no descriptors left.
type exhausted struct {
	net.Listener
	failures atomic.Int32
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestAcceptGoesOnAfterErrors(t *testing.T) {
	w := newWorld(t)
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &exhausted{Listener: nl}
	l.failures.Store(4)
	if err := w.accept("exhausted", l, nil); err != nil {
		t.Fatal(err)
	}
	w.addr = nl.Addr().String()
	w.agent(t, newNode())
	if got := w.metric(t, "accept_errors_total"); got != 4 {
		t.Errorf("%v accept errors counted, not 4", got)
	}
	if n := strings.Count(w.log.String(), "LimitNOFILE"); n != 1 {
		t.Errorf("logged %d times, not once", n)
	}
}

func TestWhoDoesNotConnectInTimeIsCut(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.ConnectDeadline = 50 * time.Millisecond }))
	whole := connectPacket(t, "x", "y")
	for name, first := range map[string][]byte{
		"silent":             nil,
		"half a header":      whole[:1],
		"half a CONNECT":     whole[:len(whole)/2],
		"no TLS hello":       {0x16, 0x03, 0x01},
		"an endless length":  {0x10, 0xff, 0xff},
		"all but one letter": whole[:len(whole)-1],
	} {
		t.Run(name, func(t *testing.T) {
			c := w.raw(t)
			write(c, first)
			awaitClosed(t, c)
		})
	}
}

func TestStalledTLSHandshakeIsCut(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.ConnectDeadline = 50 * time.Millisecond }))
	addr, err := w.ListenTLS("tls", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	if err != nil {
		t.Fatal(err)
	}
	w.addr = addr.String()
	c := w.raw(t)
	write(c, []byte{0x16, 0x03, 0x01, 0x02, 0x00}) // the head of a ClientHello
	awaitClosed(t, c)
}

func TestTLSNeedsACertificate(t *testing.T) {
	w := newWorld(t)
	if _, err := w.ListenTLS("tls", "127.0.0.1:0", nil); err == nil {
		t.Error("it listens in the clear")
	}
}

func TestAgentOverTLS(t *testing.T) {
	w := newWorld(t)
	addr, err := w.ListenTLS("tls", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	if err != nil {
		t.Fatal(err)
	}
	n := newNode()
	a := w.agent(t, n, func(o *mqttc.ClientOptions) {
		o.Servers = nil
		o.AddBroker("ssl://" + addr.String()).SetTLSConfig(&tls.Config{InsecureSkipVerify: true})
	})
	a.send(t, heartbeatOf(n).String(), 0, "beat")
	w.handler.await(t, "message "+n.String(), 1)
	w.KickNode(n, errors.New("revoked"))
	a.awaitLost(t)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestStrangersCannotMakeUsHoldMemory announces a large CONNECT on many
// connections; mochi alone makes room for what is announced.
func TestStrangersCannotMakeUsHoldMemory(t *testing.T) {
	w := newWorld(t)
	before := allocated()
	var strangers []net.Conn
	for range 200 {
		c := w.raw(t)
		write(c, []byte{0x10, 0xff, 0xff, 0x3f}) // 1 MiB − 1: within MaxPacket
		strangers = append(strangers, c)
	}
	for _, c := range strangers {
		awaitClosed(t, c)
	}
	if grown := allocated() - before; grown > 32<<20 {
		t.Errorf("strangers made us allocate %d MB", grown>>20)
	}
	w.awaitMetric(t, "denied_total{action=oversize,kind=unknown}", 200)
}

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

func TestOversizedPacketEndsTheConnection(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	c := w.raw(t)
	write(c, connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n})))
	if code := readConnack(t, c); code != 0 {
		t.Fatalf("CONNACK %d", code)
	}
	write(c, publishPacket(t, heartbeatOf(n).String(), make([]byte, 1<<20)))
	awaitClosed(t, c)
	w.awaitMetric(t, "denied_total{action=oversize,kind=agent}", 1)
	if n := strings.Count(w.log.String(), "client was denied"); n != 1 {
		t.Errorf("logged %d times, not once", n)
	}
	w.handler.await(t, "disconnected "+n.String(), 1)
	if w.handler.count("message") != 0 {
		t.Error("the packet reached the handler")
	}
}

func TestWillIsCheckedAtConnect(t *testing.T) {
	w := newWorld(t)
	n, other := newNode(), newNode()
	online := wire.Encode(wire.Heartbeat{Header: wire.Head(wire.TypeHeartbeat), NodeID: n, Status: wire.Online})
	long := append(will(n), bytes.Repeat([]byte(" "), maxWill)...)
	agent, person := Identity{Node: n}, Identity{User: id.New[id.UserID]()}
	for _, c := range []struct {
		name    string
		who     Identity
		topic   string
		payload []byte
		code    byte
	}{
		{"its own", agent, heartbeatOf(n).String(), will(n), 0},
		{"another node's topic", agent, heartbeatOf(other).String(), will(n), 5},
		{"another node's name", agent, heartbeatOf(n).String(), will(other), 5},
		{"its own events", agent, wire.OfNode(wire.NodeEvents, n).String(), will(n), 5},
		{"the fleet feed", agent, wire.Topic{Kind: wire.FleetEvents}.String(), will(n), 5},
		{"$SYS", agent, "$SYS/broker/version", will(n), 5},
		{"a wildcard", agent, "lormas/v1/#", will(n), 5},
		{"not offline", agent, heartbeatOf(n).String(), online, 5},
		{"not a heartbeat", agent, heartbeatOf(n).String(), []byte("boo"), 5},
		{"too long", agent, heartbeatOf(n).String(), long, 5},
		{"a person's", person, wire.Topic{Kind: wire.FleetEvents}.String(), will(n), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := w.raw(t)
			write(conn, connectPacket(t, AgentClientID(n), w.auth.admit(c.who), func(pk *packets.Packet) {
				pk.Connect.WillFlag, pk.Connect.WillRetain = true, true
				pk.Connect.WillTopic, pk.Connect.WillPayload = c.topic, c.payload
			}))
			if code := readConnack(t, conn); code != c.code {
				t.Errorf("CONNACK %d, want %d", code, c.code)
			}
		})
	}
}

// TestPanicsOfTheControllerAreCaught plants one in every call.
func TestPanicsOfTheControllerAreCaught(t *testing.T) {
	w := newWorld(t)
	n := newNode()
	w.handler.setReact(func(string) { panic("planted") })
	a := w.agent(t, n)
	a.send(t, heartbeatOf(n).String(), 1, "beat")
	a.Disconnect(0)
	w.awaitMetric(t, "panics_total", 3) // connected, message, disconnected

	w.auth.edit(func(d *doorkeeper) { d.check = func(Credentials) { panic("planted") } })
	if _, err := w.dial(t, "any"); !errors.Is(err, unavailable) {
		t.Errorf("a broken Authorizer answers %v", err)
	}
	w.awaitMetric(t, "panics_total", 4)
}

func TestPanicInCanReadDenies(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Authorizer = panickyReader{o.Authorizer.(*doorkeeper)} })
	c := w.person(t)
	if got := c.subscribe(t, "lormas/v1/events", 0); got != 0x80 {
		t.Errorf("SUBACK %#x", got)
	}
}

type panickyReader struct{ *doorkeeper }

func (panickyReader) CanRead(Identity, wire.Topic) bool { panic("planted") }

// TestRetainedMessagesDoNotAge: mochi forgets them after a day if let.
func TestRetainedMessagesDoNotAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{Authorizer: newDoorkeeper(), Handler: &recorder{}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		health := wire.OfNode(wire.NodeHealth, newNode())
		if err := b.Publish(health, []byte("well")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Hour)
		if _, ok := b.server.Topics.Retained.Get(health.String()); !ok {
			t.Error("forgotten after a day")
		}
		if err := b.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestCredentialEndsWithItsTime runs on a clock of its own: the hour passes
// at once.
func TestCredentialEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth, handler := newDoorkeeper(), &recorder{}
		b, err := New(Options{Authorizer: auth, Handler: handler, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		n := newNode()
		password := auth.admit(Identity{Node: n, ExpiresAt: time.Now().Add(time.Hour)})
		here, there := net.Pipe()
		go b.serve("pipe", there)
		write(here, connectPacket(t, AgentClientID(n), password, func(pk *packets.Packet) { pk.Connect.Keepalive = 0 }))
		if code := readConnack(t, here); code != 0 {
			t.Fatalf("CONNACK %d", code)
		}
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if !b.Connected(n) {
			t.Fatal("cut too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if b.Connected(n) || handler.count("disconnected "+n.String()+" 1: "+ErrExpired.Error()) != 1 {
			t.Errorf("still there after its time: %q", handler.heard())
		}
		late := auth.admit(Identity{Node: n, ExpiresAt: time.Now().Add(-time.Second)})
		here, there = net.Pipe()
		go b.serve("pipe", there)
		write(here, connectPacket(t, AgentClientID(n), late))
		if code := readConnack(t, here); code != 5 {
			t.Errorf("CONNACK %d for an expired credential", code)
		}
		if err := b.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestLogsHoldNoPayloadsAndNoTokens drives the paths on which mochi logs
// whole packets.
func TestLogsHoldNoPayloadsAndNoTokens(t *testing.T) {
	const planted = "hunter2-planted"
	w := newWorld(t)
	n := newNode()

	c := w.raw(t) // a second CONNECT within the session
	write(c, connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n})))
	readConnack(t, c)
	write(c, connectPacket(t, AgentClientID(n), planted))
	awaitClosed(t, c)

	p := w.person(t) // a denied publication with QoS 1
	p.Publish("lormas/v1/events", 1, false, planted)
	p.awaitLost(t)

	if _, err := w.dial(t, planted); err == nil {
		t.Error("a wrong password was let in")
	}
	eventually(t, "mochi has logged", func() bool { return strings.Count(w.log.String(), "error processing packet") == 2 })
	for how, rendered := range map[string]string{
		"plainly":   planted,
		"as bytes":  strings.Trim(fmt.Sprint([]byte(planted)), "[]"),
		"as base64": base64.StdEncoding.EncodeToString([]byte(planted)),
	} {
		if strings.Contains(w.log.String(), rendered) {
			t.Errorf("the log holds the secret %s:\n%s", how, w.log)
		}
	}
}
