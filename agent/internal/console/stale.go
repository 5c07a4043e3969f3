package console

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Some engines, Docker 20.10 among them, follow a log no further when they
// begin another file of it while much is written. So a log that was loud and
// has fallen silent is read anew from where its book ends: what an engine is
// stuck before comes then.
const (
	loud   = 256 << 10 // bytes since it was opened
	silent = 2 * time.Second
)

// errStale is why a log is given up that may be stuck.
var errStale = errors.New("the log may be stuck")

// listener notices when a log has fallen silent. Its methods are safe for
// concurrent use.
type listener struct {
	giveUp context.CancelCauseFunc

	mu    sync.Mutex
	bytes int // since it was opened
	then  int // and when it was looked at last
	timer *time.Timer
}

// hear is called for each line.
func (l *listener) hear(bytes int) {
	const overhead = 80 // of a line in the engine's file
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes += bytes + overhead
	if l.timer == nil && l.bytes >= loud {
		l.timer = time.AfterFunc(silent, l.look)
	}
}

func (l *listener) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bytes == l.then {
		l.giveUp(errStale)
		return
	}
	l.then = l.bytes
	l.timer.Reset(silent)
}

func (l *listener) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}
