package liveness

import (
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Event is something heard of a node, decided about it, or about the time.
type Event interface{ event() }

// Connected is a new connection of the node's agent.
type Connected struct{ Conn uint64 }

// Disconnected is the end of a connection.
type Disconnected struct {
	Conn      uint64
	TakenOver bool // another connection with the same credential threw it out
	Reason    string
}

// Spoke is any message but a heartbeat; it proves nothing but its session.
type Spoke struct {
	Conn    uint64
	Session wire.Session
}

// Heartbeat is a sign of life.
type Heartbeat struct {
	Conn       uint64
	Session    wire.Session
	Seq        uint64
	AppliedRev int64
	DockerOK   bool
	GuardOK    bool
	Offer      *spec.Resources // nil: not said this time
	Busy       []spec.Port     // that others on the machine listen on; nil: not said this time
	Blameless  bool            // set by the Registry during a hold: the silence may be ours
}

// Greeted is a hello that was answered.
type Greeted struct {
	Conn       uint64
	Session    wire.Session
	Rev        int64
	AppliedRev int64
	Acked      uint64
	MachineID  string
	Hostname   string
}

// Grew is a new revision of the desired set.
type Grew struct{ Rev int64 }

// Ingested is an outbox position that is safe in Postgres.
type Ingested struct{ Acked uint64 }

// Tick is time going by.
type Tick struct{ Open bool } // whether the gates let this node be declared lost

// Rearm gives the node a full new window, and a margin to find its way back:
// the controller was blind.
type Rearm struct {
	Margin time.Duration
	Lost   bool // also what is lost may have been leased again, by another controller
}

// Seize is the beginning of a decision about a lost node.
type Seize struct{ Open bool } // whether the gates let it be decided about

// Yield is its end: Rev is the revision of the node that holds now.
type Yield struct{ Rev int64 }

// ConfirmDead is a person's word that the node is dead.
type ConfirmDead struct{}

// Forgiven is a person's word that the node is steady again: what it was
// charged with for coming and going is dropped.
type Forgiven struct{}

// Profiled is a profile for the node.
type Profiled struct{ Profile Profile }

func (Connected) event()    {}
func (Disconnected) event() {}
func (Spoke) event()        {}
func (Heartbeat) event()    {}
func (Greeted) event()      {}
func (Grew) event()         {}
func (Ingested) event()     {}
func (Tick) event()         {}
func (Rearm) event()        {}
func (Seize) event()        {}
func (Yield) event()        {}
func (ConfirmDead) event()  {}
func (Forgiven) event()     {}
func (Profiled) event()     {}

// Effect is what has to be done because of an event.
type Effect interface{ effect() }

// Lease is the acknowledgement to send to the session.
type Lease struct {
	Session wire.Session
	Seq     uint64 // 0: only the outbox is acknowledged
	Granted bool   // whether exclusive containers may run on
}

// Changed is a move between states, or a new reason for the same one.
type Changed struct {
	From, To fleet.NodeState
	Reason   string
}

// TwinFound is told once when two machines are found to fight for one node.
type TwinFound struct{ Reason string }

// Dropped is a message that does not count, and why.
type Dropped struct{ Why string }

// Refused is what a person asked for and may not have, in words for people.
type Refused struct{ Why string }

func (Lease) effect()     {}
func (Changed) effect()   {}
func (TwinFound) effect() {}
func (Dropped) effect()   {}
func (Refused) effect()   {}
