package console

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
)

// Engine is the container engine, as far as consoles are concerned.
type Engine interface {
	List(context.Context) ([]runtime.Found, error)
	Watch(context.Context, func(runtime.Change)) error
	Lines(ctx context.Context, c id.ContainerID, since time.Time, line func(runtime.Line)) error
}

// Keeper reads what containers print into their books: one reader for each
// container that runs, and once whatever one printed that has ended.
type Keeper struct {
	books  *Books
	engine Engine
	work   sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context // of Run; nil: it does not run
	readers map[id.ContainerID]*reading
	changed chan struct{} // closed when a reader ended
}

// reading is a container whose log is read.
type reading struct {
	active bool // at this moment
	again  bool // and then from the start: it may have begun anew
	whole  bool // all that it had printed was read, to its end
}

// readAgain is how long a reader waits after the engine broke off.
const readAgain = time.Second

// NewKeeper makes a keeper; Run has it work.
func NewKeeper(b *Books, e Engine) *Keeper {
	return &Keeper{books: b, engine: e, readers: map[id.ContainerID]*reading{}, changed: make(chan struct{})}
}

// Run reads until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	k.runs(ctx)
	defer k.work.Wait()
	defer k.runs(nil)
	_ = k.engine.Watch(ctx, func(c runtime.Change) { // ends with ctx only
		switch c.Kind {
		case runtime.Relist:
			k.work.Go(func() { k.relist(ctx) })
		case runtime.Started:
			k.read(c.ID)
		case runtime.Destroyed, runtime.Died, runtime.OutOfMem:
		}
	})
	return nil
}

func (k *Keeper) runs(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ctx = ctx
}

// relist reads everything that is there: it may have printed while nobody
// read. When the engine cannot be asked, it has another Relist for us later.
func (k *Keeper) relist(ctx context.Context) {
	list, err := k.engine.List(ctx)
	if err != nil {
		return
	}
	for _, f := range list {
		k.read(f.ID)
	}
}

// read sees to it that a container's log is read.
func (k *Keeper) read(c id.ContainerID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx == nil {
		return
	}
	ctx := k.ctx
	r, known := k.readers[c]
	if !known {
		r = &reading{}
		k.readers[c] = r
	}
	if r.again = r.active; r.active {
		return
	}
	r.active = true
	k.work.Go(func() { k.follow(ctx, c, r) })
}

// follow reads one run after the other, as long as there is another.
func (k *Keeper) follow(ctx context.Context, c id.ContainerID, r *reading) {
	for {
		err := k.once(ctx, c, r.whole)
		k.mu.Lock()
		gone := errors.Is(err, runtime.ErrNotFound)
		broke := err != nil && !gone
		r.whole = err == nil || gone && r.whole
		if again := r.again || broke; !again || ctx.Err() != nil {
			r.active = false
			close(k.changed)
			k.changed = make(chan struct{})
			k.mu.Unlock()
			return
		}
		r.again = false
		k.mu.Unlock()
		if broke && !errors.Is(err, errStale) {
			_ = loop.Pause(ctx, readAgain) // once more, and it sees that ctx has ended
		}
	}
}

// once reads a log from where its book ends. whole says that all of the run
// before is in the book, so that a log without its end is simply another.
func (k *Keeper) once(ctx context.Context, c id.ContainerID, whole bool) error {
	book, err := k.books.Book(c)
	if err != nil {
		return err
	}
	join := book.reached().join()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	listener := listener{giveUp: giveUp}
	defer listener.stop()
	err = k.engine.Lines(ctx, c, join.since, func(l runtime.Line) {
		listener.hear(len(l.Text))
		switch join.pass(l.At) {
		case known:
			return
		case torn:
			if !whole {
				k.books.Append(c, Lormas, "[lormas] some lines may be missing here: the agent did not read for a while, and the engine does not have them any more")
			}
		case fresh:
		}
		if book.put(Out, l.At, l.Text, l.Cut) {
			k.books.begin(c, book)
		}
	})
	if err != nil && errors.Is(context.Cause(ctx), errStale) {
		return errStale
	}
	return err
}

// Settle reads all that a container which has ended printed: then the engine may
// forget it. What it printed before anybody told us of it is read now. It gives
// up with ctx.
func (k *Keeper) Settle(ctx context.Context, c id.ContainerID) {
	k.read(c)
	for {
		k.mu.Lock()
		r, changed := k.readers[c], k.changed
		active := r != nil && r.active
		k.mu.Unlock()
		if !active {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}
