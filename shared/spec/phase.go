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
