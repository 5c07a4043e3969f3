package docker

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

// Lines hands over the lines of a container's output that the engine got at a
// time or later, with their times, until the container ends or the context
// does. Of one that has ended it hands over what there is. While a container
// is installed the lines are those of the installation.
//
// The engine keeps the last 5 to 10 MB. Reading is never in the way of the
// container; but an engine whose files turn faster than it reads them for us
// leaves lines out, and does not say so.
func (e *Engine) Lines(ctx context.Context, c id.ContainerID, since time.Time, line func(runtime.Line)) error {
	f, err := e.speaker(ctx, c)
	if err != nil {
		return err
	}
	details, err := e.api.ContainerInspect(ctx, f.DockerID)
	if err != nil {
		return e.fault("inspect the container", err)
	}
	options := container.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true, Timestamps: true, Tail: "all"}
	if !since.IsZero() {
		options.Since = since.UTC().Format(time.RFC3339Nano)
	}
	stream, err := e.api.ContainerLogs(ctx, f.DockerID, options)
	if err != nil {
		return e.fault("open the container's log", err)
	}
	defer stream.Close()
	out, errs := &assembler{line: line}, &assembler{line: line}
	if details.Config.Tty {
		_, err = io.Copy(out, stream)
	} else {
		_, err = stdcopy.StdCopy(out, errs, stream)
	}
	out.end()
	errs.end()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return e.fault("read the container's log", err)
}

// pieceSize is at what length Docker cuts a line into pieces, each of which
// has a time of its own before it.
const pieceSize = 16 << 10

// assembler makes lines of a log with times. Docker writes "time text\n", and
// for long lines "time piece" as often as it takes before the rest.
type assembler struct {
	line func(runtime.Line)

	stamp [stampSize]byte // of the piece that has begun, as far as it is here
	have  int
	piece int // bytes of that piece
	at    time.Time
	text  []byte // of the line
	cut   bool
	order order
}

// order notices when an engine reads a file of its log again, as some do that
// have just begun another: what comes then was handed over.
type order struct {
	newest time.Time
	equal  int  // lines of that time
	skip   int  // of them, that come again
	back   bool // a file is read again
}

// again reports whether a line was handed over before. Times go backwards also
// when the clock is set back; then the newest one is still to come.
func (o *order) again(at, now time.Time) bool {
	switch {
	case at.Before(o.newest) && !o.newest.After(now):
		if !o.back {
			o.back, o.skip = true, o.equal
		}
		return true
	case at.Equal(o.newest) && o.back && o.skip > 0:
		o.skip--
		return true
	case at.Equal(o.newest):
		o.equal++
	default:
		o.newest, o.equal = at, 1
	}
	o.back = false
	return false
}

// stampSize is that of a time, such as 2026-11-26T17:20:00.123456789Z, and the
// space after it.
const stampSize = len("2006-01-02T15:04:05.000000000Z ")

// Write implements io.Writer. It takes everything.
func (a *assembler) Write(data []byte) (int, error) {
	size := len(data)
	for len(data) > 0 {
		if a.have < stampSize {
			n := copy(a.stamp[a.have:], data)
			a.have += n
			data = data[n:]
			if a.have == stampSize && !a.begun() {
				// No time at all: it is text, of which nothing may be lost.
				a.keep(a.stamp[:])
			}
			continue
		}
		data = a.take(data)
	}
	return size, nil
}

// begun reads the time before a piece.
func (a *assembler) begun() bool {
	a.piece = 0
	at, err := time.Parse(time.RFC3339Nano, string(a.stamp[:stampSize-1]))
	if err != nil || a.stamp[stampSize-1] != ' ' {
		return false
	}
	a.at = at
	return true
}

// take takes what belongs to the piece off the front.
func (a *assembler) take(data []byte) []byte {
	n := min(len(data), pieceSize-a.piece+1) // with the end of the line
	if end := bytes.IndexByte(data[:n], '\n'); end >= 0 {
		a.keep(data[:end])
		a.end()
		return data[end+1:]
	}
	n = min(n, pieceSize-a.piece)
	if n == 0 { // the piece is full, and the line goes on in another
		a.have = 0
		return data
	}
	a.keep(data[:n])
	a.piece += n
	return data[n:]
}

func (a *assembler) keep(text []byte) {
	room := runtime.MaxLine + 1 - len(a.text) // one more, as it may be the terminal's carriage
	if len(text) > room {
		text, a.cut = text[:room], a.cut || string(text[room:]) != "\r"
	}
	a.text = append(a.text, text...)
}

// end hands the line over. A terminal returns its carriage, which is no text.
func (a *assembler) end() {
	if a.have == stampSize {
		text := bytes.TrimSuffix(a.text, []byte("\r"))
		if len(text) > runtime.MaxLine {
			text, a.cut = text[:runtime.MaxLine], true
		}
		if !a.order.again(a.at, time.Now()) {
			a.line(runtime.Line{At: a.at, Text: text, Cut: a.cut})
		}
	}
	a.have, a.piece, a.text, a.cut = 0, 0, a.text[:0], false
}
