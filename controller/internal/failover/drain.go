package failover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// Draining is a node that is being emptied.
type Draining struct {
	Drain     fleet.Drain
	Residents []Resident        // what it still has
	Tried     []fleet.Migration // of this drain
}

// Resident is a container that the node still has.
type Resident struct {
	Container fleet.Container
	Moving    bool // by this drain or by something else
}

// Emptying is what a drain has come to.
type Emptying struct {
	Queue []fleet.Container // to be moved now
	Over  bool
	Job   fleet.JobState // with Over: how it ended; else running
	Done  int            // percent
	Step  string         // for people
	Error string
}

// Drain decides what is next for a drain. A container is tried once: one that
// could not be moved stays, and is named.
func Drain(d Draining) Emptying {
	failed := map[string]string{} // why, by container
	var moved, open int
	for _, m := range d.Tried {
		switch {
		case m.State == fleet.MigrationDone:
			moved++
		case m.State.Final():
			failed[m.ContainerID.String()] = m.Error
		default:
			open++
		}
	}
	e := Emptying{Job: fleet.JobRunning}
	var stays, broken []string
	waits := open
	for _, r := range d.Residents {
		why, tried := failed[r.Container.ID.String()]
		switch staying := stay(r.Container, d.Drain); {
		case r.Moving && !moving(d.Tried, r.Container):
			waits++ // by something else: it will be looked at again
		case r.Moving:
		case tried:
			broken = append(broken, fmt.Sprintf("%s (%s)", r.Container.Name, why))
		case staying != "":
			stays = append(stays, fmt.Sprintf("%s (%s)", r.Container.Name, staying))
		default:
			e.Queue = append(e.Queue, r.Container)
		}
	}
	total := moved + waits + len(e.Queue) + len(broken)
	e.Done = 100
	if total > 0 {
		e.Done = 100 * moved / total
	}
	e.Step = fmt.Sprintf("%d of %d containers have moved", moved, total)
	if waits+len(e.Queue) > 0 {
		return e
	}
	e.Over, e.Job = true, fleet.JobSucceeded
	if len(stays) > 0 {
		e.Step += "; these stay: " + list(stays)
	}
	if len(broken) > 0 {
		e.Job, e.Error = fleet.JobFailed, "these could not be moved: "+list(broken)
	}
	return e
}

func moving(tried []fleet.Migration, c fleet.Container) bool {
	return slices.ContainsFunc(tried, func(m fleet.Migration) bool { return m.ContainerID == c.ID && !m.State.Final() })
}

// stay is why a container does not leave with a drain, or "".
func stay(c fleet.Container, d fleet.Drain) string {
	if c.Type == fleet.HA {
		return ""
	}
	if !d.Standard {
		return "standard"
	}
	for _, v := range c.Spec.Volumes {
		if !v.Shared && !v.ReadOnly {
			return "standard, and its data in " + v.Container + " would stay behind"
		}
	}
	return ""
}

// most is how many containers are named.
const most = 10

func list(names []string) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
