package console

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
)

// Start says where a reader begins: after a number that its viewer has seen in
// a book of that name, or with so many lines of the past.
type Start struct {
	Book  string // "": whichever there is, and without After it is the tail that counts
	After uint64
	Tail  int
}

// Part is what a reader gets at once: lines whose numbers follow one another,
// and what is missing before them.
type Part struct {
	Book    string
	GapFrom uint64 // 0: nothing is missing
	GapTo   uint64
	Lines   []Line
}

// Reader reads a book forward. It belongs to one goroutine.
type Reader struct {
	book  *Book
	name  string
	after uint64 // the last number that was delivered

	file  *os.File // the segment that is being read
	path  string
	at    int64
	data  []byte
	lines []Line // of the frame at hand, not delivered yet
}

// NewReader makes a reader. Close gives it back.
func (b *Book) NewReader(s Start) (*Reader, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &Reader{book: b, name: b.note.Name}
	var err error
	seen, ours := b.note.seen(s.Book, s.After)
	switch {
	case s.After == 0 && s.Book == "":
		r.after, err = b.beforeTail(s.Tail)
	case ours:
		r.after = min(seen, b.next-1)
	default: // of another node: all of this one's is news
		r.after, err = b.beforeTail(math.MaxInt)
	}
	return r, err
}

// beforeTail is the number before the last lines; called with the lock held.
func (b *Book) beforeTail(lines int) (uint64, error) {
	left := max(lines, 0)
	if left == 0 {
		return b.next - 1, nil
	}
	for i := len(b.segments) - 1; i >= 0; i-- {
		s := b.segments[i]
		if s.lines < left {
			left -= s.lines
			continue
		}
		return nthBefore(s, s.lines-left)
	}
	if len(b.segments) > 0 {
		return b.segments[0].first - 1, nil
	}
	return b.next - 1, nil
}

// nthBefore is the number before a segment's line, counted from 0.
func nthBefore(s segment, n int) (uint64, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var front [headSize]byte
	for at := int64(0); at < s.size; {
		if _, err := f.ReadAt(front[:], at); err != nil {
			return 0, err
		}
		h, err := readHead(front[:])
		if err != nil {
			return 0, err
		}
		if n < h.count {
			return h.first + uint64(n) - 1, nil
		}
		n -= h.count
		at += int64(headSize + h.length)
	}
	return s.last, nil
}

// Changed is closed when there may be more to read than there is now. Ask for
// it before Next.
func (r *Reader) Changed() <-chan struct{} {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	return r.book.changed
}

// Name is the name of the book that the reader is in.
func (r *Reader) Name() string { return r.name }

// After is the number of the last line that was delivered or passed over.
func (r *Reader) After() uint64 { return r.after }

// End is the number of the book's last line, as it is now.
func (r *Reader) End() uint64 {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	return r.book.next - 1
}

// Next reads on, most bytes of text or one line at least. A part without
// lines means that there are no more now. The texts are valid until the next
// call.
func (r *Reader) Next(most int) (Part, error) {
	for {
		s, found := r.find()
		if !found {
			return Part{Book: r.name}, nil
		}
		part, err := r.read(s, most)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // it was trimmed just now
		case err != nil:
			return Part{}, err
		case !r.current():
			continue
		case len(part.Lines) > 0:
			return part, nil
		}
		// What is left of the segment cannot be read: its lines are missing.
		r.skip(s)
	}
}

// find is the segment that has the next line, as it is now.
func (r *Reader) find() (segment, bool) {
	b := r.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.name != b.note.Name { // it was removed meanwhile, and is another
		r.name, r.after = b.note.Name, b.note.From-1
		r.Close()
	}
	for _, s := range b.segments {
		if s.lines > 0 && s.last > r.after {
			return s, true
		}
	}
	return segment{}, false
}

// current reports whether the book is still the one that was read.
func (r *Reader) current() bool {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	return r.name == r.book.note.Name
}

func (r *Reader) skip(s segment) {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	r.after = s.last
	for i, known := range r.book.segments {
		if known.path == s.path && i+1 < len(r.book.segments) {
			r.after = r.book.segments[i+1].first - 1
		}
	}
}

// read reads lines of one segment.
func (r *Reader) read(s segment, most int) (Part, error) {
	if r.path != s.path {
		r.Close()
		f, err := os.Open(s.path)
		if err != nil {
			return Part{}, err
		}
		r.file, r.path = f, s.path
	}
	part := Part{Book: r.name}
	for len(part.Lines) == 0 {
		if len(r.lines) == 0 {
			if r.at >= s.size {
				return part, nil
			}
			if ok, err := r.load(s); !ok || err != nil {
				return part, err
			}
		}
		part.Lines = r.pick(most)
	}
	if first := part.Lines[0].N; first > r.after+1 {
		part.GapFrom, part.GapTo = r.after+1, first-1
	}
	r.after = part.Lines[len(part.Lines)-1].N
	return part, nil
}

// load reads the frame at hand. It reports false for one that is spoiled.
func (r *Reader) load(s segment) (bool, error) {
	var front [headSize]byte
	if _, err := r.file.ReadAt(front[:], r.at); err != nil {
		return false, ignoreEnd(err)
	}
	h, err := readHead(front[:])
	if err != nil || r.at+int64(headSize+h.length) > s.size {
		return false, nil
	}
	r.at += int64(headSize + h.length)
	if h.last() <= r.after {
		return true, nil
	}
	r.data = append(r.data[:0], make([]byte, headSize+h.length)...)
	if _, err := r.file.ReadAt(r.data, r.at-int64(len(r.data))); err != nil {
		return false, ignoreEnd(err)
	}
	r.lines = r.lines[:0]
	_, _, err = readFrame(r.data, func(l Line) { r.lines = append(r.lines, l) })
	return err == nil, nil
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// pick takes lines of one source off the frame at hand, those that are new.
func (r *Reader) pick(most int) []Line {
	for len(r.lines) > 0 && r.lines[0].N <= r.after {
		r.lines = r.lines[1:]
	}
	size, n := 0, 0
	for n < len(r.lines) && r.lines[n].Source == r.lines[0].Source {
		size += len(r.lines[n].Text) + 1
		if n > 0 && size > most {
			break
		}
		n++
	}
	out := r.lines[:n]
	r.lines = r.lines[n:]
	return out
}

// Close gives up the file that is being read.
func (r *Reader) Close() {
	if r.file != nil {
		_ = r.file.Close() // it was only read
	}
	r.file, r.path, r.at, r.lines = nil, "", 0, nil
}
