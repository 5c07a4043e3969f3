package broker

import (
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// refusalLogInterval is how often refused connections are logged when many
// come: the metric has them all.
const refusalLogInterval = time.Second

// errBroken is the end of a connection whose packet made mochi panic.
var errBroken = errors.New("the broker stumbled over a packet of the client")

// serve speaks MQTT with one client until it is gone.
func (b *Broker) serve(listenerID string, nc net.Conn) {
	c := newConnection(nc, ConnInfo{
		ConnID:     b.connIDs.Add(1),
		RemoteAddr: nc.RemoteAddr().String(),
		At:         time.Now(),
	}, b.limits)
	if !b.registry.add(c) {
		_ = c.Close() // the broker is closing
		return
	}
	b.finish(c, b.establish(listenerID, c))
}

func (b *Broker) establish(listenerID string, c *connection) (err error) {
	err = errBroken // stays when a packet makes mochi panic
	b.guarded("the connection", func() { err = b.server.EstablishConnection(listenerID, c) })
	return err
}

// established announces the connection.
func (b *Broker) established(c *connection, cl *mqtt.Client) {
	b.registry.establish(c, cl)
	b.metrics.connects.WithLabelValues("accepted").Inc()
	b.metrics.connections.WithLabelValues(c.who.kind()).Inc()
	b.notice(Notice{ConnInfo: c.info, Event: Admitted, Who: c.who})
	b.log.Debug("client connected", "kind", c.who.kind(), "name", c.who.Name, "remote", c.info.RemoteAddr, "conn", c.info.ConnID)
	if !c.who.IsAgent() || b.closing.Load() {
		return
	}
	c.announced = true
	b.guarded("AgentConnected", func() { b.options.Handler.AgentConnected(c.who.Node, c.info) })
}

// received hands a message of an agent to the controller.
func (b *Broker) received(c *connection, payload []byte) {
	b.metrics.received.Inc()
	b.guarded("Message", func() {
		b.options.Handler.Message(c.who.Node, c.info.ConnID, c.published, payload)
	})
}

// finish leaves no trace of a connection, whichever way it ended: mochi
// skips its own hook when the end comes before the session.
func (b *Broker) finish(c *connection, err error) {
	defer b.registry.release(c)
	c.seal()
	if c.expiry != nil {
		c.expiry.Stop()
	}
	if cl, ok := b.server.Clients.Get(c.clientID); ok && cl.Net.Conn == net.Conn(c) {
		b.server.UnsubscribeClient(cl)
		b.server.Clients.Delete(c.clientID)
	}
	b.watch.drop(c)
	if errors.Is(err, packets.ErrPacketTooLarge) {
		b.denied(c, "oversize", "a packet over the limit")
	}
	if reason := c.stopped(); reason != nil {
		err = reason
	}
	if c.client != nil {
		b.metrics.connections.WithLabelValues(c.who.kind()).Dec()
		b.log.Debug("client gone", "kind", c.who.kind(), "name", c.who.Name, "conn", c.info.ConnID, "reason", err)
	}
	if c.announced && !b.closing.Load() {
		b.guarded("AgentDisconnected", func() { b.options.Handler.AgentDisconnected(c.who.Node, c.info, err) })
	}
}

// denied counts a breach of the rules, and logs the first of a connection.
func (b *Broker) denied(c *connection, action, what string) {
	kind := "unknown"
	if c.admitted {
		kind = c.who.kind()
	}
	b.metrics.denied.WithLabelValues(action, kind).Inc()
	b.noticeDenied(c, action, what)
	if c.warned.CompareAndSwap(false, true) {
		b.log.Warn("client was denied", "action", action, "what", fmt.Sprintf("%.200q", what),
			"kind", kind, "name", c.who.Name, "remote", c.info.RemoteAddr)
	}
}

// refused counts a CONNECT that was not let in.
func (b *Broker) refused(c *connection, username, result string, err error) {
	b.metrics.connects.WithLabelValues(result).Inc()
	if result == resultRefused {
		b.notice(Notice{ConnInfo: c.info, Event: Refused, Who: c.who, Username: username, Err: err})
	}
	b.refusals.Do(func() {
		b.log.Warn("client was refused", "remote", c.info.RemoteAddr, "name", c.who.Name, "reason", err)
	})
}

func (b *Broker) panicked(what string, p any) {
	b.metrics.panics.Inc()
	b.log.Error("panic caught", "in", what, "panic", fmt.Sprintf("%.200v", p), "stack", string(debug.Stack()))
}
