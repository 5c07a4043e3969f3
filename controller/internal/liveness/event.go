package liveness

import (
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Event is something heard of a node, or about the time.
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
	Offer      *spec.Resources // nil: not said this time
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
type Tick struct{ Open bool } // whether the gates let a node be declared lost

// Rearm gives the node a full new window: the controller was blind.
type Rearm struct{}

func (Connected) event()    {}
func (Disconnected) event() {}
func (Spoke) event()        {}
func (Heartbeat) event()    {}
func (Greeted) event()      {}
func (Grew) event()         {}
func (Ingested) event()     {}
func (Tick) event()         {}
func (Rearm) event()        {}

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

func (Lease) effect()     {}
func (Changed) effect()   {}
func (TwinFound) effect() {}
func (Dropped) effect()   {}
