package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lormas/lormas/shared/wire"
	"github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// maxWill bounds the last will, which is kept for the whole session.
const maxWill = 512

var (
	errThrottled = fmt.Errorf("too many clients connect at once: %w", ErrUnavailable)
	errIdentity  = errors.New("the Authorizer named neither exactly a node nor exactly a person")
	errClientID  = errors.New("an agent's client id must be its node id")
	errWill      = errors.New("a will must be an offline heartbeat of at most 512 bytes on the node's own heartbeat topic, and people may have none")
)

// plainConnect takes out of a CONNECT what we never grant: a session that
// outlives its connection, a will that comes late, and topic aliases, which
// break when the message that introduces one is dropped.
func plainConnect(pk packets.Packet) packets.Packet {
	pk.Connect.Clean = true
	pk.Properties.SessionExpiryInterval = 0
	pk.Properties.TopicAliasMaximum = 0
	pk.Connect.WillProperties = packets.Properties{}
	return pk
}

// admit decides on a CONNECT and gives the connection its identity and its
// client id.
func (b *Broker) admit(c *connection, cl *mqtt.Client, pk packets.Packet) error {
	if b.closing.Load() {
		return errClosing
	}
	if !b.arrivals.Allow() {
		return errThrottled
	}
	who, err := b.authenticate(Credentials{
		ClientID:   pk.Connect.ClientIdentifier,
		Username:   string(pk.Connect.Username),
		Password:   string(pk.Connect.Password),
		RemoteAddr: c.info.RemoteAddr,
	})
	if err != nil {
		return err
	}
	if who.Node.IsZero() == who.User.IsZero() {
		return errIdentity
	}
	if err := b.registry.identify(c, who); err != nil {
		return err
	}
	if err := checkConnect(who, pk.Connect); err != nil {
		return err
	}
	if err := b.startExpiry(c); err != nil {
		return err
	}
	cl.ID = sessionID(who, cl.ID)
	return b.registry.claim(c, cl.ID, b.limits.TakeoverWait)
}

// authenticate asks the Authorizer, who may take as long as a CONNECT may.
func (b *Broker) authenticate(cred Credentials) (who Identity, err error) {
	ctx, cancel := context.WithTimeout(b.life, b.limits.ConnectDeadline)
	defer cancel()
	err = ErrUnavailable // stays when the call panics
	b.guarded("Authenticate", func() { who, err = b.options.Authorizer.Authenticate(ctx, cred) })
	if ctx.Err() != nil && err != nil {
		err = errors.Join(err, ErrUnavailable)
	}
	return who, err
}

// checkConnect holds the claims of a CONNECT against the identity.
func checkConnect(who Identity, cp packets.ConnectParams) error {
	if who.IsAgent() && cp.ClientIdentifier != AgentClientID(who.Node) {
		return errClientID
	}
	if cp.WillFlag && !willAllowed(who, cp.WillTopic, cp.WillPayload) {
		return errWill
	}
	return nil
}

// willAllowed checks a will where it is made: mochi publishes wills without
// asking again, on any topic.
func willAllowed(who Identity, topic string, payload []byte) bool {
	if !who.IsAgent() || topic != wire.OfNode(wire.NodeHeartbeat, who.Node).String() || len(payload) > maxWill {
		return false
	}
	hb, err := wire.Decode[wire.Heartbeat](payload, wire.TypeHeartbeat)
	return err == nil && hb.Status == wire.Offline && hb.NodeID == who.Node
}

// sessionID is the client id under which the session is kept. People's ids
// are their own choice, so they live in a space of their own per person:
// nobody can take over the session of a node or of somebody else.
func sessionID(who Identity, clientID string) string {
	if who.IsAgent() {
		return AgentClientID(who.Node)
	}
	return "user/" + who.User.String() + "/" + clientID
}

// startExpiry cuts the connection when its credential ends.
func (b *Broker) startExpiry(c *connection) error {
	if c.who.ExpiresAt.IsZero() {
		return nil
	}
	left := time.Until(c.who.ExpiresAt)
	if left <= 0 {
		return ErrExpired
	}
	c.expiry = time.AfterFunc(left, func() { c.stop(ErrExpired) })
	return nil
}

const resultRefused = "refused"

// connack is the answer to a refused CONNECT. ErrNotAuthorized is not among
// them: mochi sends it to 3.1.1 clients with a code that paho takes for success.
func connack(err error) (code packets.Code, result string) {
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, errClosing):
		return packets.ErrServerUnavailable, "unavailable"
	case errors.Is(err, errClientID):
		return packets.ErrClientIdentifierNotValid, resultRefused
	default:
		return packets.ErrBadUsernameOrPassword, resultRefused
	}
}
