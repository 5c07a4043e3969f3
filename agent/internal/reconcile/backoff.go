package reconcile

import "time"

const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	// steady is how long a container must have run for its next crash to
	// count as the first one.
	steady = 10 * time.Minute
	// maxCrashes in a row, which take about an hour, and it is left as it is:
	// what is broken for so long somebody has to mend. A start that somebody
	// asks for, a change of the container, or a restart of the agent begins
	// anew.
	maxCrashes = 20
)

// pause is how long to wait after so many failures or crashes in a row.
func pause(inARow int) time.Duration {
	const enough = 9 // doublings to pass the last pause
	return min(lastPause, firstPause<<min(max(inARow-1, 0), enough))
}

// crashesAfter counts a crash of a container that had run for a while.
func crashesAfter(inARow int, ran time.Duration) int {
	if ran >= steady {
		return 1
	}
	return inARow + 1
}
