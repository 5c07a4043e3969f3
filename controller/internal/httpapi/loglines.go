package httpapi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lormas/lormas/shared/wire"
)

// writeLog puts a chunk where the reader sees it, with what it misses.
func writeLog(w *bufio.Writer, chunk wire.LogChunk) error {
	if g := chunk.Gap; g != nil {
		fmt.Fprintf(w, "[lormas: lines %d to %d are not kept any more]\n", g.From, g.To)
	}
	if chunk.Error != "" {
		fmt.Fprintf(w, "\n[lormas: %s]\n", chunk.Error)
	}
	_, err := w.WriteString(chunk.Data) // the writer keeps the errors of those before
	return err
}

// numbered is one line of a log in JSON; each has one of its four forms.
type numbered struct {
	Book string `json:"book,omitempty"`
	Next uint64 `json:"next,omitempty"` // the number that comes next

	N      uint64  `json:"n,omitempty"`
	Source string  `json:"source,omitempty"`
	Text   *string `json:"text,omitempty"`

	Gap   *wire.Gap `json:"gap,omitempty"`
	Error string    `json:"error,omitempty"`
}

// writeNumbered writes a chunk as lines of JSON.
func writeNumbered(w *bufio.Writer, chunk wire.LogChunk) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	if chunk.Lines == 0 && chunk.First > 0 {
		return out.Encode(numbered{Book: chunk.Book, Next: chunk.First})
	}
	if chunk.Gap != nil {
		if err := out.Encode(numbered{Gap: chunk.Gap}); err != nil {
			return err
		}
	}
	n, rest := chunk.First, chunk.Data
	for rest != "" {
		var text string
		text, rest, _ = strings.Cut(rest, "\n")
		if err := out.Encode(numbered{N: n, Source: chunk.Source, Text: &text}); err != nil {
			return err
		}
		n++
	}
	if chunk.Error != "" {
		return out.Encode(numbered{Error: chunk.Error})
	}
	return nil
}
