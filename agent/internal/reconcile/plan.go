package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// verb is what a step tells the engine to do.
type verb string

const (
	none   verb = ""
	create verb = "create"
	start  verb = "start"
	update verb = "update"
	stop   verb = "stop"
	remove verb = "remove"

	verify  verb = "verify"  // whether the volume is installed
	install verb = "install" // the volume, and wait for the end
	abort   verb = "abort"   // an installation that is not wanted
)

// How many steps of a kind are under way at most. A pull can take minutes,
// so starting what is there does not wait for creates.
const (
	maxCreates  = 3
	maxStarts   = 4
	maxInstalls = 4
)

// barrier is how long the start of others waits for take-aways at most: one
// container that is slow to stop must not hold up the node.
const barrier = 10 * time.Second

// world is everything that a plan is made from.
type world struct {
	now      time.Time
	subjects map[id.ContainerID]*subject
	specs    map[string]spec.Container // by hash
}

// step is one verb on one container.
type step struct {
	verb verb
	id   id.ContainerID
	want want
	how  spec.Stop // of stop
}

// plan says what to begin now, and when to plan again if nothing happens
// before; zero is never. It changes nothing.
func plan(w world) (begin []step, again time.Time) {
	earliest := func(at time.Time) {
		if again.IsZero() || at.Before(again) {
			again = at
		}
	}
	var next []step
	updating := false
	for _, s := range w.subjects {
		updating = updating || s.busy == update
		candidate := w.next(s)
		switch {
		case candidate.verb == none:
		case w.now.Before(s.notBefore):
			earliest(s.notBefore)
		default:
			next = append(next, candidate)
			updating = updating || candidate.verb == update
		}
	}
	slices.SortFunc(next, func(a, b step) int {
		return cmp.Or(cmp.Compare(turn(a.verb), turn(b.verb)), cmp.Compare(a.id.String(), b.id.String()))
	})
	clear := w.clearAt(next)
	if w.now.Before(clear) {
		earliest(clear)
	}
	room := w.room()
	for _, candidate := range next {
		switch turn(candidate.verb) {
		case 1:
			if w.now.Before(clear) {
				continue
			}
		case 2:
			if updating || w.now.Before(clear) || room[candidate.verb] <= 0 {
				continue
			}
			room[candidate.verb]--
		}
		begin = append(begin, candidate)
	}
	return begin, again
}

// turn is the order in which containers get their turn.
func turn(v verb) int {
	switch v {
	case none, stop, remove, abort, verify:
		return 0
	case update:
		return 1
	case create, start, install:
		return 2
	}
	return 2
}

// next is what has to be done next about one container, sooner or later.
func (w world) next(s *subject) step {
	if s.want == nil || !s.idle() || s.ahead() {
		return step{}
	}
	todo := step{id: s.id, want: *s.want}
	switch {
	case s.strayFiller():
		todo.verb = abort
	case s.takeAway() && s.found.Running:
		todo.verb, todo.how = stop, w.howToStop(s)
	case s.takeAway():
		todo.verb = remove
	case s.tooFull():
		if s.running() {
			todo.verb, todo.how = stop, w.howToStop(s)
		}
	case s.want.Power == spec.Running:
		todo.verb = w.towardsRunning(s)
		todo.how = w.howToStop(s)
	case s.running():
		todo.verb, todo.how = stop, w.howToStop(s)
	}
	return todo
}

func (w world) towardsRunning(s *subject) verb {
	if s.want.spec == nil {
		return none
	}
	if todo, first := s.towardsInstalled(); first {
		return todo
	}
	if s.found == nil {
		return create
	}
	if s.asksAnew() && !s.found.Running {
		return create // what it is made of names the installation
	}
	switch w.change(s) {
	case spec.Recreate:
		if s.found.Running {
			return stop
		}
		return create
	case spec.Update:
		return update
	case spec.Same:
	}
	switch {
	case s.found.Running && s.restart != nil && !s.restart.stopped:
		return stop
	case s.found.Running:
		return none
	case s.found.State == runtime.Dead:
		return create
	case s.refusal != "" || s.gaveUp():
		return none
	}
	return start
}

// change classifies the way from what was found to what is wanted. A spec
// that nobody remembers could be anything.
func (w world) change(s *subject) spec.Change {
	if s.found.SpecHash == s.want.SpecHash {
		return spec.Same
	}
	from, known := w.specs[s.found.SpecHash]
	if !known {
		return spec.Recreate
	}
	return spec.Diff(from, *s.want.spec)
}

// howToStop asks a container to end in the way that the spec it was made of
// says.
func (w world) howToStop(s *subject) spec.Stop {
	if s.found != nil {
		if made, known := w.specs[s.found.SpecHash]; known {
			return made.Stop
		}
	}
	if s.want.spec != nil {
		return s.want.spec.Stop
	}
	return spec.Stop{}
}

// clearAt is when take-aways are out of the way of the others: zero when
// there are none under way or to begin.
func (w world) clearAt(next []step) time.Time {
	var at time.Time
	pending := map[id.ContainerID]bool{}
	for _, n := range next {
		pending[n.id] = true
	}
	for _, s := range w.subjects {
		if s.takeAway() && (pending[s.id] || !s.idle()) && s.awaySince.Add(barrier).After(at) {
			at = s.awaySince.Add(barrier)
		}
	}
	return at
}

// crowdedOut are the containers whose installation would begin now, were it
// not for those of others.
func (w world) crowdedOut(begin []step) map[id.ContainerID]bool {
	out := map[id.ContainerID]bool{}
	for c, s := range w.subjects {
		if w.next(s).verb == install && !w.now.Before(s.notBefore) {
			out[c] = true
		}
	}
	for _, s := range begin {
		delete(out, s.id)
	}
	return out
}

func (w world) room() map[verb]int {
	room := map[verb]int{create: maxCreates, start: maxStarts, install: maxInstalls}
	for _, s := range w.subjects {
		room[s.busy]--
	}
	return room
}
