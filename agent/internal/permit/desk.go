package permit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/lormas/lormas/agent/internal/guard"
	"github.com/lormas/lormas/agent/internal/ledger"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/lease"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/spec"
)

const (
	// fresh is how old an answer of the guard may be to count.
	fresh = time.Second
	// askEvery is how often it is asked whether it is there.
	askEvery = 400 * time.Millisecond
	// takeOver is how long a copy that runs when the agent starts is left
	// alone while the guard, which knows its lease, does not answer.
	takeOver = 5 * time.Second
)

// Guard is the process that keeps the leases, as far as it is spoken to.
type Guard interface {
	Ping() error
	Expect(lease.Copy, lease.Term, guard.Start) error
	Bind(lease.Copy, guard.Init) error
	Renew([]guard.CopyAndTerm) error
	Release(lease.Copy) error
	State() ([]guard.Watched, error)
}

// errNoGuard is what a node without a guard answers.
var errNoGuard = errors.New("this node has no guard")

// Options is what a Desk needs.
type Options struct {
	Guard Guard                // nil: none, and nothing exclusive runs
	Clock func() time.Duration // CLOCK_BOOTTIME, as the guard counts; nil: since now, for tests
	Log   *slog.Logger
	// OfflineDelay is how long an available container waits for the
	// controller after a boot; negative: for ever.
	OfflineDelay time.Duration
	InTouch      bool   // the controller has answered since the machine booted
	Met          func() // called when it answers for the first time since
}

// Desk keeps the leases of a node. It is safe for concurrent use.
type Desk struct {
	Options
	began   time.Duration
	changed loop.Wake // what may run has become more or less
	work    loop.Wake // the guard has to be told something

	speaking sync.Mutex // held while the guard is told what changes its record

	mu       sync.Mutex
	holder   lease.Holder
	claims   lease.Claims
	known    map[lease.Copy]bool // what the guard watches
	fenced   map[lease.Copy]bool // what it has killed
	leaving  map[lease.Copy]bool // what it should release
	bound    map[lease.Copy]int  // pids that it was told
	taken    bool                // what it had when we came was taken over
	claimed  bool                // a desired set was claimed
	met      bool                // the controller has said what is wanted, since the machine booted
	answered time.Duration       // when it did last
	answers  bool
	dirty    bool // terms were renewed
}

