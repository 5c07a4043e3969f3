package bench

import (
	"fmt"
	"strings"
	"time"
)

// target is what the median of a setting's rounds may be at most; a zero time
// is not asked for.
type target struct {
	setting     string
	replicas    int // 0: any number
	first, last time.Duration
	alone       bool // no old copy may run beside a new one
}

// targets are what Lormas has promised on such a machine. Swarm has none.
var targets = []target{
	{setting: "lormas 1.5 s, available", first: 1900 * time.Millisecond},
	{setting: "lormas 1.5 s, available", replicas: 20, last: 4 * time.Second},
	{setting: "lormas lan, exclusive", first: 5600 * time.Millisecond, last: 7 * time.Second, alone: true},
	{setting: "lormas fast, exclusive", alone: true},
	{setting: "lormas standard, exclusive", first: 32 * time.Second, alone: true},
	{setting: planned, replicas: 1, first: 2 * time.Second, alone: true}, // the demo's own stop takes no time
}

func (t target) meant(r Result) bool {
	return t.setting == r.Setting && (t.replicas == 0 || t.replicas == r.Replicas)
}

// missed says where a result falls short of the target.
func (t target) missed(r Result) []string {
	if len(r.Figures) == 0 {
		return []string{"not measured"}
	}
	var out []string
	over := func(what string, median, most time.Duration) {
		if most > 0 && median > most {
			out = append(out, fmt.Sprintf("%s %.2f s, not %.2f s", what, median.Seconds(), most.Seconds()))
		}
	}
	over("first", r.first().median, t.first)
	over("last", r.last().median, t.last)
	if old := r.old(); t.alone && old > 0 {
		out = append(out, fmt.Sprintf("%d old copies, not 0", old))
	}
	return out
}

// Verdict is one line: whether the medians are as promised, and where not.
func Verdict(results []Result) string {
	judged := 0
	var short []string
	for _, r := range results {
		var missed []string
		for _, t := range targets {
			if t.meant(r) {
				judged++
				missed = append(missed, t.missed(r)...)
			}
		}
		if len(missed) > 0 {
			short = append(short, fmt.Sprintf("%s, %s of %d: %s", r.Setting, r.Fault, r.Replicas, strings.Join(missed, ", ")))
		}
	}
	switch {
	case judged == 0:
		return "verdict: nothing was measured that has a target"
	case len(short) == 0:
		return "verdict: every target is reached"
	}
	return "verdict: missed: " + strings.Join(short, "; ")
}
