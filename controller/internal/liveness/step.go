package liveness

import (
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

// A node whose connection was taken over so often within a minute has two
// agents: one agent that reconnects waits longer each time.
const (
	twinTakeovers = 3
	twinMemory    = time.Minute
)

// Step is what an event makes of a node. It is pure: the same node, event
// and moment give the same answer.
func Step(n Node, e Event, now time.Time) (Node, []Effect) {
	s := step{node: n, now: now}
	switch e := e.(type) {
	case Connected:
		s.connected(e)
	case Disconnected:
		s.disconnected(e)
	case Spoke:
		s.admit(e.Conn, e.Session)
	case Heartbeat:
		s.heartbeat(e)
	case Greeted:
		s.greeted(e)
	case Grew:
		s.node.Rev = max(n.Rev, e.Rev)
	case Ingested:
		s.ingested(e)
	case Tick:
		s.tick(e)
	case Rearm:
		s.rearm(e)
	case Seize:
		s.seize(e)
	case Yield:
		s.yield(e)
	case ConfirmDead:
		s.confirmDead()
	case Forgiven:
		s.forgiven()
	case Profiled:
		s.node.Pace = n.Pace.Change(e.Profile, now)
	}
	return s.node, s.effects
}

// step is one step in work.
type step struct {
	node    Node
	now     time.Time
	effects []Effect
}

func (s *step) emit(e Effect) { s.effects = append(s.effects, e) }

// become moves the node along the table of fleet; a move that is not in it
// does not happen.
func (s *step) become(next fleet.NodeState, reason string) {
	from := s.node.State
	if !from.CanBecome(next) {
		return
	}
	s.node.State, s.node.Since, s.node.Reason = next, s.now, reason
	s.emit(Changed{From: from, To: next, Reason: reason})
}

func (s *step) explain(reason string) {
	if s.node.Reason != reason {
		s.node.Reason = reason
		s.emit(Changed{From: s.node.State, To: s.node.State, Reason: reason})
	}
}

func (s *step) admit(conn uint64, session wire.Session) bool {
	ok := s.node.admit(conn, session)
	if !ok {
		s.emit(Dropped{Why: "stale session"})
	}
	return ok
}

func (s *step) connected(e Connected) {
	s.node.Link = Link{Conn: e.Conn, Session: s.node.Link.Session, TookOver: s.node.Link.Departing}
}

// disconnected makes the node suspect at once, but moves nothing: only
// silence does. A connection that was taken over has a successor, so nothing
// is lost with it.
func (s *step) disconnected(e Disconnected) {
	if e.Conn != s.node.Link.Conn {
		return
	}
	s.node.Link = Link{Session: s.node.Link.Session, Departing: e.TakenOver}
	if e.TakenOver {
		s.takenOver()
		return
	}
	s.become(fleet.NodeSuspect, e.Reason)
}

func (s *step) takenOver() {
	recent := slices.DeleteFunc(slices.Clone(s.node.Takeovers), func(at time.Time) bool { return s.now.Sub(at) > twinMemory })
	s.node.Takeovers = append(recent, s.now)
	if len(s.node.Takeovers) >= twinTakeovers {
		s.foundTwin("")
	}
}

// foundTwin tells people once that two agents fight for this node, and goes
// on saying so in the node's reason until it has been quiet for a while.
func (s *step) foundTwin(machines string) {
	fresh := s.now.After(s.node.Twin.Until)
	if fresh || machines != "" {
		s.node.Twin.Reason = "two agents use the credential of this node" + machines +
			" and throw each other out: stop one of them, and give it a node and a credential of its own"
	}
	s.node.Twin.Until = s.now.Add(twinMemory)
	if fresh {
		s.emit(TwinFound{Reason: s.node.Twin.Reason})
	}
	s.explain(s.node.Twin.Reason)
}

func (s *step) heartbeat(e Heartbeat) {
	if !s.admit(e.Conn, e.Session) {
		return
	}
	s.node.LastSeen, s.node.LastHeartbeat = s.now, s.now
	s.node.AppliedRev, s.node.Link.Heard = e.AppliedRev, true
	s.node.DockerOK, s.node.GuardOK = e.DockerOK, e.GuardOK
	if s.node.State == fleet.NodeSuspect && !e.Blameless {
		s.flap(penaltySuspect)
	}
	s.revive()
	s.emit(Lease{Session: e.Session, Seq: e.Seq, Granted: s.mayLease()})
}

// revive is what a sign of life makes of the state.
func (s *step) revive() {
	switch s.node.State {
	case fleet.NodeJoining:
		if s.node.Link.Greeted {
			s.become(fleet.NodeHealthy, "")
		}
	case fleet.NodeSuspect:
		s.become(fleet.NodeHealthy, s.remark())
	case fleet.NodeUnhealthy:
		s.node.Confirmed = false
		s.become(fleet.NodeReturning, "heard again; catching up with what changed meanwhile")
		s.settle()
	case fleet.NodeReturning:
		s.settle()
	case fleet.NodeHealthy:
	}
}

// settle ends a return once the agent runs what it should. While somebody
// decides about the node, nobody knows what that is.
func (s *step) settle() {
	if !s.node.Seized && s.node.Link.Greeted && s.node.AppliedRev == s.node.Rev {
		s.become(fleet.NodeHealthy, s.remark())
	}
}

// mayLease: a node that was given up has no lease until it is in sync, and
// one without a guard could not keep what a lease promises.
func (s *step) mayLease() bool {
	return s.node.State == fleet.NodeHealthy && !s.node.Seized && s.node.GuardOK && s.node.Pace.Exclusive
}

func (s *step) greeted(e Greeted) {
	if !s.admit(e.Conn, e.Session) {
		return
	}
	if s.node.Link.TookOver && s.node.MachineID != "" && s.node.MachineID != e.MachineID {
		s.foundTwin(fmt.Sprintf(" (%s and %s)", s.node.Hostname, e.Hostname))
	}
	s.node.MachineID, s.node.Hostname = e.MachineID, e.Hostname
	s.node.Link.Greeted = true
	s.node.Rev = max(s.node.Rev, e.Rev)
	s.node.AppliedRev, s.node.Acked = e.AppliedRev, e.Acked
	if s.node.Link.Heard { // a heartbeat that came first had to wait for this
		s.revive()
	}
}

func (s *step) ingested(e Ingested) {
	s.node.Acked = e.Acked
	if s.node.Link.Bound {
		s.emit(Lease{Session: s.node.Link.Session})
	}
}
