package runtime

import (
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Instance is one container as this node should have it. Epoch, Generation
// and SpecHash mark what is made of it, so that a later look tells whether it
// is still what it should be.
type Instance struct {
	ID         id.ContainerID
	Epoch      int64
	Generation int64
	SpecHash   string
	Install    int64 // number of the installation that its volumes need; 0 is the first
	Spec       spec.Container
}

// Found is one container as the engine has it.
type Found struct {
	ID         id.ContainerID
	DockerID   string
	Epoch      int64
	Generation int64
	SpecHash   string
	Install    int64 // number of the installation that was wanted when it was made
	Installer  bool  // it is not the container, but fills its volumes
	State      State
	Running    bool   // its processes live: State is running or paused
	Pid        int    // of its first process on this machine; 0: it has none, or the engine does not tell
	Exclusive  bool   // it was made to run under a lease
	ExitCode   int    // of the last run; meaningless before the first
	OOM        bool   // the last run was ended for want of memory
	Health     string // what the check of the run that goes on says; "": there is none
	StartedAt  time.Time
	FinishedAt time.Time
}

// MadeOf reports whether a container is what it should be.
func (f Found) MadeOf(in Instance) bool {
	return f.Epoch == in.Epoch && f.Generation == in.Generation && f.SpecHash == in.SpecHash && f.Install == in.Install
}

// State is the engine's own word for what a container is doing.
type State string

// The states. Restarting should not be seen, as the engine is told never to
// restart by itself; Dead is one that the engine is removing or could not
// remove.
const (
	Created    State = "created"
	Running    State = "running"
	Paused     State = "paused"
	Restarting State = "restarting"
	Exited     State = "exited"
	Dead       State = "dead"
)

// Change says that something happened to a container. It is a hint to look
// again: what is true is what List says.
type Change struct {
	Kind      ChangeKind
	ID        id.ContainerID // zero with Relist
	DockerID  string
	Installer bool   // it is not the container, but fills its volumes
	ExitCode  int    // with Died
	Health    string // with Judged
	At        time.Time
}

// ChangeKind is what happened.
type ChangeKind string

// The kinds. Relist comes first on every stream and whenever changes may
// have been missed: everything has to be looked at anew.
const (
	Relist    ChangeKind = "relist"
	Started   ChangeKind = "started"
	Died      ChangeKind = "died"
	OutOfMem  ChangeKind = "out of memory"
	Judged    ChangeKind = "judged" // by its health check
	Destroyed ChangeKind = "destroyed"
)

// LogOptions says which part of a container's output is wanted.
type LogOptions struct {
	Tail   int       // lines from the past: 0 none, negative all
	Since  time.Time // only what is younger; zero: no bound
	Follow bool      // go on until the container ends
}

// Line is one line of a container's output, without its end. Text is valid
// only until the call that hands it over returns.
type Line struct {
	At   time.Time // when the engine got it
	Text []byte
	Cut  bool // it was longer than is handed over
}

// MaxLine is how much of a line is handed over, in bytes.
const MaxLine = 64 << 10

// Info is what the engine says of itself and its machine.
type Info struct {
	Version string // of the engine, such as 20.10.24
	Arch    string // as the kernel names it, such as x86_64
	CPUs    int
	Memory  spec.Bytes
}
