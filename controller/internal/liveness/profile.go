package liveness

import "time"

// Profile is the set of numbers that a node lives by (FAILOVER §2). The
// agent is told its part of them with every lease.
type Profile struct {
	Heartbeat time.Duration // between two heartbeats
	Resend    time.Duration // of a heartbeat that was not acknowledged
	KeepAlive time.Duration // of MQTT
	Suspect   time.Duration // silence after which a node is no target any more
	Window    time.Duration // silence after which a node may be declared lost
	Lease     time.Duration // how long exclusive containers run on without contact
	CatchUp   time.Duration // how long a returning node has to get in sync
}

// Standard is the profile of a node that has no other.
func Standard() Profile {
	return Profile{
		Heartbeat: 10 * time.Second,
		Resend:    2 * time.Second,
		KeepAlive: 10 * time.Second,
		Suspect:   15 * time.Second,
		Window:    30 * time.Second,
		Lease:     25 * time.Second,
		CatchUp:   60 * time.Second,
	}
}
