package sim

import (
	"fmt"
	"sync"
	"time"
)

// Figures are what came of many seeds.
type Figures struct {
	Seeds, Events, Failovers, Planned, Fenced, Verdicts, Violations int
	Virtual                                                         time.Duration
	Settled                                                         time.Duration // the longest
}

func (f *Figures) add(o Outcome) {
	f.Seeds++
	f.Events += o.Events
	f.Failovers += o.Failovers
	f.Planned += o.Planned
	f.Fenced += o.Fenced
	f.Verdicts += o.Verdicts
	f.Violations += len(o.Violations)
	f.Virtual += o.Virtual
	f.Settled = max(f.Settled, o.Settled)
}

func (f Figures) String() string {
	return fmt.Sprintf("seeds=%d events=%d virtual_hours=%.1f verdicts=%d failovers=%d planned=%d fenced=%d longest_settling=%s violations=%d",
		f.Seeds, f.Events, f.Virtual.Hours(), f.Verdicts, f.Failovers, f.Planned, f.Fenced, f.Settled.Round(time.Second), f.Violations)
}

// Sweep plays count seeds from base on, with so many workers. See is told of
// each outcome, in the order in which they come.
func Sweep(base, count uint64, workers int, play func(seed uint64) Outcome, see func(Outcome)) Figures {
	var all Figures
	var mu sync.Mutex
	var done sync.WaitGroup
	seeds := make(chan uint64)
	for range workers {
		done.Add(1)
		go func() {
			defer done.Done()
			for seed := range seeds {
				o := play(seed)
				mu.Lock()
				all.add(o)
				see(o)
				mu.Unlock()
			}
		}()
	}
	for seed := base; seed < base+count; seed++ {
		seeds <- seed
	}
	close(seeds)
	done.Wait()
	return all
}

// Replay is the line that plays a seed again, and shows what happens.
func Replay(seed uint64, scene, mutation string) string {
	line := fmt.Sprintf("make sim SEEDS=1 SEED_BASE=%d TRACE=1", seed)
	if scene != "" {
		line += fmt.Sprintf(" SCENE=%q", scene)
	}
	if mutation != "" {
		line += fmt.Sprintf(" MUTATION=%q", mutation)
	}
	return line
}
