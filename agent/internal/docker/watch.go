package docker

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/lormas/lormas/agent/internal/runtime"
)

// How long Watch waits before it connects again: short, because a node
// without its engine has nothing better to do, and growing, because an engine
// that is being repaired may take hours.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
)

// changeKinds are the events that change what List says.
var changeKinds = map[events.Action]runtime.ChangeKind{
	events.ActionStart: runtime.Started,
	events.ActionDie:   runtime.Died,
	events.ActionOOM:   runtime.OutOfMem,

	events.ActionHealthStatusHealthy:   runtime.Judged,
	events.ActionHealthStatusUnhealthy: runtime.Judged,
	events.ActionDestroy:               runtime.Destroyed,
}

// Watch reports changes of our containers, one after the other, until the
// context ends. When the engine goes away it keeps trying; after each connect
// it reports Relist and then what has happened since the last change it saw.
// The engine remembers only its last 256 events, so Relist is what counts.
// report must return at once: the engine drops events for slow listeners.
func (e *Engine) Watch(ctx context.Context, report func(runtime.Change)) error {
	w := watch{engine: e, report: report, last: time.Now().UnixNano()}
	pause := firstPause
	for {
		seen := w.last
		w.stream(ctx)
		if w.last != seen {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		}
	}
}

type watch struct {
	engine *Engine
	report func(runtime.Change)
	last   int64 // time of the newest event seen, at first of the beginning; in ns since 1970
}

// stream follows one connection until it breaks. Why it broke does not
// matter: whoever uses the engine otherwise hears that it is gone.
func (w *watch) stream(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the SDK's goroutine
	if w.engine.Ping(ctx) != nil {
		return
	}
	options := events.ListOptions{Filters: w.engine.owner.ours()}
	options.Filters.Add("type", string(events.ContainerEventType))
	for action := range changeKinds {
		options.Filters.Add("event", string(action))
	}
	// Subscribed first, listed second, so nothing falls in between. The engine
	// answers before it listens; what happens meanwhile comes because of
	// Since.
	options.Since = time.Unix(0, w.last).UTC().Format(time.RFC3339Nano)
	messages, errs := w.engine.api.Events(ctx, options)
	w.report(runtime.Change{Kind: runtime.Relist, At: time.Now()})
	for {
		select {
		case m := <-messages:
			w.handle(m)
		case <-errs:
			return
		}
	}
}

func (w *watch) handle(m events.Message) {
	if m.TimeNano <= w.last {
		return // seen on an earlier connection: since is inclusive
	}
	w.last = m.TimeNano
	change := runtime.Change{Kind: changeKinds[m.Action], DockerID: m.Actor.ID, At: time.Unix(0, m.TimeNano)}
	labels := m.Actor.Attributes
	if change.ID.UnmarshalText([]byte(labels[labelContainer])) != nil {
		return
	}
	switch change.Kind {
	case runtime.Died:
		change.ExitCode, _ = strconv.Atoi(labels["exitCode"]) // 0 where an engine leaves it out; List knows
	case runtime.Judged:
		change.Health = strings.TrimPrefix(string(m.Action), string(events.ActionHealthStatus)+": ")
	case runtime.OutOfMem:
		w.engine.shortages.note(change)
	case runtime.Destroyed:
		w.engine.shortages.forget(change)
	}
	change.Installer = labels[labelRole] == roleInstaller
	w.report(change)
}

// shortages remembers when containers ran out of memory. The engine's own
// flag is missing when the news reached it after that of the end.
type shortages struct {
	mu sync.Mutex
	at map[string]time.Time // by Docker id
}

func (s *shortages) note(c runtime.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[c.DockerID] = c.At
}

func (s *shortages) forget(c runtime.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, c.DockerID)
}

// apply completes what the engine says of a container's last run.
func (s *shortages) apply(f runtime.Found) runtime.Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, short := s.at[f.DockerID]; short && at.After(f.StartedAt) && !f.Running {
		f.OOM = true
	}
	return f
}
