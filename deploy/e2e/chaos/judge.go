package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
	"github.com/lormas/lormas/deploy/witness"
)

// Happened is an injury as it really was, in the machine's monotonic time.
type Happened struct {
	Fault    string
	Node     string // id; "" on the controller's side
	From, To time.Duration
}

// Move is a migration that is over.
type Move struct {
	e2e.Migration
	Begun time.Duration // monotonic: when it was queued
}

// Case is everything that is known of a run.
type Case struct {
	Injuries []Happened
	Runs     []witness.Run
	Moves    []Move
	Policies map[string]string        // of each container: exclusive, available, or "" of a standard one
	Final    map[string]e2e.Container // as people were told at last
	Home     map[string]string        // where standard containers were made
	Open     []e2e.Migration          // when all was quiet
	Now      time.Duration
	Window   time.Duration
}

// Violation is an invariant that did not hold, by its name in FAILOVER §9.1.
type Violation struct{ Invariant, What string }

func (v Violation) String() string { return v.Invariant + ": " + v.What }

// Judge finds what must not have happened.
func Judge(c Case) []Violation {
	var all []Violation
	for _, check := range []func(Case) []Violation{c1, c2, c3, c4, c5, c8, c11, c14} {
		all = append(all, check(c)...)
	}
	return all
}

// c1: exclusive containers never run twice.
func c1(c Case) (found []Violation) {
	for _, o := range witness.Overlaps(c.Runs) {
		if c.Policies[o.Container] == "exclusive" {
			found = append(found, Violation{"I1", o.String()})
		}
	}
	return found
}

// c2: in the end every container runs once, on the node and under the epoch
// that people are told.
func c2(c Case) (found []Violation) {
	for id := range c.Policies {
		told := c.Final[id]
		var living []string
		right := false
		for _, run := range c.Runs {
			if run.Container == id && alive(run, c.Now) {
				living = append(living, fmt.Sprintf("epoch %d on %s", run.Epoch, run.Node))
				right = run.Epoch == told.Epoch && run.Node == told.NodeID
			}
		}
		if len(living) != 1 || !right {
			found = append(found, Violation{"I2", fmt.Sprintf("%s should run under epoch %d on %s, and there run %v", told.Name, told.Epoch, told.NodeID, living)})
		}
	}
	return found
}

func alive(run witness.Run, now time.Duration) bool { return now-run.Last < quietWitness }

// quietWitness is how long a copy may write nothing when all is calm.
const quietWitness = 2 * time.Second

// c3: no failover from a node that could be heard. What a silent fault or a
// power loss began may be decided when it has just ended.
func c3(c Case) (found []Violation) {
	for _, m := range c.Moves {
		if m.Trigger == "failover" && !c.silenced(m) {
			found = append(found, Violation{"I3", fmt.Sprintf("%s was failed over from %s at %s, which could be heard", c.Final[m.ContainerID].Name, m.FromNodeID, m.Begun)})
		}
	}
	return found
}

// slack is what a loaded machine takes for what should take no time.
const slack = 5 * time.Second

func (c Case) silenced(m Move) bool {
	return slices.ContainsFunc(c.Injuries, func(h Happened) bool {
		return h.Node == m.FromNodeID && faults[h.Fault].silent && m.Begun >= h.From && m.Begun <= h.To+c.Window+slack
	})
}

// c4: a copy is started anew only when something killed it.
func c4(c Case) (found []Violation) {
	type copyOf struct {
		container, node string
		epoch           int64
	}
	starts := map[copyOf]int{}
	for _, run := range c.Runs {
		if c.Policies[run.Container] != "exclusive" { // those are ended by the guard, too
			starts[copyOf{run.Container, run.Node, run.Epoch}]++
		}
	}
	for of, n := range starts {
		deaths := 0
		for _, h := range c.Injuries {
			if h.Node == of.node && faults[h.Fault].deadly {
				deaths++
			}
		}
		if n > 1+deaths {
			found = append(found, Violation{"I4", fmt.Sprintf("%s was started %d times under epoch %d on %s, where %d faults end containers", c.Final[of.container].Name, n, of.epoch, of.node, deaths)})
		}
	}
	return found
}

// c5: no exclusive container is started under an epoch that is over.
func c5(c Case) (found []Violation) {
	newest := map[string]int64{}
	for _, run := range slices.SortedFunc(slices.Values(c.Runs), func(a, b witness.Run) int { return cmp.Compare(a.First, b.First) }) {
		if c.Policies[run.Container] == "exclusive" && run.Epoch < newest[run.Container] {
			found = append(found, Violation{"I5", fmt.Sprintf("%s was started under epoch %d after %d", c.Final[run.Container].Name, run.Epoch, newest[run.Container])})
		}
		newest[run.Container] = max(newest[run.Container], run.Epoch)
	}
	return found
}

// c8: when all is quiet, nothing moves.
func c8(c Case) (found []Violation) {
	for _, m := range c.Open {
		found = append(found, Violation{"I8", fmt.Sprintf("migration %s of %s is still %s: %s", m.ID, c.Final[m.ContainerID].Name, m.State, m.Waiting)})
	}
	return found
}

// c11: standard containers stay where they are.
func c11(c Case) (found []Violation) {
	for id, home := range c.Home {
		if told := c.Final[id]; told.NodeID != home || told.Epoch != 1 {
			found = append(found, Violation{"I11", fmt.Sprintf("standard container %s moved to %s under epoch %d", told.Name, told.NodeID, told.Epoch)})
		}
	}
	return found
}

// c14: the parts of a move are no longer than the whole.
func c14(c Case) (found []Violation) {
	for _, m := range c.Moves {
		parts := millis(m.DecideMS) + millis(m.StartMS)
		if whole := millis(m.DurationMS); m.DurationMS == nil || m.Status == "completed" && parts > whole+rounding {
			found = append(found, Violation{"I14", fmt.Sprintf("migration %s took %s, and its parts %s", m.ID, whole, parts)})
		}
	}
	return found
}

const rounding = 5 * time.Millisecond

func millis(ms *int64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(*ms) * time.Millisecond
}
