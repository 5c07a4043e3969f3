package docker

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/agent/internal/runtime"
)

func TestLongLinesAreOneLine(t *testing.T) {
	// one of each size around the pieces that docker makes, and one over the bound
	sizes := []int{0, 1, 16383, 16384, 16385, 32768, 40000, runtime.MaxLine, runtime.MaxLine + 1, 200_000}
	var text strings.Builder
	for _, n := range sizes {
		fmt.Fprintf(&text, "head -c %d /dev/zero | tr '\\0' 'x'; echo;\n", n)
	}
	for _, tty := range []bool{false, true} {
		in := script(text.String())
		in.Spec.TTY = tty
		e := engineAt(t, testEngine.Socket())
		start(t, e, in)
		var got []string
		err := e.Lines(t.Context(), in.ID, time.Time{}, func(l runtime.Line) {
			if strings.Trim(string(l.Text), "x") != "" || l.At.IsZero() {
				t.Errorf("tty %t: %.100q at %s", tty, l.Text, l.At)
			}
			got = append(got, fmt.Sprint(len(l.Text), l.Cut))
		})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, n := range sizes {
			want = append(want, fmt.Sprint(min(n, runtime.MaxLine), n > runtime.MaxLine))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("tty %t: lengths (-want +got):\n%s", tty, d)
		}
	}
}

// TestAnyLogIsReadBack writes lines as docker does and reads them in pieces.
func TestAnyLogIsReadBack(t *testing.T) {
	const at = "2026-11-26T17:20:00.123456789Z "
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(pieceSize-2, pieceSize+2), rapid.IntRange(0, 70_000)), 0, 5).Draw(t, "sizes")
		var log strings.Builder
		var want, got []int
		for _, n := range sizes {
			want = append(want, min(n, runtime.MaxLine))
			for ; n >= pieceSize; n -= pieceSize {
				log.WriteString(at + strings.Repeat("y", pieceSize))
			}
			log.WriteString(at + strings.Repeat("y", n) + "\n")
		}
		a := &assembler{line: func(l runtime.Line) { got = append(got, len(l.Text)) }}
		var in io.Reader = strings.NewReader(log.String())
		if rapid.Bool().Draw(t, "bytewise") {
			in = iotest.OneByteReader(in)
		}
		if _, err := io.Copy(a, in); err != nil {
			t.Fatal(err)
		}
		a.end()
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("lengths (-want +got):\n%s", d)
		}
	})
}

func FuzzAssembler(f *testing.F) {
	f.Add([]byte("2026-11-26T17:20:00.123456789Z hello\n"))
	f.Add([]byte("no time at all, but a text that is long enough\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := &assembler{line: func(l runtime.Line) {
			if len(l.Text) > runtime.MaxLine {
				t.Errorf("a line of %d bytes", len(l.Text))
			}
		}}
		if n, err := a.Write(data); n != len(data) || err != nil {
			t.Errorf("took %d of %d: %v", n, len(data), err)
		}
		a.end()
	})
}
