package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// longUp is the age of a run from which on it counts as up although its
// console was not heard to say so: the agent started later, and the log may
// have been rotated away since.
const longUp = 10 * time.Minute

// watchConsole listens for the text by which a container says that it is up.
// Each run is listened to once; the listening ends with the run.
func (r *Reconciler) watchConsole(s *subject) {
	if s.want == nil || s.want.spec == nil || !s.running() || s.ready() || s.watched == s.run {
		return
	}
	s.watched = s.run
	if time.Since(s.found.StartedAt) > longUp {
		s.readyRun = s.run
		return
	}
	texts, err := parseDone(s.want.spec.Done, s.want.spec.StripANSI)
	if err != nil {
		r.Log.Warn("container: it may stay in starting", "container", s.id, "error", err)
	}
	c, run := s.id, s.run
	since := s.began
	if since.IsZero() {
		since = s.found.StartedAt.Add(-time.Second) // the first line may be older than the engine's note of the start
	}
	r.work.Go(func() {
		seen, err := r.hears(r.ctx, c, since, texts)
		r.tell(func() {
			now := r.subjects[c]
			switch {
			case now == nil || now.run != run:
			case seen:
				r.touch(now)
				now.readyRun = run
			case err != nil:
				now.watched = 0 // the next look listens again
			}
		})
	})
}

// errSeen ends the reading of a console.
var errSeen = errors.New("seen")

// hears reads a console until one of the texts has come, or it ends.
func (r *Reconciler) hears(ctx context.Context, c id.ContainerID, since time.Time, texts doneTexts) (bool, error) {
	match := matcher{texts: texts}
	err := r.Runtime.Logs(ctx, c, runtime.LogOptions{Tail: -1, Since: since, Follow: true}, func(data []byte) error {
		if match.feed(data) {
			return errSeen
		}
		return nil
	})
	if errors.Is(err, errSeen) {
		return true, nil
	}
	return false, err
}
