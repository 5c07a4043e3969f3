package console

import (
	"sync"
	"time"
)

// pendingBytes bounds what waits to be written of one console.
const pendingBytes = 1 << 20

// pending is the newest lines of a console that were not written yet. Over its
// bound the oldest are dropped, and counted.
type pending struct {
	mu      sync.Mutex
	frames  []waiting
	size    int // of all frames
	dropped int // lines, after the last frame's
	spare   *frame
	anchor  anchor
	busy    bool // somebody takes
}

// waiting is a frame with how many lines were dropped before it.
type waiting struct {
	*frame
	skip int
}

// put adds a line. It reports whether somebody has to begin taking.
func (p *pending) put(source Source, at time.Time, text []byte, cut bool) (begin bool) {
	if len(text) > MaxLine {
		text, cut = text[:MaxLine], true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if source == Out {
		p.anchor.note(at)
	}
	if len(p.frames) == 0 || p.frames[len(p.frames)-1].size() >= maxFrame {
		f := p.spare
		if p.spare = nil; f == nil {
			f = &frame{}
		}
		p.frames = append(p.frames, waiting{f, p.dropped})
		p.dropped = 0
	}
	f := p.frames[len(p.frames)-1].frame
	before := f.size()
	f.add(at, source, text, cut)
	p.size += f.size() - before
	for p.size > pendingBytes {
		p.dropOldest()
	}
	begin = !p.busy
	p.busy = true
	return begin
}

func (p *pending) dropOldest() {
	oldest := p.frames[0]
	skip := oldest.skip + oldest.count
	p.frames = append(p.frames[:0], p.frames[1:]...)
	p.size -= oldest.size()
	if len(p.frames) > 0 {
		p.frames[0].skip += skip
	} else {
		p.dropped += skip
	}
	p.giveBack(oldest.frame)
}

// take takes all that waits; nothing means that put says when to begin again.
func (p *pending) take() []waiting {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.frames
	p.frames, p.size = nil, 0
	p.busy = len(all) > 0
	return all
}

// giveBack is called with the lock held.
func (p *pending) giveBack(f *frame) {
	f.data, f.count = f.data[:0], 0
	p.spare = f
}

// used takes frames back that were written.
func (p *pending) used(all []waiting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range all {
		p.giveBack(w.frame)
	}
}

func (p *pending) reached() anchor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.anchor
}
