package broker

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// connection is one client's socket, with its deadlines, and who is at the
// other end. mochi carries it around as the client's net.Conn, so nothing
// has to be looked up in a side table that could leak.
type connection struct {
	net.Conn          // what MQTT is spoken over
	raw      net.Conn // the socket below; closing it never blocks, a TLS goodbye may
	info     ConnInfo
	limits   Limits
	done     chan struct{} // closed when nothing of the connection is left

	reason   atomic.Pointer[error] // why we ended it; the first one stays
	silenced atomic.Bool           // its will must not be published
	warned   atomic.Bool           // a denied action was logged

	writing sync.Mutex // held during a write
	closed  bool       // guarded by writing; the socket may be another's now

	// Written before the session is established, constant afterwards.
	who      Identity
	admitted bool
	clientID string
	client   *mqtt.Client
	expiry   *time.Timer

	// Of the reading goroutine only.
	head      packetHead
	announced bool            // the Handler knows of it
	published wire.Topic      // of the packet in work
	publishOK bool            // whether it may be published
	told      map[uint64]bool // denials that were told of
}

func newConnection(c net.Conn, info ConnInfo, limits Limits) *connection {
	conn := &connection{Conn: c, raw: socketOf(c), info: info, limits: limits, done: make(chan struct{})}
	conn.head.limit = limits.MaxConnect
	_ = conn.SetDeadline(info.At.Add(limits.ConnectDeadline)) // a closed socket tells on read
	return conn
}

// connectionOf finds the connection of a client; the controller's own inline
// client has none.
func connectionOf(cl *mqtt.Client) (*connection, bool) {
	c, ok := cl.Net.Conn.(*connection)
	return c, ok
}

// stop ends the connection at once. Only the socket is closed, and the
// reading goroutine finds out: a client told to stop by mochi's own Stop
// while it works on a packet counts as having said goodbye, and its will is
// never sent.
func (c *connection) stop(reason error) {
	c.reason.CompareAndSwap(nil, &reason)
	_ = c.raw.Close()
}

// stopped is why the connection was ended by us, if it was.
func (c *connection) stopped() error {
	if r := c.reason.Load(); r != nil {
		return *r
	}
	return nil
}

// Read bounds the first packet before anybody makes room for it.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.head.tooLong(p[:n]) {
		return 0, packets.ErrPacketTooLarge
	}
	return n, err
}

// Write gives up on a client that takes nothing: whoever writes to it holds
// a lock that other publishers wait for.
func (c *connection) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	_ = c.Conn.SetWriteDeadline(time.Now().Add(c.limits.WriteTimeout)) // as in newConnection
	n, err := c.Conn.Write(p)
	if err != nil {
		_ = c.raw.Close()
	}
	return n, err
}

// SetDeadline bounds reading only: mochi renews it with every packet that
// comes in, which must not give a stuck write more time.
func (c *connection) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// Close closes the socket without a goodbye.
func (c *connection) Close() error { return c.raw.Close() }

// seal makes later writes fail: fasthttp gives the WebSocket's buffers to
// another connection as soon as this one has returned.
func (c *connection) seal() {
	_ = c.raw.Close() // a write in work fails
	c.writing.Lock()
	defer c.writing.Unlock()
	c.closed = true
}

// socketOf digs for the socket below TLS and fasthttp, whose Close methods
// wait or do nothing.
func socketOf(c net.Conn) net.Conn {
	for {
		switch outer := c.(type) {
		case *tls.Conn:
			c = outer.NetConn()
		case interface{ UnsafeConn() net.Conn }:
			c = outer.UnsafeConn()
		case *wsConn:
			c = outer.ws.NetConn()
		default:
			return c
		}
	}
}

// packetHead watches the fixed header of the first packet go by: one byte of
// type, then the length in up to four bytes of seven bits.
type packetHead struct {
	limit  int
	seen   int
	length int
	done   bool
}

// tooLong takes the next bytes and reports whether they complete a length
// over the limit.
func (h *packetHead) tooLong(p []byte) bool {
	for _, b := range p {
		if h.done {
			break
		}
		if h.seen > 0 {
			h.length |= int(b&0x7f) << (7 * (h.seen - 1))
			h.done = b < 0x80 || h.seen == 4
		}
		h.seen++
	}
	return h.done && h.length > h.limit
}
