package lease

import "time"

// Start is the question whether a container may be started at a moment
// (FAILOVER §5.6 R2, §5.7). That it is desired, under this epoch, is for the
// asker to know.
type Start struct {
	HA, Exclusive bool
	Held          bool // exclusive: a lease on this copy runs, with enough left to start under
	Guarded       bool // exclusive: the guard answers
	Rebooted      bool // the machine has booted since this copy last ran
	InTouch       bool // the controller has answered since the machine booted
	Alone         time.Duration
	OfflineDelay  time.Duration // how long an available one waits after a boot without contact; negative: for ever
}

// Refusal says why a container may not be started now; "" when it may.
func (s Start) Refusal() string {
	switch {
	case s.Exclusive && !s.Guarded:
		return "the guard does not answer, and without it an exclusive container may not run: see that lormas-guard runs on the node"
	case s.Exclusive && !s.Held:
		return "it is exclusive and the node has no lease: it starts when the controller is reached again"
	case s.Exclusive || !s.HA || !s.Rebooted || s.InTouch:
		return ""
	case s.OfflineDelay < 0:
		return "the node has booted and the controller, which may have moved the container, is out of reach"
	case s.Alone < s.OfflineDelay:
		return "the node has booted: it waits a while for the controller, which may have moved the container"
	}
	return ""
}
