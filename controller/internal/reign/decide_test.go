package reign

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/store"
)

func TestDecide(t *testing.T) {
	const key, other = "sha256:aa", "sha256:bb"
	row := func(id string, term int64, left time.Duration) store.Controller {
		return store.Controller{ID: id, Term: term, LeaseLeft: left, URL: "http://" + id, SigningKey: key}
	}
	fresh, reigning := self{id: "me", key: key}, self{id: "me", key: key, term: 5}
	for name, c := range map[string]struct {
		me   self
		all  []store.Controller
		want move
		err  error
	}{
		"the first of all":                          {fresh, nil, begin, nil},
		"another reigns":                            {fresh, []store.Controller{row("a", 3, time.Second)}, standBy, nil},
		"another's lease is over":                   {fresh, []store.Controller{row("a", 3, 0)}, begin, nil},
		"our own lease of before runs":              {fresh, []store.Controller{row("me", 3, time.Minute)}, begin, nil},
		"we stood by and the other is gone":         {fresh, []store.Controller{row("a", 3, -time.Minute), row("me", 0, 0)}, begin, nil},
		"an older lease runs, though it should not": {fresh, []store.Controller{row("me", 4, 0), row("a", 3, time.Second)}, standBy, nil},
		"we reign":                            {reigning, []store.Controller{row("me", 5, time.Second), row("a", 0, 0)}, renew, nil},
		"we reign, and were late":             {reigning, []store.Controller{row("me", 5, -time.Hour), row("a", 4, 0)}, renew, nil},
		"another reigns after us":             {reigning, []store.Controller{row("a", 6, time.Second), row("me", 5, 0)}, renew, ErrDeposed},
		"another reigned after us and ended":  {reigning, []store.Controller{row("a", 6, 0), row("me", 5, 0)}, renew, ErrDeposed},
		"somebody took our name":              {reigning, []store.Controller{row("me", 6, time.Second)}, renew, ErrTwin},
		"the database forgot us":              {reigning, nil, renew, ErrDeposed},
		"the database was restored":           {reigning, []store.Controller{row("me", 4, time.Second)}, renew, ErrDeposed},
		"another key":                         {self{id: "me", key: other}, []store.Controller{row("a", 3, 0)}, begin, ErrKey},
		"another key of our own":              {self{id: "me", key: other}, []store.Controller{row("me", 3, 0)}, begin, nil},
		"another key, wanted":                 {self{id: "me", key: other, replaceKey: true}, []store.Controller{row("a", 3, 0)}, begin, nil},
		"another key, wanted, but one reigns": {self{id: "me", key: other, replaceKey: true}, []store.Controller{row("a", 3, time.Second)}, begin, ErrKey},
	} {
		got, err := decide(c.me, c.all)
		if !errors.Is(err, c.err) || err == nil && got.move != c.want {
			t.Errorf("%s: move %v, %v; want %v, %v", name, got.move, err, c.want, c.err)
		}
		if got.move == standBy && err == nil && got.active.ID != "a" {
			t.Errorf("%s: waits for %q", name, got.active.ID)
		}
	}
	_, err := decide(self{id: "me", key: other}, []store.Controller{row("a", 3, 0)})
	for _, word := range []string{key, other, "http://a", "--signing-key", "--replace-signing-key"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %q", word, err)
		}
	}
}

func TestLengthOfALease(t *testing.T) {
	there := func(unseen time.Duration) []store.Controller {
		return []store.Controller{{ID: "me"}, {ID: "a", Unseen: unseen}}
	}
	for _, c := range []struct {
		fixed time.Duration
		move  move
		all   []store.Controller
		want  time.Duration
	}{
		{0, renew, there(3 * time.Second), 15 * time.Second},
		{0, renew, there(31 * time.Second), 5 * time.Minute},
		{0, renew, []store.Controller{{ID: "me"}}, 5 * time.Minute},
		{0, begin, nil, 15 * time.Second},
		{4 * time.Second, renew, there(time.Hour), 4 * time.Second},
		{4 * time.Second, begin, nil, 4 * time.Second},
	} {
		if got := lengthOf(c.fixed, c.move, "me", c.all); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if countdown(15*time.Second) >= 15*time.Second || countdown(15*time.Second) < 14900*time.Millisecond {
		t.Errorf("of 15 s we count %s", countdown(15*time.Second))
	}
}

// Whatever renewals succeed, fail or get lost on their way back: the holder
// never believes in a lease for longer than the row has it, with two clocks
// that differ in rate as far as is allowed.
func TestTheHolderNeverOutlivesItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const skew = 0.001
		zero := time.Unix(1_000_000, 0)
		ours := func(at time.Duration) time.Time { return zero.Add(time.Duration(float64(at) * (1 - skew))) }
		theirs := func(at time.Duration) time.Duration { return time.Duration(float64(at) * (1 + skew)) }
		var held tenure
		var row, at time.Duration // the row's end, on its own clock; real time
		duration := func(name string, most time.Duration) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			at += duration("pause", 20*time.Second)
			sent := ours(at)
			length := rapid.SampledFrom([]time.Duration{awaited, alone}).Draw(t, "length")
			outcome := rapid.SampledFrom([]string{"granted", "answer lost", "not done"}).Draw(t, "outcome")
			at += duration("there", 2*time.Second)
			if outcome != "not done" {
				held, row = held.writing(sent, length), theirs(at)+length
			}
			at += duration("back", 2*time.Second)
			if outcome == "granted" {
				held = held.granted(sent, length)
			}
			end := at + duration("look", 6*time.Minute)
			if held.runs(ours(end)) && theirs(end) >= row {
				t.Fatalf("at %s the holder believes, and its row has ended", end)
			}
		}
	})
}

func TestAWallClockThatSleptEndsIt(t *testing.T) {
	now := time.Now()
	held := tenure{}.granted(now, awaited)
	if !held.runs(now) || held.runs(now.Round(0).Add(time.Minute)) {
		t.Error("the wall clock does not count")
	}
}
