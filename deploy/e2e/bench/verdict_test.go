package bench

import (
	"strings"
	"testing"
	"time"
)

func result(setting string, replicas, old int, first, last time.Duration) Result {
	return Result{Setting: setting, Fault: "cut", Replicas: replicas, Figures: []Figure{{First: first, Last: last, Old: old}}}
}

func TestVerdict(t *testing.T) {
	const s = time.Second
	for _, test := range []struct {
		name   string
		result Result
		want   string
	}{
		{"as promised", result("lormas lan, exclusive", 20, 0, 5*s, 7*s), "every target is reached"},
		{"the last is late", result("lormas lan, exclusive", 20, 0, 5*s, 8*s), "cut of 20: last 8.00 s, not 7.00 s"},
		{"the first is late", result("lormas standard, exclusive", 1, 0, 33*s, 33*s), "first 33.00 s, not 32.00 s"},
		{"two copies of an exclusive one", result("lormas fast, exclusive", 20, 1, 8*s, 9*s), "1 old copies, not 0"},
		{"two copies of an available one", result("lormas 1.5 s, available", 20, 20, s, 4*s), "every target is reached"},
		{"a target for 20 alone", result("lormas 1.5 s, available", 20, 0, s, 5*s), "last 5.00 s, not 4.00 s"},
		{"not measured", Result{Setting: "lormas lan, exclusive", Replicas: 1}, "not measured"},
		{"somebody else", result("swarm default", 20, 20, 20*s, 24*s), "nothing was measured"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Verdict([]Result{test.result}); !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q in it", got, test.want)
			}
		})
	}
}

func TestEveryTargetIsOfSomethingMeasured(t *testing.T) {
	known := map[string]bool{planned: true}
	for _, room := range rooms {
		known[room.name] = true
	}
	for _, target := range targets {
		if !known[target.setting] {
			t.Errorf("no setting is called %q", target.setting)
		}
	}
}
