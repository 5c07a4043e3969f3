package placement

import (
	"slices"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// reason is the first thing that keeps a node from taking a container.
type reason int

const (
	fine reason = iota
	neverJoined
	isSource
	failedBefore
	notHealthy
	silent
	noDocker
	cordoned
	draining
	quarantined
	unguarded
	noExclusive
	otherArch
	busy
	lacksCPU
	lacksMemory
	lacksDisk
	portTaken
	reasons // how many there are
)

// fault finds the first thing wrong with a candidate.
func (r *Request) fault(c *Candidate) reason {
	for _, filter := range [...]func(*Request, *Candidate) reason{
		(*Request).presence, (*Request).operators, (*Request).kind, (*Request).room,
	} {
		if why := filter(r, c); why != fine {
			return why
		}
	}
	return fine
}

// presence refuses nodes that are not there. One that was asked for by name
// may be waited for: what it should run is kept for it. It must have joined,
// though, as nobody knows what it has to give before.
func (r *Request) presence(c *Candidate) reason {
	switch {
	case !c.Joined:
		return neverJoined
	case r.From != nil && *r.From == c.Node:
		return isSource
	case slices.Contains(r.Excluded, c.Node):
		return failedBefore
	case r.Waits:
		return fine
	case c.State != fleet.NodeHealthy:
		return notHealthy
	case c.Silent:
		return silent
	case c.NoDocker:
		return noDocker
	}
	return fine
}

// operators refuses nodes that somebody, or flap damping, has taken out of
// use.
func (r *Request) operators(c *Candidate) reason {
	switch {
	case c.Draining:
		return draining
	case c.Cordoned && !r.Force:
		return cordoned
	case c.Quarantined && !r.Force && !r.Waits:
		return quarantined
	}
	return fine
}

// kind refuses nodes that are not of the kind that the container needs.
func (r *Request) kind(c *Candidate) reason {
	switch {
	case r.Exclusive && c.NoExclusive:
		return noExclusive
	case r.Exclusive && !c.Guarded:
		return unguarded
	case r.Arch != "" && c.Arch != "" && r.Arch != c.Arch:
		return otherArch
	}
	return fine
}

// room refuses nodes that have not enough left.
func (r *Request) room(c *Candidate) reason {
	free := c.Free()
	switch {
	case r.MaxStarting > 0 && c.Starting >= r.MaxStarting:
		return busy
	case r.Want.Memory > free.Memory:
		return lacksMemory
	case r.Want.CPU > free.CPU:
		return lacksCPU
	case r.Want.Disk > free.Disk:
		return lacksDisk
	}
	if _, found := takenPort(r.Ports, c.Taken); found {
		return portTaken
	}
	return fine
}
