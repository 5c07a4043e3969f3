// Package loop runs a piece of work on a tick or when woken, one run at a
// time. The work takes no input: it reads the world anew on each run, so a
// wake that is lost costs at most one tick and a wake that comes twice costs
// nothing.
package loop

import (
	"context"
	"time"
)

// Wake asks a loop to run soon. The zero value is not usable; see NewWake.
type Wake struct{ c chan struct{} }

// NewWake makes a wake that holds at most one pending request.
func NewWake() Wake { return Wake{c: make(chan struct{}, 1)} }

// Up requests a run. It never blocks; requests made before the run collapse
// into one.
func (w Wake) Up() {
	select {
	case w.c <- struct{}{}:
	default:
	}
}

// C is the channel that delivers the request, for use in a select.
func (w Wake) C() <-chan struct{} { return w.c }

// Pause waits so long, or until ctx ends, whose error it then returns.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Run calls work at once, then every interval and on every wake, until ctx
// ends. Work that returns an error is reported and tried again on the next
// tick: a loop comes round, it does not retry.
func Run(ctx context.Context, interval time.Duration, wake Wake, work func(context.Context) error, report func(error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-wake.c:
		}
	}
}
