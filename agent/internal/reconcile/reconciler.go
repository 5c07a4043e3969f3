package reconcile

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/agent/internal/permit"
	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

const (
	lookEvery = 30 * time.Second // beside the engine's own events
	lookAgain = 2 * time.Second  // while the engine does not answer
	lookSoon  = time.Second      // after something that leaves a question open
	retryRec  = time.Second      // after the ledger could not be written
)

// Options is what a Reconciler needs.
type Options struct {
	Runtime Runtime
	Ledger  *ledger.Ledger
	Permits *permit.Desk // nil: one without a guard
	Log     *slog.Logger
	// Progress is told how far the making of a container is. It must not
	// block. Nil: nobody wants to know.
	Progress func(id.ContainerID, wire.Progress)
}

// Reconciler keeps the node as the ledger wants it, from New until the end
// of Run.
type Reconciler struct {
	Options
	wake  loop.Wake
	inbox chan func()
	view  atomic.Pointer[View]
	full  atomic.Pointer[map[id.ContainerID]string] // by Full
	first chan struct{}                             // closed after the first look at the engine

	mu    sync.Mutex
	asked []Ask // not yet taken by Run

	// All below belongs to Run's goroutine.
	ctx      context.Context
	work     sync.WaitGroup // steps, looks and watches under way
	subjects map[id.ContainerID]*subject
	desired  ledger.Desired
	open     []ledger.Command // lifecycle commands that are not over
	asks     []Ask            // transient commands that wait for their moment
	engine   engine
	events   uint64 // counts what has changed the subjects
	timer    *time.Timer
}

// engine is what is remembered of the engine as a whole.
type engine struct {
	answers bool      // the last look worked, and no step since has found it away
	missed  bool      // that it does not answer was told
	looking bool      // a look is under way
	lookAt  time.Time // when the next one is due
}

// View is what others may know. It is a copy.
type View struct {
	EngineOK bool
	Present  []wire.ContainerRef // on the engine, also those that nobody wants
	Running  int
}

// New makes a Reconciler; nothing happens before Run.
func New(o Options) *Reconciler {
	if o.Progress == nil {
		o.Progress = func(id.ContainerID, wire.Progress) {}
	}
	if o.Permits == nil {
		o.Permits = permit.New(permit.Options{})
	}
	r := &Reconciler{
		Options: o, wake: loop.NewWake(), inbox: make(chan func()), first: make(chan struct{}),
		subjects: map[id.ContainerID]*subject{},
	}
	r.view.Store(&View{})
	r.full.Store(&map[id.ContainerID]string{})
	return r
}

// Wake has the ledger read anew: its desired set or its commands changed, or
// what is full did.
func (r *Reconciler) Wake() { r.wake.Up() }

// Full says which containers have more in their volumes than they may, and
// why that is so in words. They stop, and do not start before they are not
// among them any more.
func (r *Reconciler) Full(full map[id.ContainerID]string) {
	r.full.Store(&full)
	r.Wake()
}

// View is how the node is.
func (r *Reconciler) View() View { return *r.view.Load() }

// FirstLook is closed when the engine has been looked at once: from then on
// View tells of it.
func (r *Reconciler) FirstLook() <-chan struct{} { return r.first }

// Run reconciles until ctx ends. Containers run on.
func (r *Reconciler) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.work.Wait()
	defer cancel()
	r.ctx = ctx
	r.timer = time.NewTimer(0)
	defer r.timer.Stop()
	r.work.Go(func() {
		_ = r.Runtime.Watch(ctx, func(c runtime.Change) { r.tell(func() { r.changed(c) }) }) // ends with ctx only
	})
	r.abandon()
	r.load()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake.C():
			r.load()
		case <-r.Permits.Changed().C():
		case event := <-r.inbox:
			event()
		case <-r.timer.C:
		}
		r.drain()
		r.pass(time.Now())
	}
}

// tell hands an event to Run's goroutine.
func (r *Reconciler) tell(event func()) {
	select {
	case r.inbox <- event:
	case <-r.ctx.Done():
	}
}

// drain takes what else has come, so that one pass, and one write to the
// ledger, serves many events.
func (r *Reconciler) drain() {
	const fair = 100
	for range fair {
		select {
		case event := <-r.inbox:
			event()
		default:
			return
		}
	}
}

// pass looks at everything once: begins what is to be done, and records what
// has come about.
func (r *Reconciler) pass(now time.Time) {
	r.look(now)
	again := sooner(now.Add(lookEvery), r.consult(now))
	again = sooner(again, r.serve(now))
	if r.engine.answers {
		r.cancelOvertaken()
		w := world{now: now, subjects: r.subjects, specs: r.desired.Specs}
		steps, next := plan(w)
		crowded := w.crowdedOut(steps)
		for c, s := range r.subjects {
			s.crowded = crowded[c]
		}
		for _, s := range steps {
			r.begin(s, now)
		}
		again = sooner(again, next)
	}
	again = sooner(again, r.record(now))
	if !r.engine.looking { // else its end is an event
		again = sooner(again, r.engine.lookAt)
	}
	r.publish()
	r.timer.Reset(max(0, again.Sub(now)))
}

// sooner is the earlier of two times; a zero second one is never.
func sooner(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// load reads the ledger and brings the subjects in line with it.
func (r *Reconciler) load() {
	desired, err := r.Ledger.Desired()
	if err != nil {
		r.Log.Error("the ledger cannot be read; the node goes on with what it knew", "error", err)
		return
	}
	r.desired = desired
	r.Permits.Claim(desired)
	for c, entry := range desired.Containers {
		r.subject(c).adopt(entry, desired.Specs)
	}
	for c, s := range r.subjects {
		if _, wanted := desired.Containers[c]; !wanted {
			s.want = nil
		}
		s.full = (*r.full.Load())[c]
		r.after(s, time.Now())
	}
	r.loadCommands()
}

// adopt takes over an entry. One that changed is tried at once.
func (s *subject) adopt(entry wire.DesiredContainer, specs map[string]spec.Container) {
	if s.want != nil && s.want.DesiredContainer != entry {
		s.forgive()
	}
	s.want = &want{DesiredContainer: entry}
	if known, ok := specs[entry.SpecHash]; ok {
		s.want.spec = &known
	}
}

// noteTakeAway keeps the time at which a container became one to take away.
func (s *subject) noteTakeAway(now time.Time) {
	switch {
	case !s.takeAway():
		s.awaySince = time.Time{}
	case s.awaySince.IsZero():
		s.awaySince = now
	}
}

func (r *Reconciler) subject(c id.ContainerID) *subject {
	s, known := r.subjects[c]
	if !known {
		s = &subject{id: c}
		r.subjects[c] = s
	}
	return s
}

// publish renews the view.
func (r *Reconciler) publish() {
	v := View{EngineOK: r.engine.answers}
	for _, s := range r.subjects {
		if s.found == nil {
			continue
		}
		v.Present = append(v.Present, wire.ContainerRef{ID: s.id, Epoch: s.found.Epoch, Running: s.found.Running})
		if s.found.Running {
			v.Running++
		}
	}
	r.view.Store(&v)
}
