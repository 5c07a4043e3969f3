package liveness

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// Overdue is why the node would be declared lost now if the gates let it, or
// "". A grace keeps it from that.
func (n Node) Overdue(now time.Time) string {
	if now.Before(n.GraceUntil) {
		return ""
	}
	silence := n.Silence(now)
	switch n.State {
	case fleet.NodeSuspect:
		if silence > n.Window(now) {
			return silent(silence) + n.connection()
		}
	case fleet.NodeReturning:
		catchUp := n.Pace.Watch(now).CatchUp
		switch {
		case silence > n.Window(now):
			return silent(silence) + n.connection()
		case !n.Seized && now.Sub(n.Since) > catchUp:
			return fmt.Sprintf("did not catch up within %s: see the agent's log", catchUp)
		}
	case fleet.NodeJoining, fleet.NodeHealthy, fleet.NodeUnhealthy:
	}
	return ""
}

func silent(silence time.Duration) string {
	return fmt.Sprintf("no heartbeat for %s", roundly(silence))
}

// roundly writes a duration as people say it.
func roundly(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}

func (n Node) connection() string {
	if n.Link.Conn != 0 {
		return "; its connection is open, but nothing comes"
	}
	return "; its connection is gone"
}

// idle reports that a tick changes nothing, cheaply: most nodes are well.
func (n *Node) idle(now time.Time) bool {
	if !n.Twin.Until.IsZero() || n.Flaps.Quarantined {
		return false
	}
	switch n.State {
	case fleet.NodeJoining, fleet.NodeUnhealthy:
		return true
	case fleet.NodeHealthy:
		return n.Silence(now) <= n.Pace.Watch(now).Suspect
	case fleet.NodeSuspect, fleet.NodeReturning:
	}
	return false
}

func (s *step) tick(e Tick) {
	if silence := s.node.Silence(s.now); s.node.State == fleet.NodeHealthy && silence > s.node.Pace.Watch(s.now).Suspect {
		s.become(fleet.NodeSuspect, silent(silence))
	}
	if e.Open {
		if reason := s.node.Overdue(s.now); reason != "" {
			s.flap(penaltyLost)
			s.become(fleet.NodeUnhealthy, reason)
		}
	}
	if !s.node.Twin.Until.IsZero() && s.now.After(s.node.Twin.Until) {
		s.node.Twin = Twin{}
		s.remarkAgain()
	}
	if s.node.Flaps.Released(s.now) {
		s.node.Flaps.Quarantined = false
		s.remarkAgain()
		s.again() // the release is to be recorded, whatever the state
	}
}

// flap charges the node for coming and going.
func (s *step) flap(points float64) { s.node.Flaps = s.node.Flaps.Add(points, s.now) }

// forgiven ends a quarantine at once. It shortens no window below the one that
// leases promise.
func (s *step) forgiven() {
	if s.node.Flaps == (Flaps{}) {
		return
	}
	s.node.Flaps = Flaps{}
	s.remarkAgain()
	s.again()
}

const quarantined = "it comes and goes too often: nothing new is given to it until it was steady for a while, or an operator uncordons it"

// remark is what there is to say of a node that is well.
func (s *step) remark() string {
	if s.node.Twin.Reason != "" {
		return s.node.Twin.Reason
	}
	if s.node.Flaps.Quarantined {
		return quarantined
	}
	return ""
}

func (s *step) remarkAgain() {
	if s.node.State == fleet.NodeHealthy {
		s.explain(s.remark())
	}
}

// again has the state told as it is.
func (s *step) again() {
	s.emit(Changed{From: s.node.State, To: s.node.State, Reason: s.node.Reason})
}

// rearm: what was not heard meanwhile says nothing.
func (s *step) rearm(e Rearm) {
	if s.node.Lost() && !e.Lost {
		return
	}
	if !s.node.Lost() {
		s.node.LastSeen = s.now
	}
	grace := s.now.Add(s.node.Window(s.now) + e.Margin)
	if grace.After(s.node.GraceUntil) {
		s.node.GraceUntil = grace
	}
}

// seize begins a decision about a node that is lost: until it yields, it is
// granted no lease and does not become healthy, whatever it says. A heartbeat
// that comes between the decision and its commit changes nothing any more.
func (s *step) seize(e Seize) {
	if s.node.Lost() && (s.node.Confirmed || e.Open && !s.now.Before(s.node.GraceUntil)) {
		s.node.Seized = true
	}
}

// yield ends it. What the node has applied is held against the revision that
// the decision gave.
func (s *step) yield(e Yield) {
	s.node.Rev = max(s.node.Rev, e.Rev)
	if !s.node.Seized {
		return
	}
	s.node.Seized = false
	if s.node.State == fleet.NodeReturning {
		s.node.Since = s.now // it has all its time to catch up
	}
}

// confirmDead takes a person's word, unless the node contradicts.
func (s *step) confirmDead() {
	switch {
	case !s.node.Joined():
		s.emit(Refused{Why: "no agent has ever been heard of this node: there is nothing to confirm; delete the node if it is not wanted"})
	case s.node.Talks(s.now):
		ago := roundly(s.now.Sub(s.node.LastHeartbeat))
		s.emit(Refused{Why: fmt.Sprintf("the node is alive: its last heartbeat came %s ago; drain it, or stop its agent and machine first", ago)})
	default:
		s.node.Confirmed = true
		s.become(fleet.NodeSuspect, confirmed) // a step of the table, where it is one
		s.become(fleet.NodeUnhealthy, confirmed)
		s.explain(confirmed)
	}
}

const confirmed = "a person confirmed that it is dead"
