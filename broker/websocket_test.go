package broker

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	mqttc "github.com/eclipse/paho.mqtt.golang"
	"github.com/fasthttp/websocket"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
	"github.com/valyala/fasthttp"
)

// mount serves the broker at /mqtt of an HTTP server, beside other paths.
func (w *world) mount(t *testing.T, origins OriginPolicy) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ws := w.WebSocket(origins)
	server := &fasthttp.Server{
		ReadTimeout: patience,
		Handler: func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) != "/mqtt" {
				ctx.SetStatusCode(fasthttp.StatusNotFound)
				return
			}
			ws(ctx)
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		w.close(t)
		if err := errors.Join(server.Shutdown(), <-served); err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func overWebSocket(addr string) func(*mqttc.ClientOptions) {
	return func(o *mqttc.ClientOptions) {
		o.Servers = nil
		o.AddBroker("ws://" + addr + "/mqtt")
	}
}

func TestOriginsOfWebPages(t *testing.T) {
	w := newWorld(t)
	addr := w.mount(t, OriginPolicy{Allowed: []string{"https://dashboard.example"}})
	for _, c := range []struct {
		name     string
		origin   string
		protocol string
		status   int
	}{
		{"no browser", "", "mqtt", http.StatusSwitchingProtocols},
		{"same origin", "http://" + addr, "mqtt", http.StatusSwitchingProtocols},
		{"same origin behind TLS", "https://" + addr, "mqtt", http.StatusSwitchingProtocols},
		{"allowed", "https://dashboard.example", "mqtt", http.StatusSwitchingProtocols},
		{"allowed, but another scheme", "http://dashboard.example", "mqtt", http.StatusForbidden},
		{"another page", "https://evil.example", "mqtt", http.StatusForbidden},
		{"another page that begins like ours", "http://" + addr + ".evil.example", "mqtt", http.StatusForbidden},
		{"a sandboxed page", "null", "mqtt", http.StatusForbidden},
		{"nonsense", "http://%zz", "mqtt", http.StatusForbidden},
		{"no subprotocol", "", "", http.StatusBadRequest},
		{"another subprotocol", "", "mqttv3.1", http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			dialer := websocket.Dialer{HandshakeTimeout: patience}
			header := http.Header{}
			if c.protocol != "" {
				dialer.Subprotocols = []string{c.protocol}
			}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			conn, resp, err := dialer.Dial("ws://"+addr+"/mqtt", header)
			if resp == nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if conn != nil {
				if got := conn.Subprotocol(); got != "mqtt" {
					t.Errorf("subprotocol %q", got)
				}
				_ = conn.Close()
			}
		})
	}
	w.awaitMetric(t, "denied_total{action=origin,kind=unknown}", 5)
}

func TestPlainRequestGetsAnAnswer(t *testing.T) {
	w := newWorld(t)
	addr := w.mount(t, OriginPolicy{})
	browser := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := browser.Get("http://" + addr + "/mqtt")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestSessionOverWebSocket(t *testing.T) {
	w := newWorld(t)
	addr := w.mount(t, OriginPolicy{})
	n := newNode()
	w.auth.allow(heartbeatOf(n))
	a := w.agent(t, n, overWebSocket(addr))
	p := w.person(t, overWebSocket(addr))
	p.subscribe(t, heartbeatOf(n).String(), 0)
	large := string(make([]byte, 300_000)) // many reads, several frames on the way
	a.send(t, heartbeatOf(n).String(), 1, large)
	p.awaitMessage(t, heartbeatOf(n), large)

	// fasthttp's connection does nothing on Close: the socket must be cut.
	w.KickNode(n, errors.New("revoked"))
	a.awaitLost(t)
	p.awaitMessage(t, heartbeatOf(n), string(will(n)))
	w.KickCredential("unknown", errors.New("nobody"))
	if got := p.subscribe(t, heartbeatOf(n).String(), 0); got != 0 {
		t.Errorf("SUBACK %#x", got)
	}
}

func TestSilentWebSocketIsCut(t *testing.T) {
	w := newWorld(t, withLimits(func(l *Limits) { l.ConnectDeadline = 50 * time.Millisecond }))
	addr := w.mount(t, OriginPolicy{})
	conn := dialWS(t, addr)
	awaitClosed(t, conn.NetConn())
}

func TestTextFramesEndTheConnection(t *testing.T) {
	w := newWorld(t)
	addr := w.mount(t, OriginPolicy{})
	conn := dialWS(t, addr)
	password := w.auth.admit(Identity{User: id.New[id.UserID]()})
	if err := conn.WriteMessage(websocket.TextMessage, connectPacket(t, "x", password)); err != nil {
		t.Fatal(err)
	}
	awaitClosed(t, conn.NetConn())
	if got := w.metric(t, "connects_total{result=accepted}"); got != 0 {
		t.Error("a text frame was taken for MQTT")
	}
}

// TestPacketsAndFramesNeedNotAlign sends a CONNECT letter by letter and two
// packets in one frame.
func TestPacketsAndFramesNeedNotAlign(t *testing.T) {
	w := newWorld(t)
	addr := w.mount(t, OriginPolicy{})
	n := newNode()
	conn := dialWS(t, addr)
	for _, b := range connectPacket(t, AgentClientID(n), w.auth.admit(Identity{Node: n})) {
		if err := conn.WriteMessage(websocket.BinaryMessage, []byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	two := append(publishPacket(t, heartbeatOf(n).String(), []byte("1")), publishPacket(t, wire.OfNode(wire.NodeSync, n).String(), []byte("2"))...)
	if err := conn.WriteMessage(websocket.BinaryMessage, two); err != nil {
		t.Fatal(err)
	}
	w.handler.await(t, "message", 2)
}

func dialWS(t *testing.T, addr string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}, HandshakeTimeout: patience}
	conn, _, err := dialer.Dial("ws://"+addr+"/mqtt", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
