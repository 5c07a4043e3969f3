package sim

import (
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Main is make sim: it plays seeds, tells of each that is red how to play it
// again, and ends with the figures. It returns the exit code: 1 with a
// violation, 2 with arguments that mean nothing.
func Main(args []string, out io.Writer) int {
	flags := flag.NewFlagSet("lormas-sim", flag.ContinueOnError)
	flags.SetOutput(out)
	seeds := flags.Uint64("seeds", 500, "how many histories are played")
	base := flags.Uint64("base", 1, "the first seed")
	workers := flags.Int("workers", runtime.NumCPU(), "how many at once")
	mutation := flags.String("mutation", "", "the rule that is taken away: "+strings.Join(names(), ", "))
	title := flags.String("scene", "", "play this scene, not histories by chance: "+strings.Join(titles(), ", "))
	trace := flags.Bool("trace", false, "show what happens; best with one seed")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	rules, err := without(*mutation)
	if err != nil {
		fmt.Fprintln(out, err)
		return 2
	}
	if *title != "" && !slices.Contains(titles(), *title) {
		fmt.Fprintf(out, "there is no scene %q; there are: %s\n", *title, strings.Join(titles(), ", "))
		return 2
	}
	began := time.Now()
	if *trace {
		*workers = 1
		for seed := *base; seed < *base+*seeds; seed++ {
			Act(*title, seed, rules, func(line string) { fmt.Fprintln(out, line) })
		}
	}
	all := Sweep(*base, *seeds, *workers, func(seed uint64) Outcome { return Act(*title, seed, rules, nil) }, func(o Outcome) {
		for _, v := range o.Violations {
			fmt.Fprintf(out, "seed %d: %s\n\t%s\n", o.Seed, v, Replay(o.Seed, *title, *mutation))
		}
	})
	fmt.Fprintf(out, "%s seconds=%.1f\n", all, time.Since(began).Seconds())
	if all.Violations > 0 {
		return 1
	}
	return 0
}

func titles() []string {
	var list []string
	for _, s := range scenes {
		list = append(list, s.name)
	}
	return list
}

// names are those of the mutations that can be played.
func names() []string {
	var list []string
	for _, m := range Mutations {
		if m.Break != nil {
			list = append(list, m.Name)
		}
	}
	return list
}

// without are the rules with one of them taken away; "" takes none.
func without(name string) (Rules, error) {
	var r Rules
	if name == "" {
		return r, nil
	}
	for _, m := range Mutations {
		if m.Name == name && m.Break != nil {
			m.Break(&r)
			return r, nil
		}
	}
	return r, fmt.Errorf("there is no mutation %q; there are: %s", name, strings.Join(names(), ", "))
}
