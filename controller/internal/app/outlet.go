package app

import (
	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/intake"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// outlet is the broker for those that the broker itself needs: its handler
// publishes through it. It is filled in before anything runs.
type outlet struct {
	broker *broker.Broker
	nodes  *liveness.Registry
}

func (o *outlet) Publish(t wire.Topic, payload []byte) error { return o.broker.Publish(t, payload) }
func (o *outlet) ClearRetained(t wire.Topic) error           { return o.broker.ClearRetained(t) }

// lease sends a lease. One that is lost is a heartbeat sent again.
func (o *outlet) lease(node id.NodeID, l wire.Lease) {
	_ = o.broker.Publish(wire.OfNode(wire.NodeLease, node), wire.Encode(l))
}

// KickNode implements actions.Kicker. A node that was deleted has no end of
// a state to be recorded, so it is looked up again.
func (o *outlet) KickNode(node id.NodeID, reason error) {
	o.broker.KickNode(node, intake.Cut{Reason: reason})
	o.nodes.Recheck(node)
}
