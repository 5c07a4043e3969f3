package chaos

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// Injury is a fault that is to happen.
type Injury struct {
	At, For time.Duration
	Fault   string
	Node    int // index; of faults of the controller's side: -1
}

// Bounds of how long a fault lasts, and of the pause between two.
const (
	minFault, maxFault = 500 * time.Millisecond, 12 * time.Second
	minPause, maxPause = time.Second, 6 * time.Second
	rest               = 8 * time.Second // of a node between two faults: it finds its way back
	calmCentre         = 15 * time.Second
)

// Schedule makes the weather of a seed. No node suffers two things at once,
// and neither does the controller's side.
func Schedule(seed int64, duration time.Duration, nodes int) []Injury {
	dice := rand.New(rand.NewPCG(uint64(seed), 0x10f3a5))
	free := make([]time.Duration, nodes+1) // the last is the controller's side
	var all []Injury
	for at := minPause; at < duration; at += between(dice, minPause, maxPause) {
		injury := Injury{At: at, For: between(dice, minFault, maxFault), Node: -1}
		place, pause := nodes, calmCentre
		if dice.IntN(5) == 0 {
			injury.Fault = centreFaults[dice.IntN(len(centreFaults))]
		} else {
			place, pause = dice.IntN(nodes), rest
			injury.Node, injury.Fault = place, nodeFaults[dice.IntN(len(nodeFaults))]
		}
		if at < free[place] {
			continue
		}
		free[place] = at + injury.For + pause
		all = append(all, injury)
	}
	slices.SortStableFunc(all, func(a, b Injury) int { return cmp.Compare(a.At, b.At) })
	return all
}

func between(dice *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(dice.Int64N(int64(most-least)))
}
