package authn

import (
	"context"
	"sync"
	"time"
)

// memoryCounter counts in this process. It is bounded: when it is full of
// windows that have not ended it begins anew.
type memoryCounter struct {
	now func() time.Time

	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	n    int64
	ends time.Time
}

// maxWindows bounds the memory to about two megabytes.
const maxWindows = 20_000

func newMemoryCounter(now func() time.Time) *memoryCounter {
	return &memoryCounter{now: now, windows: map[string]window{}}
}

func (m *memoryCounter) Count(_ context.Context, key string, length time.Duration) (int64, time.Duration, error) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	w, open := m.windows[key]
	if !open || !now.Before(w.ends) {
		m.makeRoom(now)
		w = window{ends: now.Add(length)}
	}
	w.n++
	m.windows[key] = w
	return w.n, w.ends.Sub(now), nil
}

func (m *memoryCounter) makeRoom(now time.Time) {
	if len(m.windows) < maxWindows {
		return
	}
	for key, w := range m.windows {
		if !now.Before(w.ends) {
			delete(m.windows, key)
		}
	}
	if len(m.windows) >= maxWindows {
		clear(m.windows)
	}
}

func (m *memoryCounter) Forget(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.windows, key)
	return nil
}
