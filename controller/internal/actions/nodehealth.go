package actions

import (
	"context"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// Outlook is what becomes of a node if nothing is heard of it, as the
// controller that decides sees it now.
type Outlook struct {
	Window     time.Duration   // of silence, as it counts now: longer while it is quarantined, or old leases may run
	LastSeen   time.Time       // silence is counted from here
	GraceUntil time.Time       // it is not declared lost before
	Next       fleet.NodeState // "": it stays what it is
	At         time.Time       // of Next, at the earliest
	Held       string          // why Next waits longer, or ""
}

// HealthReport is all that there is to say of a node's health.
type HealthReport struct {
	Node        fleet.Node
	Outlook     *Outlook // nil: this controller has not heard of it
	Profile     lease.Profile
	Transitions []store.Transition // newest first
}

// shownTransitions is how many of a node's steps are shown.
const shownTransitions = 50

// NodeHealth shows how a node is, how it came to that, and what comes next.
func (s *Service) NodeHealth(ctx context.Context, actor authz.Actor, node id.NodeID) (HealthReport, error) {
	n, err := s.nodeFor(ctx, actor, fleet.NodeHealthView, node)
	if err != nil {
		return HealthReport{}, err
	}
	out := HealthReport{Node: n}
	if out.Profile, err = s.profileOf(n); err != nil {
		return HealthReport{}, err
	}
	if o, ok := s.Warden.Outlook(node); ok {
		out.Outlook = &o
	}
	out.Transitions, err = s.Store.NodeTransitions(ctx, node, shownTransitions)
	return out, err
}
