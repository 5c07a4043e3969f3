package sim

import (
	"os"
	"strconv"
	"testing"
)

func TestSeeds(t *testing.T) {
	from, count := uint64(1), uint64(20)
	if s := os.Getenv("SEED_BASE"); s != "" {
		from, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("SEEDS"); s != "" {
		count, _ = strconv.ParseUint(s, 10, 64)
	}
	var trace func(string)
	if count == 1 {
		trace = func(s string) { t.Log(s) }
	}
	kinds := map[string]int{}
	var virtual float64
	fo, pl, fe, ve := 0, 0, 0, 0
	for seed := from; seed < from+count; seed++ {
		o := Run(seed, Rules{}, trace)
		virtual += o.Virtual.Hours()
		fo += o.Failovers
		pl += o.Planned
		fe += o.Fenced
		ve += o.Verdicts
		for _, v := range o.Violations {
			kinds[v.Invariant]++
			if kinds[v.Invariant] < 6 {
				t.Errorf("seed %d: %s", seed, v)
			}
		}
	}
	t.Logf("%.1f hours, %d failovers %d planned %d fenced %d verdicts, %v", virtual, fo, pl, fe, ve, kinds)
}
