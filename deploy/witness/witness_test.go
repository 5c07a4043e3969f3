package witness_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/deploy/witness"
)

// shared writes files as copies would have, and reads them.
func shared(t *testing.T, files map[string]string) []witness.Run {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := witness.Runs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestOverlaps(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		files map[string]string
		want  []witness.Overlap
	}{
		"one after the other": {map[string]string{
			"c/1~n1~a": "100000000 held\n200000000 held\n", "c/2~n2~b": "300000000 held\n",
		}, nil},
		"side by side": {map[string]string{
			"c/1~n1~a": "100000000 held\n900000000 held\n", "c/2~n2~b": "300000000 refused\n400000000 refused\n",
		}, []witness.Overlap{{"c", 300 * ms, 400 * ms, []string{"epoch 1 on n1", "epoch 2 on n2"}}}},
		"between two lines, seen by the lock alone": {map[string]string{
			"c/1~n1~a": "100000000 held\n200000000 held\n", "c/2~n2~b": "250000000 refused\n350000000 held\n",
		}, []witness.Overlap{{"c", 250 * ms, 250 * ms, []string{"epoch 2 on n2"}}}},
		"twice": {map[string]string{
			"c/1~n1~a": "100000000 held\n5000000000 held\n", "c/2~n2~b": "300000000 held\n400000000 held\n", "c/3~n2~c": "4300000000 held\n4400000000 held\n",
		}, []witness.Overlap{{"c", 300 * ms, 400 * ms, []string{"epoch 1 on n1", "epoch 2 on n2"}}, {"c", 4300 * ms, 4400 * ms, []string{"epoch 1 on n1", "epoch 3 on n2"}}}},
		"two containers are none": {map[string]string{
			"c/1~n1~a": "100000000 held\n900000000 held\n", "d/1~n1~a": "100000000 held\n900000000 held\n", "d/lock": "",
		}, nil},
		"a line that is not whole": {map[string]string{
			"c/1~n1~a": "100000000 held\n2000", "c/2~n2~b": "150000000 held\n160000000 held\n", "c/3~n3~c": "",
		}, nil},
	} {
		got := witness.Overlaps(shared(t, c.files))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTotal(t *testing.T) {
	all := []witness.Overlap{{Container: "c", From: 1, To: 3}, {Container: "d", From: 1, To: 9}, {Container: "c", From: 5, To: 6}}
	if got := witness.Total(witness.Of("c", all)); got != 3 {
		t.Errorf("%s", got)
	}
}

// Real copies: one that runs alone is never refused, and a second one beside
// it is seen.
func TestCopiesSeeEachOther(t *testing.T) {
	dir := t.TempDir()
	begin := func(epoch string) (end func()) {
		c, err := witness.FromEnv(func(name string) string {
			return map[string]string{"LORMAS_CONTAINER": "c", "LORMAS_NODE": "n" + epoch, "LORMAS_EPOCH": epoch, "WITNESS_DIR": dir}[name]
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	await := func(what string, is func([]witness.Run) bool) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(time.Minute); ; <-tick.C {
			runs, err := witness.Runs(dir)
			if err != nil {
				t.Fatal(err)
			}
			if is(runs) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited for %s in vain: %+v", what, runs)
			}
		}
	}
	runs := func(n int) func([]witness.Run) bool {
		return func(all []witness.Run) bool { return len(all) == n && all[n-1].Last > all[n-1].First }
	}
	endFirst := begin("1")
	await("the first", runs(1))
	endFirst()
	endSecond := begin("2")
	await("the second", runs(2))
	all, err := witness.Runs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if found := witness.Overlaps(all); len(found) != 0 {
		t.Errorf("one after the other: %v", found)
	}
	endThird := begin("3")
	await("the third", runs(3))
	endThird()
	endSecond()
	if all, err = witness.Runs(dir); err != nil {
		t.Fatal(err)
	}
	found := witness.Overlaps(all)
	if len(found) != 1 || witness.Total(found) < witness.Every/2 || len(all[2].Refused) == 0 {
		t.Errorf("two side by side: %v of %+v", found, all)
	}
	if len(found) > 0 && !strings.Contains(found[0].String(), "epoch 2 on n2 and epoch 3 on n3") {
		t.Errorf("it reads: %s", found[0])
	}
}

func TestACopyNeedsToKnowWhoItIs(t *testing.T) {
	if _, err := witness.FromEnv(func(string) string { return "" }); err == nil {
		t.Error("it does not")
	}
}
