package spec

// Phase is what a node has last seen of a container. Only an agent's report
// sets it.
//
//	pending ─▶ pulling ─▶ installing ─▶ creating ─▶ starting ─▶ running ─▶ stopping ─▶ stopped
//	               │           │            │           │          │                      │
//	               └───────────┴────────────┴─▶ failed ◀┘      crashed ─▶ starting     removed
//
// installing is only seen of containers that have an installation, before
// their first start on a node without their data, and when somebody asks for
// it again. failed keeps being tried, with a growing pause, while the container
// should run; crashed is one that ran, ended by itself and waits for its
// restart. Both may be left for somebody to mend: the reason says so.
type Phase string

// The phases.
const (
	Pending    Phase = "pending"
	Pulling    Phase = "pulling"
	Installing Phase = "installing"
	Creating   Phase = "creating"
	Starting   Phase = "starting"
	Up         Phase = "running"
	Stopping   Phase = "stopping"
	Down       Phase = "stopped"
	Crashed    Phase = "crashed"
	Failed     Phase = "failed"
	Removed    Phase = "removed"
)
