package chaos

import (
	"slices"
	"testing"
	"time"

	"github.com/lormas/lormas/deploy/e2e"
	"github.com/lormas/lormas/deploy/witness"
)

const second = time.Second

func run(container, node string, epoch int64, first, last time.Duration) witness.Run {
	return witness.Run{Container: container, Node: node, Epoch: epoch, First: first, Last: last}
}

// lawful is a run in which node a was cut off, and what was there went to b.
func lawful() Case {
	whole := int64(6000)
	move := func(container string) Move {
		return Move{Begun: 105 * second, Migration: e2e.Migration{
			ID: "m-" + container, ContainerID: container, FromNodeID: "a", ToNodeID: "b", Trigger: "failover", Status: "completed", DurationMS: &whole,
		}}
	}
	return Case{
		Injuries: []Happened{{Fault: "link cut", Node: "a", From: 100 * second, To: 110 * second}},
		Runs: []witness.Run{
			run("loose", "a", 1, 1*second, 111*second), run("loose", "b", 2, 106*second, 200*second),
			run("strict", "a", 1, 1*second, 103*second), run("strict", "b", 2, 106*second, 200*second),
			run("plain", "a", 1, 1*second, 200*second),
		},
		Moves:    []Move{move("loose"), move("strict")},
		Policies: map[string]string{"loose": "available", "strict": "exclusive", "plain": ""},
		Home:     map[string]string{"plain": "a"},
		Final: map[string]e2e.Container{
			"loose": {Name: "loose", NodeID: "b", Epoch: 2}, "strict": {Name: "strict", NodeID: "b", Epoch: 2}, "plain": {Name: "plain", NodeID: "a", Epoch: 1},
		},
		Now: 200 * second, Window: 5 * second,
	}
}

func TestWhatIsLawfulIsNotAccused(t *testing.T) {
	r := Sum(1, lawful())
	if len(r.Violations) > 0 {
		t.Errorf("violations: %v", r.Violations)
	}
	if want := []time.Duration{6 * second, 6 * second}; !slices.Equal(r.Failovers, want) {
		t.Errorf("failovers took %v, want %v", r.Failovers, want)
	}
}

// Whatever goes wrong is found, and found to be what it is.
func TestEveryViolationIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		invariant string
		spoil     func(*Case)
	}{
		"an exclusive container ran twice": {"I1", func(c *Case) { c.Runs[2].Last = 107 * second }},
		"nothing runs in the end":          {"I2", func(c *Case) { c.Runs[1].Last = 150 * second }},
		"it runs elsewhere than is told":   {"I2", func(c *Case) { c.Final["loose"] = e2e.Container{Name: "loose", NodeID: "a", Epoch: 3} }},
		"a node that could be heard":       {"I3", func(c *Case) { c.Injuries[0].Node = "c" }},
		"long after its fault":             {"I3", func(c *Case) { c.Moves[0].Begun = 150 * second }},
		"restarted for nothing":            {"I4", func(c *Case) { c.Runs = append(c.Runs, run("plain", "a", 1, 50*second, 60*second)) }},
		"an epoch that is over":            {"I5", func(c *Case) { c.Runs[2].First, c.Runs[2].Last = 203*second, 203*second }},
		"it still moves":                   {"I8", func(c *Case) { c.Open = []e2e.Migration{{ID: "m", State: "starting"}} }},
		"a standard container moved":       {"I11", func(c *Case) { c.Home["plain"] = "b" }},
		"parts longer than the whole":      {"I14", func(c *Case) { ms := int64(7000); c.Moves[0].StartMS = &ms }},
	} {
		t.Run(name, func(t *testing.T) {
			c := lawful()
			test.spoil(&c)
			found := Judge(c)
			if !slices.ContainsFunc(found, func(v Violation) bool { return v.Invariant == test.invariant }) {
				t.Errorf("found %v, want %s", found, test.invariant)
			}
		})
	}
}
