package httpapi

import (
	"bytes"
	"errors"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// What is read of a request whose head does not fit, before it is answered.
const (
	maxHead     = 16 << 10
	maxRefused  = 1 << 20
	headPause   = 5 * time.Second        // while the head goes on: links may be slow
	bodyPause   = 200 * time.Millisecond // behind it
	refusedTime = 30 * time.Second
)

// readOn has the rest of a request whose head does not fit read before it is
// refused. A connection that is closed with bytes unread is reset, and the
// answer with it (RFC 9112 §9.6): a client would see a broken line, and try
// again.
func readOn(server *fasthttp.Server) {
	answer := server.ErrorHandler
	server.ErrorHandler = func(ctx *fasthttp.RequestCtx, err error) {
		if errors.As(err, new(*fasthttp.ErrSmallBuffer)) {
			discard(ctx.Conn())
		}
		answer(ctx, err)
	}
}

// discard reads until the client falls quiet: behind the blank line that ends
// a head that is at once. Of a line that ends here, the beginning was read
// before.
func discard(conn net.Conn) {
	buffer := make([]byte, maxHead)
	kept := 0 // of the last read: the end may come in two parts
	pause, until := headPause, time.Now().Add(refusedTime)
	for read := 0; read < maxRefused && time.Now().Before(until); {
		if conn.SetReadDeadline(time.Now().Add(pause)) != nil {
			return
		}
		n, err := conn.Read(buffer[kept:])
		if err != nil {
			return
		}
		read += n
		seen := buffer[:kept+n]
		if endsHead(seen) || read < len(headEnd) && len(bytes.Trim(seen, headEnd)) == 0 {
			pause = bodyPause
		}
		kept = copy(buffer, seen[max(0, len(seen)-len(headEnd)+1):])
	}
}

const headEnd = "\r\n\r\n"

// endsHead reports whether there is a blank line.
func endsHead(text []byte) bool {
	return bytes.Contains(text, []byte(headEnd)) || bytes.Contains(text, []byte("\n\n"))
}
