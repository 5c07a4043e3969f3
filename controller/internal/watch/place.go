package watch

import (
	"strings"

	"github.com/lormas/lormas/shared/wire"
)

// place is how far a viewer is in a console.
type place struct {
	book  string
	last  uint64 // the number of his last line
	known bool   // he has seen something, or said so
}

// verdict is what a chunk is to a viewer.
type verdict int

const (
	next  verdict = iota // what comes next, as the chunk that judge returns
	again                // he has it
	hole                 // something before it is missing
)

// judge compares a chunk with a viewer's place. It returns what of it is news
// to him, and where he is when he has got that.
func (p place) judge(c wire.LogChunk) (place, wire.LogChunk, verdict) {
	other := c.Book != p.book
	begins := c.Lines == 0
	switch {
	case c.First == 0: // an end, or an agent that does not number its lines
		return p, c, next
	case begins && (other || !p.known):
		return place{c.Book, c.First - 1, true}, c, next
	case !p.known:
		return p, c, hole // the beginning of the stream was lost
	case begins && c.First <= p.last+1, !other && !begins && c.Last() <= p.last:
		return p, c, again
	case other:
		return place{c.Book, c.Last(), true}, c, next
	case c.First > p.last+1 && (c.Gap == nil || c.Gap.From > p.last+1):
		return p, c, hole
	}
	return place{c.Book, c.Last(), true}, from(c, p.last+1), next
}

// from is a chunk without the lines, and the gap, before a number.
func from(c wire.LogChunk, first uint64) wire.LogChunk {
	if c.Gap != nil && c.Gap.From < first {
		gap := wire.Gap{From: first, To: c.Gap.To}
		if c.Gap = &gap; gap.To < first {
			c.Gap = nil
		}
	}
	for c.First < first && c.Lines > 0 {
		_, c.Data, _ = strings.Cut(c.Data, "\n")
		c.First++
		c.Lines--
	}
	return c
}
