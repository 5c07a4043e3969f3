package chaos

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Report is what came of a run.
type Report struct {
	Seed       int64
	Injuries   int
	Moves      int // that people asked for
	Failovers  []time.Duration
	Unknown    int // failovers whose new copy wrote nothing before it was moved on
	Violations []Violation
}

// Sum makes the report of a case.
func Sum(seed int64, c Case) Report {
	r := Report{Seed: seed, Injuries: len(c.Injuries), Violations: Judge(c)}
	for _, m := range c.Moves {
		if m.Trigger != "failover" {
			r.Moves++
			continue
		}
		if took, known := c.took(m); known {
			r.Failovers = append(r.Failovers, took)
		} else {
			r.Unknown++
		}
	}
	slices.Sort(r.Failovers)
	return r
}

// took is how long a container was away: from the fault until the first copy
// after the verdict wrote something.
func (c Case) took(m Move) (time.Duration, bool) {
	var hit time.Duration
	for _, h := range c.Injuries {
		if h.Node == m.FromNodeID && faults[h.Fault].silent && h.From <= m.Begun {
			hit = max(hit, h.From)
		}
	}
	for _, run := range c.Runs { // by container and first line
		if run.Container == m.ContainerID && run.Node == m.ToNodeID && run.First >= m.Begun {
			return run.First - hit, hit > 0
		}
	}
	return 0, false
}

// False counts failovers of nodes that could be heard.
func (r Report) False() int {
	n := 0
	for _, v := range r.Violations {
		if v.Invariant == "I3" {
			n++
		}
	}
	return n
}

func (r Report) at(share float64) time.Duration {
	if len(r.Failovers) == 0 {
		return 0
	}
	return r.Failovers[int(share*float64(len(r.Failovers)-1))].Round(10 * time.Millisecond)
}

// Print writes the violations, and the figures as the last line.
func (r Report) Print(out io.Writer) {
	for _, v := range r.Violations {
		fmt.Fprintln(out, "VIOLATION", v)
	}
	fmt.Fprintf(out, "chaos: seed %d: %d faults, %d failovers (p50 %s, p99 %s from the fault to the new copy), %d other moves, %d violations, %d false failovers\n",
		r.Seed, r.Injuries, len(r.Failovers)+r.Unknown, r.at(0.5), r.at(0.99), r.Moves, len(r.Violations), r.False())
}
