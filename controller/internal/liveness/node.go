package liveness

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/wire"
)

// Node is all that is remembered of one node's life. Times are of the
// controller's monotonic clock.
type Node struct {
	State  fleet.NodeState
	Since  time.Time
	Reason string // why the state is what it is

	LastSeen      time.Time // silence is counted from here: a heartbeat, or the start of a window
	LastHeartbeat time.Time // the last one really received; zero: none yet
	GraceUntil    time.Time // it is not declared lost, nor decided about, before
	Pace          Pace
	Flaps         Flaps

	Link       Link
	Rev        int64 // newest revision of the desired set
	AppliedRev int64 // as the agent last said
	Acked      uint64
	DockerOK   bool
	GuardOK    bool // a guard answers there

	Seized    bool // decided about: between Seize and Yield it is given nothing
	Confirmed bool // lost on a person's word: no gate but the controller's authority counts

	MachineID string // of the last hello
	Hostname  string
	Takeovers []time.Time // of the last minute
	Twin      Twin        // two agents with one credential
}

// Link is the connection that a node has now, and the session spoken on it.
type Link struct {
	Conn      uint64 // 0: none
	Session   wire.Session
	Bound     bool // Session was said on this connection, not on an earlier one
	Heard     bool // a heartbeat came
	Greeted   bool // its hello was answered
	TookOver  bool // it began by throwing another connection out
	Departing bool // the connection before it was taken over, this one has not come yet
}

// Twin is the finding that two machines use one node's credential.
type Twin struct {
	Until  time.Time // zero: no such finding; renewed while it goes on
	Reason string    // in words for people; "" without a finding
}

// Silence is how long nothing was heard.
func (n Node) Silence(now time.Time) time.Duration { return now.Sub(n.LastSeen) }

// Window is how long the node may be silent.
func (n Node) Window(now time.Time) time.Duration {
	return n.Pace.Watch(now).Window * n.Flaps.Stretch(now)
}

// Talks reports whether the node was heard just now.
func (n Node) Talks(now time.Time) bool {
	return !n.LastHeartbeat.IsZero() && now.Sub(n.LastHeartbeat) <= n.Pace.Watch(now).Suspect
}

// Joined reports whether an agent has ever been there.
func (n Node) Joined() bool { return n.State != fleet.NodeJoining }

// Lost reports whether the node was given up.
func (n Node) Lost() bool { return n.State == fleet.NodeUnhealthy }

// admit binds the first session that is said on the current connection and
// refuses whatever is not of that connection and session: a message of an
// earlier life may arrive at any time.
func (n *Node) admit(conn uint64, s wire.Session) bool {
	if conn == 0 || conn != n.Link.Conn {
		return false
	}
	if n.Link.Bound {
		return s == n.Link.Session
	}
	if s.BootID == n.Link.Session.BootID && s.Session < n.Link.Session.Session {
		return false
	}
	n.Link.Session, n.Link.Bound = s, true
	return true
}
