package sim

import (
	"runtime"
	"testing"
)

// seeds is how many histories every run of the tests plays. More are played
// with make sim.
const seeds = 500

func TestNoHistoryBreaksAnInvariant(t *testing.T) {
	all := Sweep(1, seeds, runtime.GOMAXPROCS(0), func(seed uint64) Outcome { return Run(seed, Rules{}, nil) }, tell(t, ""))
	t.Log(all)
	if all.Failovers < seeds || all.Planned < seeds/2 || all.Fenced < seeds {
		t.Errorf("hardly anything happened: %s", all)
	}
}

// Scenes are played a few times, as a seed says how long everything takes.
func TestNoSceneBreaksAnInvariant(t *testing.T) {
	for _, s := range scenes {
		Sweep(1, 20, runtime.GOMAXPROCS(0), func(seed uint64) Outcome { return Act(s.name, seed, Rules{}, nil) }, tell(t, s.name))
	}
}

func tell(t *testing.T, scene string) func(Outcome) {
	return func(o Outcome) {
		for _, v := range o.Violations {
			t.Errorf("seed %d: %s\n\t%s", o.Seed, v, Replay(o.Seed, scene, ""))
		}
	}
}

// A seed is worth nothing if it does not give the same history each time.
func TestTheSameSeedGivesTheSameHistory(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		history := func() (lines []string) {
			Run(seed, Rules{}, func(line string) { lines = append(lines, line) })
			return lines
		}
		first, second := history(), history()
		if len(first) != len(second) {
			t.Fatalf("seed %d gives %d lines, then %d", seed, len(first), len(second))
		}
		for i := range first {
			if first[i] != second[i] {
				t.Fatalf("seed %d: line %d was %q, then %q", seed, i, first[i], second[i])
			}
		}
	}
}
