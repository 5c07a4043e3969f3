package guard

import (
	"path/filepath"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
)

// The verbs of the agent. Each is answered when it is in the record.
const (
	opPing    = "ping"
	opExpect  = "expect"  // before docker start
	opBind    = "bind"    // after it: this process is the container's init
	opRenew   = "renew"   // any number of copies
	opRelease = "release" // it does not run, and no start is under way
	opState   = "state"
)

// request is one line from the agent.
type request struct {
	Op    string        `json:"op"`
	Copy  lease.Copy    `json:"copy,omitzero"`
	Term  Term          `json:"term,omitzero"`
	Start Start         `json:"start,omitzero"`  // expect
	Init  Init          `json:"init,omitzero"`   // bind
	Terms []CopyAndTerm `json:"terms,omitempty"` // renew
}

// Term is when a copy is asked to stop and when it is killed, by
// CLOCK_BOOTTIME.
type Term struct {
	Soft  time.Duration `json:"soft"`
	Until time.Duration `json:"until"`
}

// CopyAndTerm is a renewal.
type CopyAndTerm struct {
	Copy lease.Copy `json:"copy"`
	Term Term       `json:"term"`
}

// Start is what the guard has to know of a container before its start.
type Start struct {
	Signal   int    `json:"signal"` // how it is asked to stop
	DockerID string `json:"docker_id"`
}

// Init is the first process of a container.
type Init struct {
	Pid      int    `json:"pid"`
	DockerID string `json:"docker_id"`
}

// answer is one line to the agent.
type answer struct {
	Error   string    `json:"error,omitempty"`
	Watched []Watched `json:"watched,omitempty"` // state
}

// Watched is what the guard has of one copy.
type Watched struct {
	Copy   lease.Copy `json:"copy"`
	Term   Term       `json:"term"`
	Asked  bool       `json:"asked,omitempty"`
	Fenced bool       `json:"fenced,omitempty"` // its lease was over, and it was killed
	Dead   bool       `json:"dead,omitempty"`   // and nothing of it lives
}

// The files of a node's guard in its directory, which should be in memory.
func socketFile(dir string, node id.NodeID) string { return file(dir, node, "sock") }
func recordFile(dir string, node id.NodeID) string { return file(dir, node, "json") }
func lockFile(dir string, node id.NodeID) string   { return file(dir, node, "lock") }

// LogFile is where a guard writes that an agent has started.
func LogFile(dir string, node id.NodeID) string { return file(dir, node, "log") }

func file(dir string, node id.NodeID, ending string) string {
	return filepath.Join(dir, "guard-"+node.String()+"."+ending)
}
