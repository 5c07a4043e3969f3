package link

import (
	"context"
	"errors"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/wire"
)

const (
	followAgain = time.Second // after a container ended, to see whether it runs again
	maxTail     = 10_000      // lines from the past
	chunkBytes  = 16 << 10
	bytesPerSec = 512 << 10 // of one stream
)

// sendLogs sends a container's output in numbered chunks until it is all
// sent or, if it is followed, until ctx ends. A console that is faster than
// the rate loses its oldest output, and slows down nothing.
func (c *conn) sendLogs(ctx context.Context, command wire.Command) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	buffer := newBacklog()
	c.work.Go(func() { buffer.end(c.read(ctx, command, buffer)) })
	topic := wire.OfContainerOn(wire.ContainerLogs, c.Node, command.ContainerID)
	var seq uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-buffer.more.C():
		}
		for {
			piece := buffer.take(chunkBytes)
			if piece.empty() {
				break
			}
			seq++
			err := c.publish(topic, wire.LogChunk{
				Header: wire.Head(wire.TypeLogs), Stream: command.Stream, Seq: seq,
				Data: piece.data, Dropped: piece.dropped, EOF: piece.last, Error: piece.fault,
			})
			if err != nil || piece.last {
				return
			}
			rest(ctx, time.Duration(len(piece.data))*time.Second/bytesPerSec)
		}
	}
}

// rest waits, unless ctx ends before.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// read fills the buffer. A container that is followed may end, start again,
// be made anew, or not be there yet.
func (c *conn) read(ctx context.Context, command wire.Command, buffer *backlog) error {
	opt := runtime.LogOptions{Tail: min(max(command.Tail, 0), maxTail), Follow: command.Follow}
	for {
		err := c.Engine.Logs(ctx, command.ContainerID, opt, func(data []byte) error {
			buffer.put(data)
			return nil
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case !command.Follow:
			return err
		case err != nil && !errors.Is(err, runtime.ErrNotFound) && !errors.Is(err, runtime.ErrUnavailable):
			return err
		case err == nil:
			// All of this run is read; of the next one nothing is to be missed.
			opt.Tail, opt.Since = -1, time.Now()
		}
		rest(ctx, followAgain)
	}
}
