package broker

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// filters of a small world: brute force can try every topic of it.
var (
	levels     = []string{"a", "b", ""}
	anyFilter  = rapid.Custom(drawFilter)
	worldDepth = 4
)

func drawFilter(t *rapid.T) filter {
	f := filter(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "", "+"}), 1, worldDepth-1).Draw(t, "levels"))
	if rapid.Bool().Draw(t, "hash") {
		f[len(f)-1] = "#"
	}
	if slices.Equal(f, filter{"+", "#"}) {
		return filter{"#"} // the same by another name, which contains does not know
	}
	return f
}

// topicsUpTo lists every topic of 1 to depth levels.
func topicsUpTo(depth int) [][]string {
	var out [][]string
	shorter := [][]string{nil}
	for range depth {
		var longer [][]string
		for _, s := range shorter {
			for _, l := range levels {
				longer = append(longer, append(append([]string(nil), s...), l))
			}
		}
		out = append(out, longer...)
		shorter = longer
	}
	return out
}

// matches is the definition of MQTT 3.1.1, 4.7, level by level.
func matches(f filter, topic []string) bool {
	for i, level := range f {
		if level == "#" {
			return true
		}
		if i >= len(topic) || (level != "+" && level != topic[i]) {
			return false
		}
	}
	return len(f) == len(topic)
}

func TestFilterContainsIsTheSubsetOfTopics(t *testing.T) {
	topics := topicsUpTo(worldDepth)
	rapid.Check(t, func(t *rapid.T) {
		outer, inner := anyFilter.Draw(t, "outer"), anyFilter.Draw(t, "inner")
		want := true
		for _, topic := range topics {
			want = want && (!matches(inner, topic) || matches(outer, topic))
		}
		if got := outer.contains(inner); got != want {
			t.Fatalf("%q contains %q: %v, by brute force %v", outer, inner, got, want)
		}
	})
}

func TestFilterOverlapsIsACommonTopic(t *testing.T) {
	topics := topicsUpTo(worldDepth)
	rapid.Check(t, func(t *rapid.T) {
		f, g := anyFilter.Draw(t, "f"), anyFilter.Draw(t, "g")
		want := false
		for _, topic := range topics {
			want = want || (matches(f, topic) && matches(g, topic))
		}
		if got := f.overlaps(g); got != want {
			t.Fatalf("%q overlaps %q: %v, by brute force %v", f, g, got, want)
		}
	})
}

func TestParseFilter(t *testing.T) {
	for _, c := range []struct {
		in string
		ok bool
	}{
		{"a", true}, {"a/b", true}, {"/", true}, {"+", true}, {"#", true}, {"a/+/b/#", true}, {"+/+", true},
		{"", false}, {"a#", false}, {"a/#/b", false}, {"#/", false}, {"a+", false}, {"+a/b", false}, {"a/b+", false},
	} {
		f, ok := parseFilter(c.in)
		if ok != c.ok || (ok && strings.Join(f, "/") != c.in) {
			t.Errorf("parseFilter(%q) = %q, %v", c.in, f, ok)
		}
	}
}
