package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestALogIsJoinedWhereItWasLeft reads a log in two parts, with times that are
// a little out of order.
func TestALogIsJoinedWhereItWasLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "lines")
		log := make([]time.Time, n)
		for i := range log {
			jitter := rapid.IntRange(0, 20).Draw(t, "jitter") // lines are 10 µs apart
			late := rapid.IntRange(0, 1).Draw(t, "late")
			log[i] = time.Unix(0, int64(1000*(1000+10*i+jitter*late)+i)) // no two are the same
		}
		read := rapid.IntRange(0, n).Draw(t, "read")
		var a anchor
		for _, at := range log[:read] {
			a.note(at)
		}
		rotated := rapid.IntRange(0, n).Draw(t, "rotated away")
		j := a.join()
		var got, want []string
		for i, at := range log {
			if i < rotated || at.Before(j.since) {
				continue
			}
			switch j.pass(at) {
			case torn:
				got = append(got, "torn", fmt.Sprint(i))
			case fresh:
				got = append(got, fmt.Sprint(i))
			case known:
			}
		}
		for i := max(read, rotated); i < n; i++ {
			if i == rotated && rotated >= read && read > 0 && rotated > 0 {
				want = append(want, "torn")
			}
			want = append(want, fmt.Sprint(i))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("read %d of %d, %d rotated away (-want +got):\n%s", read, n, rotated, d)
		}
	})
}
