package authz

import (
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

// TopicVerb is the permission that reading a kind of topic needs. A test
// holds it against every row of wire.Rules.
func TopicVerb(kind wire.Kind) fleet.Verb {
	switch kind {
	case wire.NodeHeartbeat:
		return fleet.NodeView
	case wire.NodeHealth:
		return fleet.NodeHealthView
	case wire.NodeDesired, wire.NodeCommands: // both hold environments
		return fleet.NodeDesiredView
	case wire.NodeLease, wire.NodeSync, wire.NodeEvents:
		return fleet.NodeWireView
	case wire.ContainerLogs:
		return fleet.ContainerLogs
	case wire.ContainerStats, wire.NodeUsage:
		return fleet.ContainerStats
	case wire.ContainerState, wire.ContainerEvents:
		return fleet.ContainerView
	case wire.FleetEvents:
		return fleet.EventsView
	}
	return ""
}

// Places knows where nodes and containers stand. It answers from memory: it
// is asked on every delivery to somebody whose grants are scoped.
type Places interface {
	// PlaceOf is the target that a topic is about; false where the thing is
	// unknown or gone.
	PlaceOf(topic wire.Topic) (Target, bool)
}
