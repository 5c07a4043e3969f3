package broker

import (
	"sync"

	"github.com/lormas/lormas/shared/wire"
)

// watch counts who looks at logs and stats, so that agents send them only
// while somebody does.
type watch struct {
	mu       sync.Mutex // also held during notify, so that counts arrive in order
	watchers map[wire.Topic]map[*connection]struct{}
	notify   func(t wire.Topic, watchers int)
}

func newWatch(notify func(wire.Topic, int)) *watch {
	return &watch{watchers: map[wire.Topic]map[*connection]struct{}{}, notify: notify}
}

// watchable reports whether a filter is exactly one logs or stats topic.
func watchable(name string) (wire.Topic, bool) {
	t, ok := wire.ParseTopic(name)
	return t, ok && (t.Kind == wire.ContainerLogs || t.Kind == wire.ContainerStats)
}

func (w *watch) add(c *connection, name string) {
	t, ok := watchable(name)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.watchers[t][c]; ok {
		return
	}
	if w.watchers[t] == nil {
		w.watchers[t] = map[*connection]struct{}{}
	}
	w.watchers[t][c] = struct{}{}
	w.notify(t, len(w.watchers[t]))
}

func (w *watch) remove(c *connection, name string) {
	t, ok := watchable(name)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leave(c, t)
}

// drop ends everything that the connection watched.
func (w *watch) drop(c *connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t := range w.watchers {
		w.leave(c, t)
	}
}

func (w *watch) leave(c *connection, t wire.Topic) {
	if _, ok := w.watchers[t][c]; !ok {
		return
	}
	delete(w.watchers[t], c)
	left := len(w.watchers[t])
	if left == 0 {
		delete(w.watchers, t)
	}
	w.notify(t, left)
}
