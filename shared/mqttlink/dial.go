package mqttlink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// dialNetwork opens a connection as the scheme of the server wants it.
func (o *Options) dialNetwork(ctx context.Context, server *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.ConnectTimeout)
	defer cancel()
	switch server.Scheme {
	case "tls", "ssl", "mqtts":
		dialer := tls.Dialer{Config: o.TLS}
		return dialer.DialContext(ctx, "tcp", server.Host)
	case "ws", "wss":
		conn, err := mqtt.NewWebsocket(server.String(), o.TLS, o.ConnectTimeout, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("open a websocket: %w", err)
		}
		return conn, nil
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", server.Host)
}

// cuttable is a connection that this end can break off. paho ignores the
// error of a connection closed on this side, as it then did so itself, and
// would notice only by its next ping; so the error is disguised.
type cuttable struct {
	net.Conn
	isCut atomic.Bool
}

var errCut = errors.New("broken off")

func (c *cuttable) cut() {
	c.isCut.Store(true)
	c.Conn.Close() // an error changes nothing: it is given up
}

// Read implements net.Conn.
func (c *cuttable) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	return n, c.disguise(err)
}

// Write implements net.Conn.
func (c *cuttable) Write(from []byte) (int, error) {
	n, err := c.Conn.Write(from)
	return n, c.disguise(err)
}

func (c *cuttable) disguise(err error) error {
	if err != nil && c.isCut.Load() {
		return errCut
	}
	return err
}
