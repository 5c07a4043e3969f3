package console

import (
	"bytes"
	"os"
	"testing"
	"time"
)

func FuzzFrame(f *testing.F) {
	var whole frame
	whole.add(time.Unix(1, 2), Out, []byte("one"), false)
	whole.add(time.Unix(0, 1), Lormas, nil, true)
	f.Add(bytes.Clone(whole.seal(7)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 0
		h, size, err := readFrame(data, func(l Line) {
			if l.N != uint64(lines)+h0(data) || len(l.Text) > MaxLine {
				t.Errorf("line %d has number %d and %d bytes", lines, l.N, len(l.Text))
			}
			lines++
		})
		switch {
		case err != nil && lines > 0:
			t.Errorf("%d lines of a frame that is not whole", lines)
		case err == nil && (lines != h.count || size > len(data)):
			t.Errorf("%d lines and %d bytes of %+v", lines, size, h)
		}
	})
}

func h0(data []byte) uint64 { h, _ := readHead(data); return h.first }

// FuzzSegment cuts or spoils a good segment: what is before that is kept.
func FuzzSegment(f *testing.F) {
	f.Add(uint16(20), byte(0), true)
	f.Add(uint16(70), byte(1), false)
	f.Fuzz(func(t *testing.T, at uint16, flip byte, cut bool) {
		dir := t.TempDir()
		var data []byte
		var ends []int
		for n := range 5 {
			var one frame
			one.add(time.Unix(int64(n), 0), Out, []byte("some line of text"), false)
			one.add(time.Unix(int64(n), 0), Out, []byte("another"), false)
			data = append(data, one.seal(uint64(2*n+1))...)
			ends = append(ends, len(data))
		}
		spot := int(at) % len(data)
		if cut {
			data = data[:spot]
		} else {
			data[spot] ^= flip
		}
		if err := os.WriteFile(segmentPath(dir, 1), data, 0o600); err != nil {
			t.Fatal(err)
		}
		lines := 0
		all, err := findSegments(dir, func(Line) { lines++ })
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, end := range ends {
			if end <= spot || flip == 0 && !cut {
				want += 2
			}
		}
		kept := 0
		for _, s := range all {
			kept += s.lines
		}
		if lines != want || kept != want {
			t.Errorf("spoiled at %d of %d: %d lines were read and %d are kept, want %d", spot, len(data), lines, kept, want)
		}
	})
}

func TestAnyFileIsOpened(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "zeroes": string(make([]byte, 100_000)), "text": "what is this?\n", "ones": string(bytes.Repeat([]byte{0xff}, 5000)),
	} {
		dir := t.TempDir()
		for _, file := range []string{segmentPath(dir, 1), dir + "/" + noteName, dir + "/nonsense.lines", dir + "/1.lines"} {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b, err := openBook(dir, "boot", time.Now())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b.put(Out, time.Now(), []byte("x"), false)
		if err := b.drain(nil); err != nil || b.next != 2 {
			t.Errorf("%s: the next number is %d, %v", name, b.next, err)
		}
	}
}
