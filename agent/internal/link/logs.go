package link

import (
	"context"
	"strings"
	"time"

	"github.com/lormas/lormas/agent/internal/console"
	"github.com/lormas/lormas/shared/loop"
	"github.com/lormas/lormas/shared/wire"
)

const (
	maxTail     = 10_000 // lines from the past
	chunkBytes  = 16 << 10
	bytesPerSec = 512 << 10 // of one stream
)

// sendLogs sends a container's console in numbered chunks until it is all
// sent or, if it is followed, until ctx ends. It pulls from the container's
// book at its own rate: a console that is faster loses its oldest lines there,
// and the next chunk says which. Whenever it is renewed it says where it is:
// the viewer may lack what was sent last.
func (c *conn) sendLogs(ctx context.Context, command wire.Command, renewed loop.Wake) {
	s := logStream{conn: c, command: command, renewed: renewed}
	if err := s.send(ctx); err != nil && ctx.Err() == nil {
		s.say(wire.LogChunk{EOF: true, Error: err.Error()})
	}
}

// logStream is one stream on its way.
type logStream struct {
	*conn
	command wire.Command
	renewed loop.Wake
	seq     uint64
}

func (s *logStream) send(ctx context.Context) error {
	book, err := s.Books.Book(s.command.ContainerID)
	if err != nil {
		return err
	}
	reader, err := book.NewReader(console.Start{
		Book: s.command.Book, After: s.command.After, Tail: min(max(s.command.Tail, 0), maxTail),
	})
	if err != nil {
		return err
	}
	defer reader.Close()
	end := reader.End()
	if !s.sayPlace(reader) {
		return nil
	}
	for {
		changed := reader.Changed()
		for {
			part, err := reader.Next(chunkBytes)
			if err != nil {
				return err
			}
			if len(part.Lines) == 0 {
				break
			}
			chunk := chunkOf(part)
			if !s.say(chunk) {
				return nil
			}
			if !s.command.Follow && chunk.Last() >= end {
				break
			}
			if loop.Pause(ctx, time.Duration(len(chunk.Data))*time.Second/bytesPerSec) != nil {
				return nil
			}
		}
		if !s.command.Follow {
			s.say(wire.LogChunk{EOF: true})
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.renewed.C():
			if !s.sayPlace(reader) {
				return nil
			}
		case <-changed:
		}
	}
}

// sayPlace publishes a chunk without lines, which says what comes next.
func (s *logStream) sayPlace(reader *console.Reader) bool {
	return s.say(wire.LogChunk{Book: reader.Name(), First: reader.After() + 1})
}

// say publishes a chunk; it reports false when the connection is gone.
func (s *logStream) say(chunk wire.LogChunk) bool {
	s.seq++
	chunk.Header, chunk.Stream, chunk.Seq = wire.Head(wire.TypeLogs), s.command.Stream, s.seq
	return s.publish(wire.OfContainerOn(wire.ContainerLogs, s.Node, s.command.ContainerID), chunk) == nil
}

// cutMark is where a line was longer than is kept.
const cutMark = " … [lormas: the rest of this line is not kept]"

func chunkOf(p console.Part) wire.LogChunk {
	var data strings.Builder
	for _, l := range p.Lines {
		data.WriteString(strings.ToValidUTF8(string(l.Text), "\uFFFD"))
		if l.Cut {
			data.WriteString(cutMark)
		}
		data.WriteByte('\n')
	}
	chunk := wire.LogChunk{
		Book: p.Book, First: p.Lines[0].N, Lines: len(p.Lines), Source: p.Lines[0].Source.String(), Data: data.String(),
	}
	if p.GapFrom != 0 {
		chunk.Gap = &wire.Gap{From: p.GapFrom, To: p.GapTo}
	}
	return chunk
}
