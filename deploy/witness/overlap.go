package witness

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Run is what one copy has written down.
type Run struct {
	Container, Node, ID string
	Epoch               int64
	First, Last         time.Duration   // monotonic
	Refused             []time.Duration // another copy held the lock
}

// Overlap is a period in which more than one copy of a container ran.
type Overlap struct {
	Container string
	From, To  time.Duration // monotonic
	Runs      []string      // epoch and node of each
}

func (o Overlap) String() string {
	return fmt.Sprintf("%s: %s side by side from %s to %s, that is %s", o.Container, strings.Join(o.Runs, " and "), o.From, o.To, o.To-o.From)
}

// Runs reads all that was written below dir, by container and first line. A
// copy that wrote nothing did not run.
func Runs(dir string) ([]Run, error) {
	var runs []Run
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == lockName {
			return err
		}
		run, some, err := readRun(path)
		if some {
			runs = append(runs, run)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what the witnesses wrote: %w", err)
	}
	slices.SortFunc(runs, func(a, b Run) int {
		return cmp.Or(cmp.Compare(a.Container, b.Container), cmp.Compare(a.First, b.First))
	})
	return runs, nil
}

func readRun(path string) (run Run, some bool, err error) {
	parts := strings.Split(filepath.Base(path), "~")
	if len(parts) != 3 {
		return run, false, fmt.Errorf("%s is no witness's file", path)
	}
	run = Run{Container: filepath.Base(filepath.Dir(path)), Node: parts[1], ID: parts[2]}
	if run.Epoch, err = strconv.ParseInt(parts[0], 10, 64); err != nil {
		return run, false, fmt.Errorf("%s: %w", path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return run, false, err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1] // a line that is still being written is none
	for line := range strings.Lines(string(whole)) {
		stamp, mark, _ := strings.Cut(strings.TrimSpace(line), " ")
		at, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil {
			return run, false, fmt.Errorf("%s: %w", path, err)
		}
		if !some {
			run.First, some = time.Duration(at), true
		}
		run.Last = time.Duration(at)
		if mark == refused {
			run.Refused = append(run.Refused, run.Last)
		}
	}
	return run, some, nil
}

// Overlaps lists the periods in which two copies of a container ran side by
// side, in order, those that touch as one.
func Overlaps(runs []Run) []Overlap {
	var found []Overlap
	for i, a := range runs {
		for _, b := range runs[i+1:] {
			from, to := max(a.First, b.First), min(a.Last, b.Last)
			if a.Container == b.Container && from < to {
				found = append(found, Overlap{a.Container, from, to, []string{a.place(), b.place()}})
			}
		}
		for _, at := range a.Refused {
			found = append(found, Overlap{a.Container, at, at, []string{a.place()}})
		}
	}
	return merge(found)
}

func (r Run) place() string { return fmt.Sprintf("epoch %d on %s", r.Epoch, r.Node) }

// merge joins what touches: a pair of runs and the locks refused meanwhile are
// one and the same.
func merge(found []Overlap) []Overlap {
	slices.SortFunc(found, func(a, b Overlap) int {
		return cmp.Or(cmp.Compare(a.Container, b.Container), cmp.Compare(a.From, b.From))
	})
	var out []Overlap
	for _, o := range found {
		last := len(out) - 1
		// Two lines of one copy are one period; more than that apart are two.
		if last < 0 || out[last].Container != o.Container || o.From > out[last].To+2*Every {
			out = append(out, o)
			continue
		}
		out[last].To = max(out[last].To, o.To)
		for _, place := range o.Runs {
			if !slices.Contains(out[last].Runs, place) {
				out[last].Runs = append(out[last].Runs, place)
			}
		}
	}
	return out
}

// Of is the part of the overlaps that one container had.
func Of(container string, all []Overlap) []Overlap {
	return slices.DeleteFunc(slices.Clone(all), func(o Overlap) bool { return o.Container != container })
}

// Total is how long copies ran side by side.
func Total(overlaps []Overlap) time.Duration {
	var sum time.Duration
	for _, o := range overlaps {
		sum += o.To - o.From
	}
	return sum
}
