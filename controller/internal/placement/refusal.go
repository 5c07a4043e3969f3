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

func (f *Refusal) count(why reason, r *Request, c *Candidate) {
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

// Chief is the reason that most of the candidates were refused for, as Refused
// names it; of two, the one that is looked at later. That one of them is the
// source counts only where there is no other.
func (f *Refusal) Chief() string {
	chief, most := "no nodes", 0
	if f.counts[isSource] > 0 {
		chief = reasonNames[isSource]
	}
	for why, n := range f.counts {
		if n > 0 && n >= most && reason(why) != isSource {
			chief, most = reasonNames[why], n
		}
	}
	return chief
}

var reasonNames = [reasons]string{
	neverJoined: "never joined", isSource: "is the source", failedBefore: "failed before",
	notHealthy: "not healthy", silent: "not heard lately", noDocker: "Docker does not answer",
	cordoned: "cordoned", draining: "draining", quarantined: "quarantined",
	unguarded: "no guard", noExclusive: "profile", otherArch: "architecture", busy: "busy",
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
	lack, is := plural(n, "lacks", "lack"), plural(n, "is", "are")
	switch why {
	case isSource:
		return fmt.Sprintf("%d is where it is now", n)
	case failedBefore:
		return fmt.Sprintf("%d did not work out before", n)
	case noDocker:
		return fmt.Sprintf("%d without an answer from Docker", n)
	case unguarded:
		return fmt.Sprintf("%d without a guard, which exclusive containers need", n)
	case noExclusive:
		return fmt.Sprintf("%d %s in a cluster whose profile cannot keep two copies apart", n, is)
	case otherArch:
		return fmt.Sprintf("%d of another architecture", n)
	case busy:
		return fmt.Sprintf("%d %s starting as many as they may at once", n, is)
	case lacksCPU:
		return fmt.Sprintf("%d %s cpu (%s wanted, largest free %s)", n, lack, f.Want.CPU, max(f.most.CPU, 0))
	case lacksMemory:
		return fmt.Sprintf("%d %s memory (%s wanted, largest free %s)", n, lack, f.Want.Memory, fleet.Approximate(f.most.Memory))
	case lacksDisk:
		return fmt.Sprintf("%d %s disk (%s wanted, largest free %s)", n, lack, f.Want.Disk, fleet.Approximate(f.most.Disk))
	case portTaken:
		if f.port.Host == 0 {
			return fmt.Sprintf("%d %s no free port left", n, plural(n, "has", "have"))
		}
		return fmt.Sprintf("%d %s port %d/%s taken", n, plural(n, "has", "have"), f.port.Host, f.port.Protocol)
	case neverJoined, notHealthy, silent, cordoned, draining, quarantined:
		return fmt.Sprintf("%d %s", n, reasonNames[why])
	case fine, reasons:
	}
	return ""
}

// aboutOne words the refusal of the node that was asked for.
func (f *Refusal) aboutOne() string {
	c := f.last
	is := func(words string) string { return fmt.Sprintf("node %s %s", c.Name, words) }
	switch f.only() {
	case neverJoined:
		return is("has not joined yet, so what it can give is not known: start its agent first, or name none")
	case isSource:
		return is("is where the container is already: choose another")
	case failedBefore:
		return is("did not work out before: choose another")
	case notHealthy:
		return is(fmt.Sprintf("is not healthy (%s): wait until it is, or choose another", c.State))
	case silent:
		return is("was not heard lately: wait until it is, or choose another")
	case noDocker:
		return is("has no answer from Docker: look after its engine, or choose another")
	case cordoned:
		return is("is cordoned and given nothing new: uncordon it, or choose another")
	case draining:
		return is("is being drained: cancel the drain, or choose another")
	case quarantined:
		return is("is quarantined, as it came and went too often: wait until it has been steady, or choose another")
	case unguarded:
		return is("has no guard, which exclusive containers need: start lormas-guard there, or choose another")
	case noExclusive:
		return is("is in a cluster whose profile cannot keep two copies apart: choose another profile or node")
	case otherArch:
		return is(fmt.Sprintf("is of another architecture (%s): choose another", c.Arch))
	case busy:
		return is("is starting as many containers as it may at once: it comes later")
	case portTaken:
		if f.port.Host == 0 {
			return is("has no free port left in its pools: give it a larger one (portPools of the node), or choose another node")
		}
		return is(fmt.Sprintf("has port %d/%s taken: choose another port, or leave host out to have one chosen", f.port.Host, f.port.Protocol))
	case fine, lacksCPU, lacksMemory, lacksDisk, reasons:
	}
	return is(fmt.Sprintf("has not enough left: %s; ask for less, choose another node or name none", fleet.Shortfall(f.Want, c.Free())))
}

// only is the reason that the one candidate was refused for.
func (f *Refusal) only() reason {
	for why, n := range f.counts {
		if n > 0 {
			return reason(why)
		}
	}
	return fine
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
