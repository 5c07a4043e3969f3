package spec

// Phase is what a node has last seen of a container. Only an agent's report
// sets it.
//
//	pending ─▶ pulling ─▶ creating ─▶ starting ─▶ running ─▶ stopping ─▶ stopped
//	               │          │           │          │                      │
//	               └──────────┴─▶ failed ◀┘      crashed ─▶ starting     removed
//
// failed keeps being tried, with a growing pause, while the container should
// run; crashed is one that ran, ended by itself and waits for its restart.
type Phase string

// The phases.
const (
	Pending  Phase = "pending"
	Pulling  Phase = "pulling"
	Creating Phase = "creating"
	Starting Phase = "starting"
	Up       Phase = "running"
	Stopping Phase = "stopping"
	Down     Phase = "stopped"
	Crashed  Phase = "crashed"
	Failed   Phase = "failed"
	Removed  Phase = "removed"
)

// Settled reports whether the phase is one that a container rests in, so
// that a verb which led here is done.
func (p Phase) Settled() bool {
	switch p {
	case Up, Down, Failed, Removed:
		return true
	case Pending, Pulling, Creating, Starting, Stopping, Crashed:
		return false
	}
	return false
}
