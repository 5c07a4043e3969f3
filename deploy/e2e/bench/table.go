package bench

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// spread is the least, the middle and the most of durations.
type spread struct{ min, median, max time.Duration }

func spreadOf(all []time.Duration) spread {
	if len(all) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(all))
	return spread{sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]}
}

func (s spread) String() string {
	return fmt.Sprintf("%.2f / %.2f / %.2f", s.min.Seconds(), s.median.Seconds(), s.max.Seconds())
}

// first and last are the figures of a result.
func (r Result) first() spread { return r.spread(func(f Figure) time.Duration { return f.First }) }
func (r Result) last() spread  { return r.spread(func(f Figure) time.Duration { return f.Last }) }

func (r Result) spread(of func(Figure) time.Duration) spread {
	var all []time.Duration
	for _, f := range r.Figures {
		all = append(all, of(f))
	}
	return spreadOf(all)
}

// old is the most copies that were seen on a lost node.
func (r Result) old() int {
	most := 0
	for _, f := range r.Figures {
		most = max(most, f.Old)
	}
	return most
}

// Print writes a table, as README.md has it, and a verdict.
func Print(out io.Writer, results []Result) {
	fmt.Fprintln(out, "| | fault | replicas | first runs elsewhere, s | last, s | old copies then |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	for _, r := range results {
		fmt.Fprintf(out, "| %s | %s | %d | %s | %s | %d |\n", r.Setting, r.Fault, r.Replicas, r.first(), r.last(), r.old())
	}
	fmt.Fprintln(out, "\nmin / median / max of the rounds, from the moment of the fault")
	fmt.Fprintln(out, Verdict(results))
}
