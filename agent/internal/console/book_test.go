package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func reopen(t interface{ Fatal(...any) }, dir, boot string) *Book {
	b, err := openBook(dir, boot, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// all reads a book from a start to its end.
func all(t interface{ Fatal(...any) }, b *Book, s Start) []Part {
	r, err := b.NewReader(s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out []Part
	for {
		p, err := r.Next(1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Lines) == 0 {
			return out
		}
		for i := range p.Lines {
			p.Lines[i].Text = []byte(string(p.Lines[i].Text))
		}
		out = append(out, p)
	}
}

// TestAnyLifeOfABook appends, floods, loses pending lines by crashes and
// reopens, in any order, and compares what is read with a model: which number
// each line must have got.
func TestAnyLifeOfABook(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		b := reopen(t, dir, "boot")
		model := map[uint64]string{} // what was written under each number
		next, made := uint64(1), 0
		var waits []string
		flush := func() {
			kept := 0
			for _, w := range b.frames {
				kept += w.count
			}
			next += uint64(len(waits) - kept) // the oldest were dropped
			for _, text := range waits[len(waits)-kept:] {
				model[next] = text
				next++
			}
			waits = nil
			if err := b.drain(nil); err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				count := rapid.IntRange(1, 2000).Draw(t, "lines")
				size := rapid.SampledFrom([]int{0, 10, 300, 5000}).Draw(t, "size")
				for range min(count, 3<<19/(size+1)) {
					made++
					text := fmt.Sprint(made, strings.Repeat("x", size))
					b.put(Source(made%3), time.Unix(int64(made), 0), []byte(text), false)
					waits = append(waits, text)
				}
			},
			"flush": func(*rapid.T) { flush() },
			"reopen": func(t *rapid.T) {
				flush()
				b.close()
				b = reopen(t, dir, "boot")
			},
			"crash": func(t *rapid.T) { // what was not written is not there
				waits = nil
				b.close()
				b = reopen(t, dir, "boot")
				next = b.next
			},
			"": func(t *rapid.T) { checkBook(t, b, model, next) },
		})
		b.close()
	})
}

func checkBook(t *rapid.T, b *Book, model map[uint64]string, next uint64) {
	after := rapid.Uint64Range(0, next+5).Draw(t, "after")
	tail := rapid.SampledFrom([]int{0, 1, 100, KeepLines}).Draw(t, "tail")
	start := Start{After: after, Tail: tail}
	parts := all(t, b, start)
	last, lines := min(after, b.next-1), 0
	for i, p := range parts {
		if after == 0 && i == 0 {
			last = p.Lines[0].N - 1 // a tail begins where it begins
			if p.GapFrom != 0 {
				t.Fatalf("a tail begins with a gap: %d to %d", p.GapFrom, p.GapTo)
			}
		}
		if first := p.Lines[0].N; first != last+1 && (p.GapFrom != last+1 || p.GapTo != first-1) || first == last+1 && p.GapFrom != 0 {
			t.Fatalf("after %d comes %d with a gap from %d to %d", last, first, p.GapFrom, p.GapTo)
		}
		for _, l := range p.Lines {
			if l.N <= last || model[l.N] != string(l.Text) {
				t.Fatalf("line %d after %d is %.20q, want %.20q", l.N, last, l.Text, model[l.N])
			}
			for lost := last + 1; lost < l.N; lost++ {
				if model[lost] != "" && lost >= b.segments[0].first {
					t.Fatalf("line %d is missing without need", lost)
				}
			}
			last = l.N
			lines++
		}
	}
	written := 0
	size := int64(0)
	for _, s := range b.segments {
		written += s.lines
		size += s.size
	}
	if after == 0 && lines != min(tail, written) {
		t.Fatalf("a tail of %d has %d lines of %d", tail, lines, written)
	}
	if size > KeepBytes {
		t.Fatalf("%d bytes are on the disk", size)
	}
	if first := KeepLines; len(model) >= first && written < first && size < KeepBytes-segmentBytes-maxFrame-2*MaxLine {
		t.Fatalf("only %d lines and %d bytes are kept", written, size)
	}
}

func TestAnotherBootIsAnotherName(t *testing.T) {
	dir := t.TempDir()
	write := func(b *Book, text string) {
		b.put(Out, time.Unix(5, 0), []byte(text), false)
		if err := b.drain(nil); err != nil {
			t.Fatal(err)
		}
	}
	texts := func(parts []Part) string {
		var out []string
		for _, p := range parts {
			for _, l := range p.Lines {
				out = append(out, fmt.Sprintf("%d %.8s", l.N, l.Text))
			}
		}
		return strings.Join(out, ",")
	}
	b := reopen(t, dir, "boot 1")
	write(b, "one")
	write(b, "two")
	first := b.note.Name
	b.close()
	b = reopen(t, dir, "boot 2") // with its notice
	write(b, "four")
	second := b.note.Name
	b.close()
	b = reopen(t, dir, "boot 2")
	if b.note.Name != second || first == second {
		t.Errorf("the names were %s, %s and now %s", first, second, b.note.Name)
	}
	for what, c := range map[string]struct {
		start Start
		want  string
	}{
		"who has seen all of the first boot":       {Start{Book: first, After: 2}, "3 [lormas],4 four"},
		"who has seen less":                        {Start{Book: first, After: 1}, "2 two,3 [lormas],4 four"},
		"who has seen lines that the machine lost": {Start{Book: first, After: 9}, "3 [lormas],4 four"},
		"who comes from another node":              {Start{Book: "other", After: 9}, "1 one,2 two,3 [lormas],4 four"},
		"who has seen the notice":                  {Start{Book: second, After: 3}, "4 four"},
		"who does not say where":                   {Start{After: 3}, "4 four"},
		"who is ahead of everything":               {Start{After: 300}, ""},
	} {
		if got := texts(all(t, b, c.start)); got != c.want {
			t.Errorf("%s gets %q, want %q", what, got, c.want)
		}
	}
}

func TestARemovedBookBeginsAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "book")
	b := reopen(t, dir, "boot")
	b.put(Out, time.Unix(1, 0), []byte("old"), false)
	_ = b.drain(nil)
	r, err := b.NewReader(Start{Tail: 1})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := r.Next(10); err != nil || string(p.Lines[0].Text) != "old" {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := b.reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	b.put(Out, time.Unix(1, 0), []byte("new"), false)
	_ = b.drain(nil)
	p, err := r.Next(10)
	if err != nil || len(p.Lines) != 1 || p.Lines[0].N != 1 || string(p.Lines[0].Text) != "new" {
		t.Errorf("the reader goes on with %+v, %v", p, err)
	}
}

func TestALongLineIsCut(t *testing.T) {
	b := reopen(t, t.TempDir(), "boot")
	b.put(Out, time.Unix(1, 0), make([]byte, MaxLine+1), false)
	b.put(Out, time.Unix(1, 0), make([]byte, MaxLine), false)
	_ = b.drain(nil)
	lines := []Line{}
	for _, p := range all(t, b, Start{Tail: 9}) {
		lines = append(lines, p.Lines...)
	}
	if len(lines) != 2 || !lines[0].Cut || len(lines[0].Text) != MaxLine || lines[1].Cut {
		t.Errorf("%d lines", len(lines))
	}
}
