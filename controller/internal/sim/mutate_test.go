package sim

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestSearch(t *testing.T) {
	most := uint64(600)
	if s := os.Getenv("MOST"); s != "" {
		most, _ = strconv.ParseUint(s, 10, 64)
	}
	only := os.Getenv("ONLY")
	var wg sync.WaitGroup
	gate := make(chan struct{}, 2)
	for _, m := range Mutations {
		if only != "" && !strings.Contains(m.Name, only) {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			gate <- struct{}{}
			defer func() { <-gate }()
			var r Rules
			m.Break(&r)
			kinds := map[string]int{}
			var seeds []uint64
			for s := uint64(1); s <= most && len(seeds) < 4; s++ {
				o := Run(s, r, nil)
				if len(o.Violations) > 0 {
					seeds = append(seeds, s)
					for _, v := range o.Violations {
						kinds[v.Invariant]++
					}
				}
			}
			t.Logf("%-28s %v %v", m.Name, seeds, kinds)
		}()
	}
	wg.Wait()
}
