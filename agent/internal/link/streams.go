package link

import (
	"context"
	"sync"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

const (
	maxStreams  = 64 // of one node
	standardTTL = 30 * time.Second
	maxTTL      = 10 * time.Minute
)

// streams are the logs and meters that somebody watches. Each ends by itself
// unless it is renewed, and all end with the connection.
type streams struct {
	conn    *conn
	mu      sync.Mutex
	running map[streamKey]*stream
}

// stream is one that is sent.
type stream struct {
	expiry  *time.Timer // ends it when it fires
	cancel  context.CancelFunc
	renewed loop.Wake // somebody still watches, and wants to know where it is
}

type streamKey struct {
	action    wire.Action
	container id.ContainerID
	name      string
}

func newStreams(c *conn) *streams {
	return &streams{conn: c, running: map[streamKey]*stream{}}
}

// open starts the stream that a command asks for, or renews it.
func (s *streams) open(c wire.Command) {
	key := streamKey{action: c.Action, container: c.ContainerID}
	if c.Action == wire.ActionLogs {
		key.name = c.Stream // meters are the same for everybody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, runs := s.running[key]; runs && !c.Seek {
		before.expiry.Reset(ttl(c))
		before.renewed.Up()
		return
	} else if runs {
		before.cancel()
		delete(s.running, key)
	}
	if len(s.running) >= maxStreams {
		s.conn.Log.Warn("too many logs and meters are watched at once: one more is not sent", "container", c.ContainerID)
		return
	}
	ctx, cancel := context.WithCancel(s.conn.ctx)
	one := &stream{expiry: time.AfterFunc(ttl(c), cancel), cancel: cancel, renewed: loop.NewWake()}
	s.running[key] = one
	s.conn.work.Go(func() {
		defer s.over(key, one)
		defer one.expiry.Stop()
		defer cancel()
		if c.Action == wire.ActionLogs {
			s.conn.sendLogs(ctx, c, one.renewed)
		} else {
			s.conn.sendStats(ctx, c)
		}
	})
}

func (s *streams) over(key streamKey, one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[key] == one {
		delete(s.running, key)
	}
}

func ttl(c wire.Command) time.Duration {
	return within(c.TTLMS, time.Second, maxTTL, standardTTL)
}
