package app

import (
	"errors"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/intake"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/uplink"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// outlet is where messages leave the controller, for those that the broker
// itself needs: its handler publishes through it. It is filled in before
// anything runs.
type outlet struct {
	broker *broker.Broker
	uplink *uplink.Uplink // nil: agents come to our own broker
	nodes  *liveness.Registry
}

// Publish implements the Publishers of the rooms. What agents are told has
// left when the broker has it that they come to; people hear it here as well.
func (o *outlet) Publish(t wire.Topic, payload []byte) error {
	err := o.broker.Publish(t, payload)
	if o.uplink == nil {
		return err
	}
	return o.away(t, o.uplink.Publish(t, payload))
}

// ClearRetained implements live.Publisher.
func (o *outlet) ClearRetained(t wire.Topic) error {
	err := o.broker.ClearRetained(t)
	if o.uplink == nil {
		return err
	}
	return o.away(t, o.uplink.ClearRetained(t))
}

// away forgives that people elsewhere miss news while a broker is away.
func (o *outlet) away(t wire.Topic, err error) error {
	if errors.Is(err, uplink.ErrAway) && !t.Rule().ToAgent {
		return nil
	}
	return err
}

// relay shows people what an agent has published elsewhere.
func (o *outlet) relay(t wire.Topic, payload []byte) {
	_ = o.broker.Relay(t, payload) // as with a client that is slow
}

// lease sends a lease. One that is lost is a heartbeat sent again.
func (o *outlet) lease(node id.NodeID, l wire.Lease) {
	_ = o.Publish(wire.OfNode(wire.NodeLease, node), wire.Encode(l))
}

// KickNode implements actions.Kicker. A node that was deleted has no end of
// a state to be recorded, so it is looked up again.
func (o *outlet) KickNode(node id.NodeID, reason error) {
	o.broker.KickNode(node, intake.Cut{Reason: reason})
	if o.uplink != nil {
		o.uplink.KickNode(node, intake.Cut{Reason: reason})
	}
	o.nodes.Recheck(node)
}
