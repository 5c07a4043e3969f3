package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/lormas/lormas/controller/internal/client"
)

// consoleLog prints a container's console, and knows how far it is: when the
// connection breaks it goes on where it was.
type consoleLog struct {
	to       *client.Client
	path     string
	tail     int
	out, err io.Writer

	book   string
	after  uint64
	opened bool // once at least
}

// entry is one line of the answer.
type entry struct {
	Book string
	Next uint64

	N    uint64
	Text string

	Gap   *struct{ From, To uint64 }
	Error string
}

// reconnectEvery is how long a broken connection is left alone.
const reconnectEvery = time.Second

// print prints until the log ends or, followed, until somebody stops it.
func (l *consoleLog) print(ctx context.Context, follow bool) error {
	told := false
	for {
		before := l.after
		err := l.once(ctx, follow)
		if ctx.Err() != nil {
			return nil
		}
		if !follow || !l.opened || final(err) {
			return err
		}
		if told = told && l.after == before; !told {
			fmt.Fprintf(l.err, "lormas: the log broke off and is asked for again: %v\n", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconnectEvery):
		}
	}
}

// final reports whether asking again will not help.
func final(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status < http.StatusInternalServerError && p.Status != http.StatusConflict && p.Status != http.StatusTooManyRequests
}

var errEnded = errors.New("the controller ended it")

// once prints what one request gives.
func (l *consoleLog) once(ctx context.Context, follow bool) error {
	query := url.Values{"format": {"json"}, "tail": {strconv.Itoa(l.tail)}, "follow": {strconv.FormatBool(follow)}}
	if l.book != "" {
		query.Set("book", l.book)
		query.Set("after", strconv.FormatUint(l.after, 10))
	}
	body, err := l.to.Stream(ctx, client.Request{Method: http.MethodGet, Path: l.path, Query: query})
	if err != nil {
		return err
	}
	defer body.Close()
	l.opened = true
	lines := bufio.NewReader(body)
	for {
		text, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			if follow {
				return errEnded
			}
			return nil
		case err != nil: // half a line is none
			return &client.Unreachable{Server: l.to.Server(), Err: fmt.Errorf("the log broke off: %w", err)}
		}
		var e entry
		if err := json.Unmarshal(text, &e); err != nil {
			return fmt.Errorf("%s does not answer like a Lormas controller: check --server", l.to.Server())
		}
		if err := l.take(e); err != nil {
			return err
		}
	}
}

// take prints an entry and notes how far the log is.
func (l *consoleLog) take(e entry) error {
	var err error
	switch {
	case e.Error != "":
		return errors.New(e.Error)
	case e.Book != "":
		l.book, l.after = e.Book, e.Next-1
	case e.Gap != nil:
		_, err = fmt.Fprintf(l.out, "[lormas: lines %d to %d are not kept any more]\n", e.Gap.From, e.Gap.To)
		l.after = e.Gap.To
	default:
		_, err = fmt.Fprintln(l.out, e.Text)
		l.after = max(l.after, e.N)
	}
	return err
}
