package sim

import (
	"os"
	"strconv"
	"testing"
)

func TestTrace(t *testing.T) {
	s, _ := strconv.ParseUint(os.Getenv("SEED_BASE"), 10, 64)
	var r Rules
	for _, m := range Mutations {
		if m.Name == os.Getenv("MUT") {
			m.Break(&r)
		}
	}
	Run(s, r, func(l string) { t.Log(l) })
}
