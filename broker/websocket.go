package broker

import (
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

// subprotocol is what MQTT over WebSocket must ask for (MQTT 3.1.1, 6).
const subprotocol = "mqtt"

// OriginPolicy says which web pages may open a connection. The page's own
// host always may; so may clients that are no browsers and send no Origin.
type OriginPolicy struct {
	Allowed []string // further origins, as "https://dashboard.example"
}

func (p OriginPolicy) allows(origin, host string) bool {
	if origin == "" || slices.Contains(p.Allowed, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// WebSocket returns a handler that turns a request into an MQTT connection.
// Mount it on the API's port:
//
//	app.Get("/mqtt", func(c *fiber.Ctx) error { ws(c.Context()); return nil })
func (b *Broker) WebSocket(origins OriginPolicy) fasthttp.RequestHandler {
	upgrader := websocket.FastHTTPUpgrader{
		ReadBufferSize:  4096,
		WriteBufferSize: 4096,
		Subprotocols:    []string{subprotocol},
		CheckOrigin:     func(*fasthttp.RequestCtx) bool { return true }, // checked below, with an answer that helps
	}
	return func(ctx *fasthttp.RequestCtx) {
		if status, message := b.checkUpgrade(ctx, origins); status != 0 {
			ctx.Error(message, status)
			return
		}
		_ = upgrader.Upgrade(ctx, func(ws *websocket.Conn) { b.serve("websocket", &wsConn{ws: ws}) }) // it has answered
	}
}

// checkUpgrade returns 0 when the request may become a connection.
func (b *Broker) checkUpgrade(ctx *fasthttp.RequestCtx, origins OriginPolicy) (status int, message string) {
	switch {
	case b.closing.Load():
		return fasthttp.StatusServiceUnavailable, "The broker is closing: try again in a moment."
	case !websocket.FastHTTPIsWebSocketUpgrade(ctx):
		return fasthttp.StatusUpgradeRequired, "This address speaks MQTT over WebSocket: connect with an MQTT client."
	case !origins.allows(string(ctx.Request.Header.Peek("Origin")), string(ctx.Host())):
		b.metrics.denied.WithLabelValues("origin", "unknown").Inc()
		return fasthttp.StatusForbidden, "This web page's origin may not connect: add it to the allowed origins."
	case !asksForMQTT(ctx):
		return fasthttp.StatusBadRequest, "The client must ask for the WebSocket subprotocol \"mqtt\"."
	}
	return 0, ""
}

func asksForMQTT(ctx *fasthttp.RequestCtx) bool {
	for offer := range strings.SplitSeq(string(ctx.Request.Header.Peek("Sec-WebSocket-Protocol")), ",") {
		if strings.TrimSpace(offer) == subprotocol {
			return true
		}
	}
	return false
}

var errTextFrame = errors.New("MQTT over WebSocket comes in binary frames only")

// wsConn makes a stream of the binary frames of a WebSocket.
type wsConn struct {
	ws    *websocket.Conn
	frame io.Reader // the rest of the frame in work; nil between frames
}

// Read returns what there is of the current frame, or of the next one.
func (c *wsConn) Read(p []byte) (int, error) {
	for {
		if c.frame == nil {
			kind, frame, err := c.ws.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errTextFrame
			}
			c.frame = frame
		}
		n, err := c.frame.Read(p)
		if errors.Is(err, io.EOF) {
			c.frame, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Write sends p as one frame.
func (c *wsConn) Write(p []byte) (int, error) {
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *wsConn) Close() error                       { return c.ws.Close() }
func (c *wsConn) LocalAddr() net.Addr                { return c.ws.LocalAddr() }
func (c *wsConn) RemoteAddr() net.Addr               { return c.ws.RemoteAddr() }
func (c *wsConn) SetReadDeadline(t time.Time) error  { return c.ws.SetReadDeadline(t) }
func (c *wsConn) SetWriteDeadline(t time.Time) error { return c.ws.SetWriteDeadline(t) }

func (c *wsConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
