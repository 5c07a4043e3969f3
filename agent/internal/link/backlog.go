package link

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lormas/lormas/shared/loop"
)

// backlogBytes bounds what waits to be sent of one console.
const backlogBytes = 256 << 10

// backlog is the newest output of a console that was not sent yet. Over its
// bound the oldest is dropped, and counted.
type backlog struct {
	more loop.Wake // there is something to take

	mu      sync.Mutex
	data    []byte
	dropped int // bytes, before data
	ended   bool
	fault   string // why it ended, if not properly
	told    bool   // the end was taken
}

// piece is what is taken at once.
type piece struct {
	data    string
	dropped int
	last    bool
	fault   string
}

func (p piece) empty() bool { return p.data == "" && p.dropped == 0 && !p.last }

func newBacklog() *backlog { return &backlog{more: loop.NewWake()} }

func (b *backlog) put(data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, data...)
	if over := len(b.data) - backlogBytes; over > 0 {
		b.data = append([]byte(nil), b.data[over:]...)
		b.dropped += over
	}
	b.more.Up()
}

func (b *backlog) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if err != nil {
		b.fault = err.Error()
	}
	b.more.Up()
}

// take takes at most so many bytes, from the front. A character that is not
// complete yet stays for the next time.
func (b *backlog) take(most int) piece {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.data), most)
	if !b.ended || n < len(b.data) {
		n = wholeRunes(b.data[:n])
	}
	p := piece{data: strings.ToValidUTF8(string(b.data[:n]), "\uFFFD"), dropped: b.dropped}
	b.data, b.dropped = b.data[n:], 0
	if b.ended && len(b.data) == 0 && !b.told {
		b.told, p.last, p.fault = true, true, b.fault
	}
	return p
}

// wholeRunes is the length of data without a character that is cut off at
// its end.
func wholeRunes(data []byte) int {
	for back := 1; back <= min(utf8.UTFMax, len(data)); back++ {
		at := len(data) - back
		if utf8.RuneStart(data[at]) {
			if !utf8.FullRune(data[at:]) {
				return at
			}
			break
		}
	}
	return len(data)
}
