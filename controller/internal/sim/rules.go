package sim

import "github.com/lormas/lormas/shared/lease"

// Rules are the rules of the protocol that are broken in a world. The zero
// value breaks none.
type Rules struct {
	LeaseFromArrival bool // the lease counts from the arrival of the acknowledgement
	NoMargin         bool // it lasts as long as the window
	NoGuard          bool // the agent alone fences
	DockerAutostart  bool // the engine restarts containers by itself
	RenewBehind      bool // an acknowledgement renews though a newer revision exists
	StartFirst       bool // a manual migration starts the target first
	NoRevOrder       bool // desired sets are taken in any order
	NoEpochCheck     bool // also those with an epoch older than one seen before
	NoSession        bool // messages count whatever session they are of
	WillIsDeath      bool // the end of a connection is a verdict
	KeysAreLife      bool // so is a key in Redis that is gone
	NoGrace          bool // a controller that starts decides at once
	NoFreezeRearm    bool // a controller that stood still does not notice
	NoHold           bool // common silence is taken for common death
	NoHoldRearm      bool // windows go on after a hold as if it had not been
	NoResend         bool // an unanswered heartbeat waits for the next
	NoSeize          bool // a node may come back between decision and commit
	ConfirmApplied   bool // the holder's applied revision confirms that a container has stopped
	NoFence          bool // a forced migration does not wait for the lease to run out
	NoReign          bool // two controllers may reign at once
	NoTenure         bool // a controller reigns until it hears otherwise
	NoTermFence      bool // and what it decided before it was deposed is committed
	NoHangUp         bool // a controller without authority keeps its agents
	NoTerm           bool // agents believe a controller that was replaced
	OldRecord        bool // a guard believes what it wrote down before the machine booted
	NoScan           bool // and lets run what it has not written down
	NoLease          bool // exclusive containers start without a lease
	LeaseReturning   bool // a node that comes back is granted leases before it is in sync
	LeaseUnguarded   bool // so is one without a guard
	NoYieldRev       bool // a node that was decided about is let go with no revision to reach
	NoGrew           bool // what was committed is not held against acknowledgements
	NoVersion        bool // a step is done on a migration that has moved on
	NoRoom           bool // a node is given more than it has room for
	NoUnique         bool // a container is moved twice at once
	NoCursor         bool // what an agent says is taken in as often as it comes
	AckEarly         bool // and acknowledged before it is written down
	NoCordon         bool // cordoned nodes are given containers
	NoQuarantine     bool // and those that come and go
	StaleTargets     bool // and those that are silent
	NoExclusion      bool // and the one that they are on
	ConfirmLiving    bool // a person's word counts even against the node's own
	NoPostgresGate   bool // nodes are given up while nothing can be written down
	NoLook           bool // an agent that starts takes what it does not know for stopped
	Forgets          bool // and has forgotten all that it was ever told
	SendEarly        bool // a node is told of what is not committed yet

	// Assumptions, not rules: what the protocol cannot do without.
	EngineLate bool // an engine that hung completes a start whose time is over
	HostPause  bool // a machine is paused as a whole, its clocks too

	profile lease.Profile // by the seed
}
