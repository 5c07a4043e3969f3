package actions

import (
	"context"
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// FleetView is the fleet as a whole, as the controller sees it now.
type FleetView struct {
	Held   bool   // no node is declared lost, so that nothing moves by itself
	Kind   string // of the gravest hold
	Reason string // in words for people, with the way out
	Since  time.Time
	Holds  []Hold

	Joined      int // nodes that an agent ever was on
	Talking     int
	Silent      int // not given up
	Lost        int
	Quarantined int
	GraceUntil  time.Time // no node is declared lost before; zero: no grace runs
	Authority   bool      // this controller leases and decides
	Open        bool      // all gates are: what is silent for its whole window, and has no grace, is declared lost
	Term        int64
}

// Hold is one of the reasons why nothing is declared lost.
type Hold struct {
	Kind    string
	Cluster id.ClusterID // where it holds one cluster only
	Reason  string
	Since   time.Time
}

// FleetReport is the view, with what Postgres keeps.
type FleetReport struct {
	FleetView
	Operator    store.FleetState
	Regressions []store.Regression
}

var theFleet = subject{kind: "fleet", name: "fleet", target: authz.Everything}

// Fleet shows whether failovers are held, and why.
func (s *Service) Fleet(ctx context.Context, actor authz.Actor) (FleetReport, error) {
	if err := s.check(ctx, actor, fleet.FleetView, theFleet); err != nil {
		return FleetReport{}, err
	}
	said, err := s.Store.FleetState(ctx)
	if err != nil {
		return FleetReport{}, err
	}
	regressed, err := s.Store.Regressions(ctx)
	return FleetReport{s.Warden.Fleet(), said, regressed}, err
}

// HoldFleet keeps every node from being declared lost until ReleaseFleet, also
// over a restart of the controller.
func (s *Service) HoldFleet(ctx context.Context, actor authz.Actor, reason string) (FleetReport, error) {
	if err := s.check(ctx, actor, fleet.FleetHold, theFleet); err != nil {
		return FleetReport{}, err
	}
	var f faults
	if f.reason(reason); len(f) > 0 {
		return FleetReport{}, f.err()
	}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := mayHoldFleet(ctx, tx); err != nil {
			return err
		}
		if err := tx.HoldFleet(ctx, reason, requester(actor), s.now()); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, detailed(entry(actor, fleet.FleetHold, theFleet), map[string]any{"reason": reason}))
	})
	if err != nil {
		return FleetReport{}, fmt.Errorf("hold fleet: %w", err)
	}
	s.Warden.Hold(reason)
	return s.report(ctx)
}

// mayHoldFleet refuses to hold twice: the reason of the first would be lost.
func mayHoldFleet(ctx context.Context, tx *store.Tx) error {
	said, err := tx.FleetState(ctx)
	if err != nil || !said.Held {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "the fleet is held already, since %s%s: end that with POST /api/v1/fleet/release before you hold it for another reason",
		said.ChangedAt.UTC().Format(time.RFC3339), because(said.Reason))
}

// mayReleaseFleet refuses to release what nothing holds: whoever asks for it takes
// the fleet for another than it is.
func (s *Service) mayReleaseFleet(ctx context.Context, tx *store.Tx, regressed int) error {
	said, err := tx.FleetState(ctx)
	if err != nil {
		return err
	}
	if now := s.Warden.Fleet(); said.Held || regressed > 0 || now.Held || len(now.Holds) > 0 {
		return nil
	}
	return fleet.Errorf(fleet.Conflict, "nothing is held, so there is nothing to release (GET /api/v1/fleet shows how the fleet is)")
}

// ReleaseFleet ends holds: one of an operator, that of the silence there is,
// and that of a truth which was restored from a backup. The epochs that
// agents know better are taken over by that, so that nothing is started under
// an old one.
func (s *Service) ReleaseFleet(ctx context.Context, actor authz.Actor) (FleetReport, error) {
	if err := s.check(ctx, actor, fleet.FleetRelease, theFleet); err != nil {
		return FleetReport{}, err
	}
	var revs map[id.NodeID]int64
	err := s.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		settled, err := tx.Regressions(ctx)
		if err != nil {
			return err
		}
		if err := s.mayReleaseFleet(ctx, tx, len(settled)); err != nil {
			return err
		}
		if err := tx.ReleaseFleet(ctx, "", requester(actor), s.now()); err != nil {
			return err
		}
		if revs, err = tx.SettleRegressions(ctx); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, detailed(entry(actor, fleet.FleetRelease, theFleet), map[string]any{"regressions": len(settled)}))
	})
	if err != nil {
		return FleetReport{}, fmt.Errorf("release fleet: %w", err)
	}
	s.Warden.Release()
	s.wakeAll(revs)
	return s.report(ctx)
}

// report is Fleet for somebody who has just changed it.
func (s *Service) report(ctx context.Context) (FleetReport, error) {
	said, err := s.Store.FleetState(ctx)
	return FleetReport{FleetView: s.Warden.Fleet(), Operator: said}, err
}

// ConfirmDead takes a person's word that a silent node does not run: what was
// on it moves at once, without waiting for its window or its leases. The word
// is in the audit trail before anything is done.
func (s *Service) ConfirmDead(ctx context.Context, actor authz.Actor, node id.NodeID, reason string) (fleet.Node, error) {
	n, err := s.nodeFor(ctx, actor, fleet.NodeConfirmDead, node)
	if err != nil {
		return n, err
	}
	var f faults
	if f.reason(reason); len(f) > 0 {
		return n, f.err()
	}
	if err := mayBeDead(n); err != nil {
		return n, err
	}
	word := detailed(entry(actor, fleet.NodeConfirmDead, ofNode(n)), map[string]any{"reason": reason, "state": n.Health.State})
	if err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.InsertAudit(ctx, word) }); err != nil {
		return n, fmt.Errorf("confirm dead: %w", err)
	}
	if err := s.Warden.ConfirmDead(node); err != nil {
		s.recordFailed(ctx, word, err)
		return n, err
	}
	s.WakeMigrator()
	return s.Store.Node(ctx, node)
}

// mayBeDead refuses what Postgres knows to be wrong; the Warden knows better
// still.
func mayBeDead(n fleet.Node) error {
	switch n.Health.State {
	case fleet.NodeHealthy, fleet.NodeReturning:
		return fleet.Errorf(fleet.Conflict, "node %s is %s (%s), so it is not dead: to empty a node that runs, drain it with POST /api/v1/nodes/%s/drain",
			n.Name, n.Health.State, n.Health.Reason, n.ID)
	case fleet.NodeJoining:
		return fleet.Errorf(fleet.Conflict, "node %s has never joined, so nothing runs there: delete its containers, or start its agent", n.Name)
	case fleet.NodeSuspect, fleet.NodeUnhealthy:
	}
	return nil
}

// recordFailed notes that what was allowed did not work out.
func (s *Service) recordFailed(ctx context.Context, e fleet.AuditEntry, why error) {
	e.Outcome, e.Reason = fleet.OutcomeFailed, why.Error()
	if err := s.Store.InTx(ctx, func(tx *store.Tx) error { return tx.InsertAudit(ctx, e) }); err != nil {
		s.Log.ErrorContext(ctx, "audit entry of a failed verb is lost", "verb", e.Verb, "error", err)
	}
}
