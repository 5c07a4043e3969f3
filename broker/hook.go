package broker

import (
	"slices"

	"github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// hook is where mochi asks us. Its methods run on the goroutine that reads
// from the client, but for OnACLCheck with write false and OnPublishDropped,
// which run on that of whoever publishes.
type hook struct {
	mqtt.HookBase
	b *Broker
}

// ID names the hook in mochi's log.
func (h *hook) ID() string { return "lormas" }

// Provides lists the methods below.
func (h *hook) Provides(method byte) bool {
	return slices.Contains([]byte{
		mqtt.OnPacketRead, mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnSessionEstablished,
		mqtt.OnACLCheck, mqtt.OnSubscribe, mqtt.OnSubscribed, mqtt.OnUnsubscribed,
		mqtt.OnPublish, mqtt.OnPublishDropped, mqtt.OnWill,
	}, method)
}

// OnPacketRead sees every packet first. ErrRejectPacket makes mochi close
// the connection and publish the will.
func (h *hook) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c, ok := connectionOf(cl)
	if !ok || c.stopped() != nil {
		return pk, packets.ErrRejectPacket // the rest of its buffer
	}
	switch pk.FixedHeader.Type {
	case packets.Connect:
		return plainConnect(pk), nil
	case packets.Publish:
		return pk, h.checkPublish(c, pk.TopicName)
	}
	return pk, nil
}

// checkPublish decides on a publication before mochi looks at it, as mochi
// drops some bad topics without asking. An agent that publishes where it may
// not has a bug or is an attack, and is cut; people are only not heard.
func (h *hook) checkPublish(c *connection, topic string) error {
	c.published, c.publishOK = mayPublish(c.who, topic)
	if c.publishOK {
		return nil
	}
	h.b.denied(c, "publish", topic)
	if !c.who.IsAgent() {
		return nil
	}
	c.stop(ErrDenied)
	return packets.ErrRejectPacket
}

// OnConnect lets the client in or answers with the code that fits.
func (h *hook) OnConnect(cl *mqtt.Client, pk packets.Packet) error {
	c, ok := connectionOf(cl)
	if !ok {
		return packets.ErrServerUnavailable
	}
	err := h.b.admit(c, cl, pk)
	if err == nil {
		return nil
	}
	code, result := connack(err)
	h.b.refused(c, string(pk.Connect.Username), result, err)
	_ = h.b.server.SendConnack(cl, code, false, nil) // the connection ends either way
	return code
}

// OnConnectAuthenticate follows OnConnect, which has decided.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	c, ok := connectionOf(cl)
	return ok && c.admitted
}

// OnSessionEstablished comes after CONNACK was sent.
func (h *hook) OnSessionEstablished(cl *mqtt.Client, _ packets.Packet) {
	if c, ok := connectionOf(cl); ok {
		h.b.established(c, cl)
	}
}

// OnACLCheck is asked on every publication, every filter of a subscription
// and every delivery.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	c, ok := connectionOf(cl)
	if !ok {
		return false
	}
	if write {
		return c.publishOK
	}
	return h.b.mayReceive(c, topic)
}

// OnSubscribe grants people QoS 0 only: a slow dashboard with QoS 1 holds up
// whoever publishes to it.
func (h *hook) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c, ok := connectionOf(cl)
	if !ok {
		return pk
	}
	if cl.State.Subscriptions.Len()+len(pk.Filters) > h.b.limits.MaxSubscriptions {
		h.b.denied(c, "subscribe", "one more than the limit")
		c.stop(ErrQuota)
		return packets.Packet{FixedHeader: pk.FixedHeader, PacketID: pk.PacketID}
	}
	for i := range pk.Filters {
		if !h.b.mayReceive(c, pk.Filters[i].Filter) {
			h.b.denied(c, "subscribe", pk.Filters[i].Filter)
		}
		if !c.who.IsAgent() {
			pk.Filters[i].Qos = 0
		}
	}
	return pk
}

// OnSubscribed counts the watchers of logs and stats.
func (h *hook) OnSubscribed(cl *mqtt.Client, pk packets.Packet, codes []byte) {
	c, ok := connectionOf(cl)
	if !ok || c.who.IsAgent() {
		return
	}
	for i, sub := range pk.Filters {
		if codes[i] < packets.ErrUnspecifiedError.Code {
			h.b.watch.add(c, sub.Filter)
		}
	}
}

// OnUnsubscribed also follows the end of a connection.
func (h *hook) OnUnsubscribed(cl *mqtt.Client, pk packets.Packet) {
	c, ok := connectionOf(cl)
	if !ok {
		return
	}
	for _, sub := range pk.Filters {
		h.b.watch.remove(c, sub.Filter)
	}
}

// OnPublish hands what an agent sent to the controller, before it is
// acknowledged. Whether it is retained is the topic's rule, not the agent's.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c, ok := connectionOf(cl)
	if !ok {
		return pk, nil // the controller's own
	}
	if h.b.closing.Load() {
		return pk, packets.ErrRejectPacket // not acknowledged: it comes again
	}
	pk.FixedHeader.Retain = c.published.Rule().Retained
	h.b.received(c, pk.Payload)
	return pk, nil
}

// OnPublishDropped counts what a slow client did not get.
func (h *hook) OnPublishDropped(*mqtt.Client, packets.Packet) { h.b.metrics.slowClient.Inc() }

// OnWill publishes nothing for a connection that was taken over: its will
// would speak of the newer one. A will on the topic "" reaches nobody.
func (h *hook) OnWill(cl *mqtt.Client, will mqtt.Will) (mqtt.Will, error) {
	c, ok := connectionOf(cl)
	if !ok || c.silenced.Load() {
		return mqtt.Will{}, nil
	}
	will.Retain = true // as the rule of the heartbeat says
	return will, nil
}
