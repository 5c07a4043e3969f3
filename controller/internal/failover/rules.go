package failover

import "time"

// Rules are the numbers that migrations live by.
type Rules struct {
	Reserved time.Duration // a place is kept for a migration that cannot go on
	Stop     time.Duration // the holder has to confirm its stop, above the container's own grace
	Start    time.Duration // the target has to report it running
	Pull     time.Duration // the same, while it fetches the image
	Install  time.Duration // the same, where it has to be installed because its data stayed behind, unless that may take longer
	Settle   time.Duration // the target may fail before another is asked: its agent tries again by itself
	Return   time.Duration // the source has to report it running again
	Margin   time.Duration // above the window of a node that is fenced

	Attempts int             // targets in a row, before a pause
	Pauses   []time.Duration // one after the other; the last one over and over
	Retry    time.Duration   // between two looks for a place, when nothing else happens

	Active     int // planned migrations under way
	PerSource  int // of one node
	PerCluster int // of the nodes of one cluster
	PerTarget  int // starts at one node at which planned ones look elsewhere
}

// Default is what FAILOVER §7 says.
func Default() Rules {
	return Rules{
		Reserved: 10 * time.Minute, Stop: 2 * time.Minute, Start: 2 * time.Minute, Pull: 10 * time.Minute,
		Install: 75 * time.Minute,
		Settle:  15 * time.Second, Return: 2 * time.Minute, Margin: 5 * time.Second,
		Attempts: 3, Pauses: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}, Retry: 30 * time.Second,
		Active: 200, PerSource: 5, PerCluster: 50, PerTarget: 3,
	}
}

// pause is how long a migration rests that has asked so many targets.
func (r Rules) pause(attempt int) time.Duration {
	if r.Attempts <= 0 || len(r.Pauses) == 0 || attempt%r.Attempts != 0 {
		return 0
	}
	return r.Pauses[min(attempt/r.Attempts, len(r.Pauses))-1]
}