// New makes a Desk; the guard is spoken to by Run.
func New(o Options) *Desk {
	if o.Clock == nil {
		began := time.Now()
		o.Clock = func() time.Duration { return time.Since(began) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Met == nil {
		o.Met = func() {}
	}
	return &Desk{
		Options: o, began: o.Clock(), changed: loop.NewWake(), work: loop.NewWake(), met: o.InTouch,
		known: map[lease.Copy]bool{}, fenced: map[lease.Copy]bool{}, leaving: map[lease.Copy]bool{}, bound: map[lease.Copy]int{},
	}
}

// Changed is raised when reconcile should ask again.
func (d *Desk) Changed() loop.Wake { return d.changed }

// Claim takes over what an accepted desired set wants running: at first what
// the ledger has, later what the controller says. An acknowledgement that came
// before is not kept for it.
func (d *Desk) Claim(set ledger.Desired) {
	claims := lease.Claims{Rev: set.Rev, Runs: map[id.ContainerID]int64{}}
	for c, entry := range set.Containers {
		if entry.Power == spec.Running && set.Specs[entry.SpecHash].Exclusive {
			claims.Runs[c] = entry.Epoch
		}
	}
	d.mu.Lock()
	first := !d.met && d.claimed && set.Rev != d.claims.Rev
	d.met, d.claimed = d.met || first, true
	d.claims = claims
	d.mu.Unlock()
	if first {
		d.Met()
		d.changed.Up()
	}
}

// Acked takes in an acknowledged heartbeat. Only one of the revision that was
// accepted means that what the ledger wants is still wanted.
func (d *Desk) Acked(a lease.Ack) {
	now := d.Clock()
	d.mu.Lock()
	first := !d.met && a.Rev == d.claims.Rev
	d.met = d.met || first
	before := d.startable(now)
	d.holder = d.holder.Renew(a, d.claims).Tidy(now, func(c id.ContainerID) bool { return d.knows(c) })
	d.dirty = true
	more := d.startable(now) != before
	d.mu.Unlock()
	if first {
		d.Met()
	}
	if first || more {
		d.changed.Up()
	}
	d.work.Up()
}

// startable counts the copies that may be started now.
func (d *Desk) startable(now time.Duration) int {
	n := 0
	for c, t := range d.holder {
		if d.holder.MayStart(c, t.Epoch, now) {
			n++
		}
	}
	return n
}

func (d *Desk) knows(container id.ContainerID) bool {
	for c := range d.known {
		if c.Container == container {
			return true
		}
	}
	return false
}

// GuardOK reports whether the guard has answered just now.
func (d *Desk) GuardOK() bool {
	now := d.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.guarded(now)
}

func (d *Desk) guarded(now time.Duration) bool { return d.answers && now-d.answered < fresh }

// Start is the question whether a copy may be started, but for whether the
// machine has booted since it last ran.
func (d *Desk) Start(c lease.Copy, ha, exclusive bool) lease.Start {
	now := d.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	return lease.Start{
		HA: ha, Exclusive: exclusive,
		Held: d.holder.MayStart(c.Container, c.Epoch, now), Guarded: d.guarded(now),
		InTouch: d.met, Alone: now - d.began, OfflineDelay: d.OfflineDelay,
	}
}

// Standing is how a copy that runs stands.
type Standing struct {
	Late bool          // it was asked to stop, or its lease is over
	Over bool          // it may not run any more
	Left time.Duration // until the next of these; 0: none is to come
}

// Standing says how long a copy may run on.
func (d *Desk) Standing(c lease.Copy) Standing {
	now := d.Clock()
	d.mu.Lock()
	defer d.mu.Unlock()
	t, held := d.holder[c.Container]
	switch {
	case d.fenced[c]:
		return Standing{Late: true, Over: true}
	case held && t.Epoch == c.Epoch && now < t.Soft:
		return Standing{Left: t.Soft - now}
	case held && t.Epoch == c.Epoch && now < t.Until:
		return Standing{Late: true, Left: t.Until - now}
	case !d.taken && now-d.began < takeOver:
		return Standing{Left: d.began + takeOver - now}
	}
	return Standing{Late: true, Over: true}
}

// Fenced reports whether the guard has killed a copy, and it has not been
// started since.
func (d *Desk) Fenced(c lease.Copy) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fenced[c]
}

// Expect announces the start of a copy to the guard. It returns when the
// guard has written it down.
func (d *Desk) Expect(c lease.Copy, start guard.Start) error {
	if d.Guard == nil {
		return errNoGuard
	}
	d.speaking.Lock()
	defer d.speaking.Unlock()
	d.mu.Lock()
	term, may := d.holder[c.Container], d.holder.MayStart(c.Container, c.Epoch, d.Clock())
	delete(d.leaving, c)
	d.mu.Unlock()
	if !may {
		return lease.ErrOver
	}
	if err := d.Guard.Expect(c, term, start); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[c] = true
	delete(d.fenced, c)
	delete(d.bound, c)
	return nil
}

// Bind names the process that a copy has begun with. Naming it again changes
// nothing.
func (d *Desk) Bind(c lease.Copy, init guard.Init) error {
	d.mu.Lock()
	told := d.bound[c] == init.Pid || !d.known[c]
	d.mu.Unlock()
	if told || d.Guard == nil {
		return nil
	}
	if err := d.Guard.Bind(c, init); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bound[c] = init.Pid
	return nil
}

// Settle tells which copies run or may be about to: the guard is released
// from all others.
func (d *Desk) Settle(live map[lease.Copy]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.known {
		if !live[c] && !d.leaving[c] {
			d.leaving[c] = true
			d.work.Up()
		}
	}
}

// Run speaks to the guard until ctx ends. The guard counts on.
func (d *Desk) Run(ctx context.Context) error {
	if d.Guard == nil {
		<-ctx.Done()
		return nil
	}
	return loop.Run(ctx, askEvery, d.work, func(context.Context) error {
		before := d.GuardOK()
		err := d.speak()
		d.mu.Lock()
		d.answers, d.answered = err == nil, d.Clock()
		d.dirty = d.dirty || err != nil
		d.mu.Unlock()
		if before != (err == nil) {
			d.tellOf(err)
			d.changed.Up()
		}
		return nil
	}, func(error) {})
}

func (d *Desk) tellOf(err error) {
	if err != nil {
		d.Log.Error("no guard: exclusive containers cannot be started, and end with their leases", "why", err)
		return
	}
	d.Log.Info("the guard answers")
}

// speak tells the guard what is new, or asks whether it is there.
func (d *Desk) speak() error {
	d.speaking.Lock()
	defer d.speaking.Unlock()
	if err := d.take(); err != nil {
		return err
	}
	terms, leaving := d.due()
	if len(terms) > 0 {
		if err := d.Guard.Renew(terms); err != nil && !refused(err) {
			return err
		}
	}
	for _, c := range leaving {
		if err := d.release(c); err != nil {
			return err
		}
	}
	return d.Guard.Ping()
}

// take takes over what the guard has from an earlier run of the agent.
func (d *Desk) take() error {
	d.mu.Lock()
	taken := d.taken
	d.mu.Unlock()
	if taken {
		return nil
	}
	state, err := d.Guard.State()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = true
	holder := lease.Holder{}
	for c, t := range d.holder {
		holder[c] = t
	}
	for _, w := range state {
		d.known[w.Copy] = true
		d.fenced[w.Copy] = w.Fenced
		t, held := holder[w.Copy.Container]
		if newer := !held || t.Epoch < w.Copy.Epoch || t.Epoch == w.Copy.Epoch && t.Until < w.Term.Until; newer && !w.Fenced {
			holder[w.Copy.Container] = lease.Term{Epoch: w.Copy.Epoch, Soft: w.Term.Soft, Until: w.Term.Until}
		}
	}
	d.holder = holder
	d.changed.Up()
	return nil
}

// due is what the guard has not been told.
func (d *Desk) due() (terms []guard.CopyAndTerm, leaving []lease.Copy) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.leaving {
		leaving = append(leaving, c)
	}
	if !d.dirty {
		return nil, leaving
	}
	d.dirty = false
	for c := range d.known {
		if t := d.holder[c.Container]; t.Epoch == c.Epoch {
			terms = append(terms, guard.CopyAndTerm{Copy: c, Term: guard.Term{Soft: t.Soft, Until: t.Until}})
		}
	}
	return terms, leaving
}

// release is called with speaking held.
func (d *Desk) release(c lease.Copy) error {
	err := d.Guard.Release(c)
	if err != nil && !refused(err) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.leaving, c)
	if err == nil { // else its processes live on, and it is asked again
		delete(d.known, c)
		delete(d.fenced, c)
		delete(d.bound, c)
	}
	return nil
}

func refused(err error) bool {
	var refusal guard.Refusal
	return errors.As(err, &refusal)
}
