package console

import "time"

// window is how many of the last lines of a container's own are remembered by
// their times. A log is nearly in the order of its times: what is written to
// the two outputs at one moment may change places.
const window = 128

// disorder is by how much a line may come too late.
const disorder = time.Millisecond

// anchor is where the container's own output has come to: the times of its
// last lines, in the order of the log.
type anchor struct {
	times [window]int64 // a ring
	count int           // lines that were noted
}

func (a *anchor) note(at time.Time) {
	a.times[a.count%window] = at.UnixNano()
	a.count++
}

// joint finds the place in a log up to which its lines are in the book.
type joint struct {
	since  time.Time // from when on the log has to be read; zero: all of it
	known  map[int64]int
	newest int64
	begun  bool // a line came that is known
	passed bool
}

// join makes a joint. The log is read from the middle of the window on, so that
// lines which changed places are still in it.
func (a anchor) join() *joint {
	j := &joint{known: map[int64]int{}}
	have := min(a.count, window)
	for back := range have {
		at := a.times[(a.count-1-back)%window]
		j.known[at]++
		j.newest = max(j.newest, at)
		if t := time.Unix(0, at); back < (have+1)/2 && (j.since.IsZero() || t.Before(j.since)) {
			j.since = t
		}
	}
	if have < window { // there is nothing before it that could come twice
		j.since = j.since.Add(-disorder)
	}
	if have == 0 {
		j.passed, j.since = true, time.Time{}
	}
	return j
}

// verdict is what a line is.
type verdict int

const (
	fresh verdict = iota
	known         // it is in the book
	torn          // it is new, and what was before it is not to be had
)

// pass judges the next line of a log that is read from since on.
func (j *joint) pass(at time.Time) verdict {
	if j.passed {
		return fresh
	}
	nanos := at.UnixNano()
	if j.known[nanos] > 0 {
		j.known[nanos]--
		j.begun = true
		return known
	}
	first := !j.begun
	j.begun = true
	if j.passed = nanos > j.newest; j.passed {
		j.known = nil
	}
	if first {
		return torn
	}
	return fresh
}
