package watch

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// printer is a node with one container that prints "line N": it sends streams
// of its book as an agent does, over a link that may lose messages.
type printer struct {
	watch   *Watch
	lines   uint64            // printed so far
	trimmed uint64            // of them not kept any more
	streams map[string]uint64 // by name: the last line that was sent
	way     []wire.LogChunk   // messages that are on their way
}

// Publish implements Publisher.
func (p *printer) Publish(_ wire.Topic, payload []byte) error {
	c, err := wire.Decode[wire.Command](payload, wire.TypeCommand)
	if err != nil {
		return err
	}
	if last, runs := p.streams[c.Stream]; runs && !c.Seek { // a renewal: it says where it is
		p.way = append(p.way, wire.LogChunk{Stream: c.Stream, Book: "b", First: last + 1})
		return nil
	}
	after := min(c.After, p.lines)
	if c.After == 0 && c.Book == "" {
		after = p.lines - min(p.lines-p.trimmed, uint64(c.Tail))
	}
	p.streams[c.Stream] = after
	p.way = append(p.way, wire.LogChunk{Stream: c.Stream, Book: "b", First: after + 1})
	return nil
}

// send sends what is printed on all streams.
func (p *printer) send(most uint64) {
	for name, after := range p.streams {
		first := max(after, p.trimmed) + 1
		last := min(p.lines, first+most-1)
		if last < first {
			continue
		}
		var data strings.Builder
		for n := first; n <= last; n++ {
			fmt.Fprintf(&data, "line %d\n", n)
		}
		c := wire.LogChunk{Stream: name, Book: "b", First: first, Lines: int(last - first + 1), Data: data.String()}
		if first > after+1 {
			c.Gap = &wire.Gap{From: after + 1, To: first - 1}
		}
		p.streams[name] = last
		p.way = append(p.way, c)
	}
}

// viewer checks what somebody sees: every line once, in order, or a gap.
type viewer struct {
	last, gaps uint64
	begun      bool
}

func (v *viewer) see(t *rapid.T, c wire.LogChunk) {
	if c.Lines == 0 {
		if !v.begun {
			v.last, v.begun = c.First-1, true
		}
		return
	}
	if c.Gap != nil {
		if c.Gap.From != v.last+1 || c.Gap.To != c.First-1 {
			t.Fatalf("after line %d comes a gap %+v before %d", v.last, c.Gap, c.First)
		}
		v.gaps += c.Gap.To - c.Gap.From + 1
		v.last = c.Gap.To
	}
	for _, line := range strings.Split(strings.TrimSuffix(c.Data, "\n"), "\n") {
		v.last++
		if line != fmt.Sprintf("line %d", v.last) {
			t.Fatalf("%q comes where line %d should", line, v.last)
		}
	}
}

// TestAViewerGetsEachLineOnceOrIsToldThatItIsGone has messages lost, doubled
// and cut off, the link of the node broken and the viewer asleep, in any order.
func TestAViewerGetsEachLineOnceOrIsToldThatItIsGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := liveness.NewRegistry(liveness.Options{Profile: liveness.Standard(), Now: time.Now, Lease: func(id.NodeID, wire.Lease) {}})
		nodes.Hear(node, liveness.Connected{Conn: 1})
		nodes.Hear(node, liveness.Greeted{Conn: 1, Session: session})
		now := time.Unix(0, 0)
		p := &printer{streams: map[string]uint64{}}
		p.lines = rapid.Uint64Range(0, 50).Draw(t, "before")
		w := New(Options{Publisher: p, Nodes: nodes, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
		tail := rapid.IntRange(0, 20).Draw(t, "tail")
		begun := p.lines - min(p.lines, uint64(tail))
		s, err := w.Logs(t.Context(), node, container, LogOptions{Tail: tail, Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		v, trimmed := &viewer{last: begun}, uint64(0)
		deliver := func() {
			c := p.way[0]
			p.way = p.way[1:]
			c.Header = wire.Head(wire.TypeLogs)
			if err := w.Deliver(logs, wire.Encode(c)); err != nil {
				t.Fatal(err)
			}
		}
		deliver() // what is asked first arrives: the API waits for it
		look := func(most int) {
			for ; most > 0 && len(s.C()) > 0; most-- {
				v.see(t, <-s.C())
			}
		}
		pass := func(d time.Duration) {
			now = now.Add(d)
			w.seekAll()
		}
		t.Repeat(map[string]func(*rapid.T){
			"print": func(t *rapid.T) {
				p.lines += rapid.Uint64Range(1, 300).Draw(t, "lines")
				p.send(rapid.Uint64Range(1, 9).Draw(t, "a time"))
			},
			"send": func(t *rapid.T) { p.send(5) },
			"flood": func(t *rapid.T) {
				for range queue + 20 {
					p.lines++
					p.send(1)
				}
				for len(p.way) > 0 {
					deliver()
				}
			},
			"deliver": func(t *rapid.T) {
				for range min(len(p.way), rapid.IntRange(1, 50).Draw(t, "messages")) {
					deliver()
				}
			},
			"lose": func(t *rapid.T) { p.way = p.way[min(len(p.way), rapid.IntRange(1, 3).Draw(t, "messages")):] },
			"double": func(t *rapid.T) {
				if len(p.way) > 0 {
					p.way = append(p.way[:1:1], p.way...)
				}
			},
			"break": func(t *rapid.T) { p.way, p.streams = nil, map[string]uint64{} },
			"renew": func(t *rapid.T) { now = now.Add(renewEvery); w.renewAll() },
			"wait":  func(t *rapid.T) { pass(seekEvery) },
			"look":  func(t *rapid.T) { look(rapid.IntRange(1, 300).Draw(t, "chunks")) },
			"trim": func(t *rapid.T) {
				p.trimmed = rapid.Uint64Range(p.trimmed, max(p.trimmed+1, p.lines)-1).Draw(t, "up to")
				trimmed = p.trimmed
			},
		})
		// When the weather is fine again, he gets everything that there is.
		for range 20 {
			pass(seekAgain + 1)
			w.renewAll()
			p.send(2000)
			for len(p.way) > 0 {
				deliver()
			}
			look(queue)
		}
		if v.last != p.lines {
			t.Fatalf("he has line %d of %d; behind %t, place %+v", v.last, p.lines, w.feeds[logs][only(w)].behind, w.feeds[logs][only(w)].place)
		}
		if v.gaps > trimmed {
			t.Fatalf("%d lines are missing, and only %d were trimmed", v.gaps, trimmed)
		}
	})
}

func only(w *Watch) (name string) {
	for name = range w.feeds[logs] {
	}
	return name
}

func TestASlowViewerIsBroughtUpToDate(t *testing.T) {
	bubble(t, func(t *testing.T, w *Watch, a *asked) {
		s, err := w.Logs(t.Context(), node, container, LogOptions{Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		stream := a.take()[0].Stream
		deliverLog(t, w, wire.LogChunk{Stream: stream, Book: "b", First: 1})
		for n := range uint64(queue + 10) {
			deliverLog(t, w, wire.LogChunk{Stream: stream, Book: "b", First: n + 1, Lines: 1, Data: "x\n"})
		}
		after(3 * time.Second)
		if asked := a.take(); len(asked) != 0 {
			t.Errorf("asked %+v for one who has no room", asked)
		}
		var last uint64
		for len(s.C()) > 0 {
			last = (<-s.C()).Last()
		}
		after(3 * time.Second)
		if asked := a.take(); len(asked) != 1 || asked[0].After != last || !asked[0].Seek || asked[0].Book != "b" {
			t.Errorf("after line %d it was asked %+v", last, asked)
		}
	})
}
