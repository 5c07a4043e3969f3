package chaos

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A seed is the same weather every time, and other seeds are other weather.
func TestASeedIsAWeather(t *testing.T) {
	one, again, other := Schedule(1, 5*time.Minute, 4), Schedule(1, 5*time.Minute, 4), Schedule(2, 5*time.Minute, 4)
	if d := cmp.Diff(one, again); d != "" {
		t.Error(d)
	}
	if cmp.Equal(one, other) {
		t.Error("two seeds give the same")
	}
	if len(one) < 20 {
		t.Errorf("%d faults in five minutes", len(one))
	}
}

// A node suffers one thing at a time: what the proof assumes.
func TestANodeSuffersOneThingAtATime(t *testing.T) {
	for seed := range int64(50) {
		until := map[int]time.Duration{}
		for _, i := range Schedule(seed, time.Hour, 4) {
			if i.At < until[i.Node] {
				t.Fatalf("seed %d: %+v begins before %s", seed, i, until[i.Node])
			}
			until[i.Node] = i.At + i.For
		}
	}
}

// Every fault that there is comes up, and each that can come up exists.
func TestEveryFaultComesUp(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range Schedule(3, 24*time.Hour, 4) {
		seen[i.Fault] = true
	}
	for name := range faults {
		if !seen[name] {
			t.Errorf("%q never comes up", name)
		}
	}
	for _, name := range slices.Concat(nodeFaults, centreFaults) {
		if _, ok := faults[name]; !ok {
			t.Errorf("there is no %q", name)
		}
	}
}
