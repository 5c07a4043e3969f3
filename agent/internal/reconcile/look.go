package reconcile

import (
	"context"
	"slices"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// lookPatience is how long a full look may take. An engine that hangs is one
// that does not answer.
const lookPatience = 15 * time.Second

// suspicious is how shortly before the engine went away a crash must have
// been to count as the engine's: stopping, it stops its containers first.
const suspicious = 15 * time.Second

// touch notes that a subject changed, so that a look which began earlier
// does not overwrite it.
func (r *Reconciler) touch(s *subject) {
	r.events++
	s.touched = r.events
}

// lookWithin has the engine looked at after d at the latest.
func (r *Reconciler) lookWithin(d time.Duration) {
	if at := time.Now().Add(d); at.Before(r.engine.lookAt) {
		r.engine.lookAt = at
	}
}

// look begins a full look at the engine when one is due.
func (r *Reconciler) look(now time.Time) {
	if r.engine.looking || now.Before(r.engine.lookAt) {
		return
	}
	r.engine.looking = true
	r.engine.lookAt = now.Add(lookEvery)
	began := r.events
	ctx, cancel := context.WithTimeout(r.ctx, lookPatience)
	r.work.Go(func() {
		defer cancel()
		list, err := r.Runtime.List(ctx)
		r.tell(func() { r.looked(list, err, began) })
	})
}

// looked takes in a full look that began after so many events.
func (r *Reconciler) looked(list []runtime.Found, err error, began uint64) {
	r.engine.looking = false
	if err != nil {
		r.engineAway(err)
		return
	}
	if !r.engine.answers {
		r.Log.Info("the container engine answers", "containers", len(list))
	}
	r.engine.answers, r.engine.missed = true, false
	there, fillers := newest(list, false), newest(list, true)
	for _, f := range list {
		r.subject(f.ID)
	}
	now := time.Now()
	for c, s := range r.subjects {
		if s.busy == none && s.touched <= began {
			r.ask(s)
			s.filler = fillers[c]
			s.find(there[c], now)
			r.bindSoon(s)
		}
		r.after(s, now)
	}
	r.tidy(list)
	if r.neverLooked() {
		r.publish()
		close(r.first)
		r.load() // what could not be judged without a look
	}
}

// newest are the containers of a list, or the installers, by what they are of.
func newest(list []runtime.Found, installers bool) map[id.ContainerID]*runtime.Found {
	there := map[id.ContainerID]*runtime.Found{}
	for i := range list {
		f := &list[i]
		if known := there[f.ID]; f.Installer == installers && (known == nil || known.Epoch < f.Epoch) {
			there[f.ID] = f
		}
	}
	return there
}

func (r *Reconciler) neverLooked() bool {
	select {
	case <-r.first:
		return false
	default:
		return true
	}
}

// tidy tells the ledger which specs the engine still needs.
func (r *Reconciler) tidy(list []runtime.Found) {
	hashes := []string{}
	for _, f := range list {
		hashes = append(hashes, f.SpecHash)
	}
	slices.Sort(hashes)
	if err := r.Ledger.Tidy(slices.Compact(hashes)); err != nil {
		r.Log.Warn("the ledger was not tidied; it is tried again with the next look", "error", err)
	}
}

// after is called when something was learned of a container.
func (r *Reconciler) after(s *subject, now time.Time) {
	s.noteTakeAway(now)
	r.watchConsole(s)
	if s.want == nil && s.found == nil && s.filler == nil && s.busy == none {
		delete(r.subjects, s.id)
	}
	if s.unsure {
		r.lookWithin(lookSoon)
	}
}

// find takes in what a look found of a container.
func (s *subject) find(found *runtime.Found, now time.Time) {
	ran, guessed := s.running(), s.unsure
	s.found, s.unsure = found, false
	switch {
	case s.running() && !ran:
		s.newRun()
	case s.running():
		s.up = true
	case s.up:
		if guessed {
			s.newRun() // a start worked, for a run too short to be seen
		}
		s.crash(now)
	}
}

// crash notes that a container ended which nobody had asked to. When it
// should not run any more, that saves us a step.
func (s *subject) crash(now time.Time) {
	s.up = false
	if s.want == nil || s.want.Power != spec.Running || s.found == nil {
		return
	}
	if s.fenced = s.late && s.found.Exclusive; s.fenced {
		return
	}
	if s.bidden == s.run {
		return // and is started again at once, as it should run
	}
	s.crashes = crashesAfter(s.crashes, now.Sub(s.found.StartedAt))
	if s.crashes == 1 {
		s.crashedIn = s.found.StartedAt
	}
	s.crashed, s.crashedAt = true, now
	s.notBefore = now.Add(pause(s.crashes))
	s.failure = s.ending()
}

// changed takes in an event of the engine.
func (r *Reconciler) changed(c runtime.Change) {
	if c.Kind == runtime.Relist {
		r.relist()
		return
	}
	s := r.subjects[c.ID]
	switch {
	case c.Installer: // whoever installs waits for its end
	case s == nil || s.found == nil:
		r.lookWithin(lookSoon) // somebody else made it
	case c.DockerID == s.formerID, s.found.DockerID != "" && c.DockerID != s.found.DockerID:
		// of one that was replaced
	default:
		r.touch(s)
		r.ask(s)
		s.hear(c, time.Now())
		r.after(s, time.Now())
	}
}

// hear takes in an event of the container that is there now.
func (s *subject) hear(c runtime.Change, now time.Time) {
	found := *s.found
	found.DockerID = c.DockerID
	switch c.Kind {
	case runtime.Started:
		found.State, found.Running, found.StartedAt, found.OOM, found.Health = runtime.Running, true, c.At, false, ""
		s.newRun()
		s.up = s.busy != stop && s.busy != remove
	case runtime.OutOfMem:
		s.oom = true
	case runtime.Judged:
		found.Health = c.Health
	case runtime.Died:
		found.State, found.Running, found.ExitCode, found.FinishedAt, found.OOM = runtime.Exited, false, c.ExitCode, c.At, s.oom
	case runtime.Destroyed:
		s.found = nil
		s.up = false
		return
	case runtime.Relist:
	}
	// A death is news of this run only if its start was heard: one that comes
	// late is of the run before.
	died := s.found.Running && !found.Running
	s.found = &found
	if died && s.up {
		s.crash(now)
	}
}

// relist is called when events may have been missed, and at the start.
func (r *Reconciler) relist() {
	if r.engine.answers {
		r.forgiveAll(time.Now())
	}
	r.engine.lookAt = time.Now()
}

// engineAway is called when the engine does not answer.
func (r *Reconciler) engineAway(err error) {
	if !r.engine.missed {
		r.Log.Error("the container engine does not answer; containers that run are left alone, and work waits until it does", "error", err)
	}
	r.engine.answers, r.engine.missed = false, true
	r.engine.lookAt = time.Now().Add(lookAgain)
	r.forgiveAll(time.Now())
}

// forgiveAll keeps what an engine does to its containers by going away and
// coming back from counting as crashes of theirs.
func (r *Reconciler) forgiveAll(now time.Time) {
	for _, s := range r.subjects {
		s.up = false
		if s.crashed && now.Sub(s.crashedAt) < suspicious {
			s.crashed = false
			s.forgive()
		}
	}
}
