package placement

import (
	"fmt"
	"strings"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// Refusal explains why no node takes a container: every candidate is counted
// once, under the first reason that speaks against it.
type Refusal struct {
	Want   spec.Resources
	Nodes  int // candidates that were looked at
	counts [reasons]int
	most   spec.Resources // the largest of each that one of the lacking nodes has free
	port   spec.Port      // one that is taken
	last   Candidate      // the only one where a node was asked for by name
	pinned bool
}

func (f *Refusal) count(why reason, r Request, c *Candidate) {
	f.Nodes++
	f.counts[why]++
	f.last = *c
	free := c.Free()
	switch why {
	case lacksCPU:
		f.most.CPU = max(f.most.CPU, free.CPU)
	case lacksMemory:
		f.most.Memory = max(f.most.Memory, free.Memory)
	case lacksDisk:
		f.most.Disk = max(f.most.Disk, free.Disk)
	case portTaken:
		f.port, _ = takenPort(r.Ports, c.Taken)
	case fine, neverJoined, notHealthy, reasons:
	}
}

// Refused is how many of the candidates were refused for each reason, in
// words; the sum is Nodes.
func (f *Refusal) Refused() map[string]int {
	out := map[string]int{}
	for why, n := range f.counts {
		if n > 0 {
			out[reasonNames[why]] = n
		}
	}
	return out
}

var reasonNames = [reasons]string{
	neverJoined: "never joined", notHealthy: "not healthy",
	lacksCPU: "cpu", lacksMemory: "memory", lacksDisk: "disk", portTaken: "port",
}

// String is the refusal in counts: "5 nodes: 2 not healthy, 2 lack memory
// (4g wanted, largest free 1g), 1 has port 8080/tcp taken".
func (f *Refusal) String() string {
	if f.Nodes == 0 && f.pinned {
		return "there is no such node"
	}
	if f.Nodes == 0 {
		return "there are no nodes yet: add one with `lormas node add NAME`"
	}
	if f.pinned {
		return f.aboutOne()
	}
	var parts []string
	for why, n := range f.counts {
		if n > 0 {
			parts = append(parts, f.phrase(reason(why), n))
		}
	}
	return fmt.Sprintf("%d %s: %s", f.Nodes, plural(f.Nodes, "node", "nodes"), strings.Join(parts, ", "))
}

func (f *Refusal) phrase(why reason, n int) string {
	lack := plural(n, "lacks", "lack")
	switch why {
	case neverJoined:
		return fmt.Sprintf("%d never joined", n)
	case notHealthy:
		return fmt.Sprintf("%d not healthy", n)
	case lacksCPU:
		return fmt.Sprintf("%d %s cpu (%s wanted, largest free %s)", n, lack, f.Want.CPU, max(f.most.CPU, 0))
	case lacksMemory:
		return fmt.Sprintf("%d %s memory (%s wanted, largest free %s)", n, lack, f.Want.Memory, fleet.Approximate(f.most.Memory))
	case lacksDisk:
		return fmt.Sprintf("%d %s disk (%s wanted, largest free %s)", n, lack, f.Want.Disk, fleet.Approximate(f.most.Disk))
	case portTaken:
		return fmt.Sprintf("%d %s port %d/%s taken", n, plural(n, "has", "have"), f.port.Host, f.port.Protocol)
	case fine, reasons:
	}
	return ""
}

// aboutOne words the refusal of the node that was asked for.
func (f *Refusal) aboutOne() string {
	c := f.last
	if f.counts[neverJoined] > 0 {
		return fmt.Sprintf("node %s has not joined yet, so what it can give is not known: start its agent first, or leave nodeId out", c.Name)
	}
	if f.counts[portTaken] > 0 {
		return fmt.Sprintf("node %s has port %d/%s taken: choose another port, or leave host out to have one chosen", c.Name, f.port.Host, f.port.Protocol)
	}
	return fmt.Sprintf("node %s has not enough left: %s; ask for less, choose another node or leave nodeId out",
		c.Name, fleet.Shortfall(f.Want, c.Free()))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
