package console

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Book is the console of one container. It is safe for concurrent use. A book
// that nothing was written to has no directory yet.
type Book struct {
	dir  string
	boot string // of the machine
	pending

	mu       sync.Mutex
	note     note
	made     bool // the directory and the note are there
	segments []segment
	next     uint64   // number of the next line
	file     *os.File // of the last segment; nil: the next line begins one
	changed  chan struct{}
}

// note is the book's name, and the first number that was written under it.
type note struct {
	name
	Boot    string `json:"boot"`
	Earlier []name `json:"earlier,omitempty"` // oldest first
}

type name struct {
	Name string `json:"name"`
	From uint64 `json:"from"`
}

// maxEarlier is how many names are remembered.
const maxEarlier = 16

// seen is up to which number a viewer has what this book has, if he has seen
// so many of a book of that name.
func (n note) seen(book string, after uint64) (uint64, bool) {
	end := n.From - 1
	if book == "" || book == n.Name {
		return after, true
	}
	for i := len(n.Earlier) - 1; i >= 0; i-- {
		if n.Earlier[i].Name == book {
			return min(after, end), true
		}
		end = n.Earlier[i].From - 1
	}
	return 0, false
}

const noteName = "book"

// openBook reads what there is of a book.
func openBook(dir, boot string, now time.Time) (*Book, error) {
	b := &Book{dir: dir, boot: boot, next: 1, changed: make(chan struct{})}
	b.rename(nil)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	var err error
	b.segments, err = findSegments(dir, func(l Line) {
		if l.Source == Out {
			b.anchor.note(l.At)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the console's book in %s: %w", dir, err)
	}
	if n := len(b.segments); n > 0 {
		b.next = b.segments[n-1].last + 1
	}
	kept, whole := readNote(dir)
	if whole && kept.Boot == boot && kept.From <= b.next {
		b.note, b.made = kept, true
		return b, nil
	}
	if whole {
		kept.Earlier = append(kept.Earlier, kept.name)
	}
	b.rename(kept.Earlier[max(0, len(kept.Earlier)-maxEarlier):])
	if len(b.segments) > 0 {
		b.put(Lormas, now, []byte("[lormas] the machine was started anew: if it went down without warning, the last lines before this may be missing"), false)
		b.drain(nil)
	}
	return b, nil
}

func readNote(dir string) (n note, whole bool) {
	text, err := os.ReadFile(filepath.Join(dir, noteName))
	if err != nil || json.Unmarshal(text, &n) != nil {
		return note{}, false
	}
	return n, n.Name != ""
}

// rename gives the book another name from the next line on.
func (b *Book) rename(earlier []name) {
	b.note = note{name: name{Name: rand.Text()[:10], From: b.next}, Boot: b.boot, Earlier: earlier}
	b.made = false
}

// drain writes what is pending until nothing is; pause is called after each
// piece with its size.
func (b *Book) drain(pause func(bytes int)) error {
	var errs error
	for {
		all := b.take()
		if len(all) == 0 {
			return errs
		}
		size := 0
		for _, w := range all {
			size += w.size()
		}
		errs = errors.Join(errs, b.write(all))
		b.used(all)
		if pause != nil {
			pause(size)
		}
	}
}

// write appends frames. What cannot be written is missing, as its numbers
// then say.
func (b *Book) write(all []waiting) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	for _, w := range all {
		b.next += uint64(w.skip)
		if err == nil {
			err = b.writeFrame(w.frame)
		}
		b.next += uint64(w.count)
	}
	close(b.changed)
	b.changed = make(chan struct{})
	return err
}

func (b *Book) writeFrame(f *frame) error {
	if err := b.ready(); err != nil {
		return fmt.Errorf("write to the console's book: %w", err)
	}
	data := f.seal(b.next)
	s := &b.segments[len(b.segments)-1]
	if _, err := b.file.Write(data); err != nil {
		b.closeFile() // what was written of it is after the end that we know
		if s.lines == 0 {
			b.segments = b.segments[:len(b.segments)-1]
		}
		return fmt.Errorf("write to the console's book: %w", err)
	}
	s.last, s.size = b.next+uint64(f.count)-1, s.size+int64(len(data))
	s.lines += f.count
	if s.lines >= segmentLines || s.size >= segmentBytes {
		b.closeFile()
	}
	n := trim(b.segments)
	err := drop(b.segments[:n])
	b.segments = append(b.segments[:0], b.segments[n:]...)
	return err
}

// ready sees to it that there is a segment to write to.
func (b *Book) ready() error {
	if b.file != nil {
		return nil
	}
	if !b.made {
		if err := b.make(); err != nil {
			return err
		}
	}
	path := segmentPath(b.dir, b.next)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b.file = f
	b.segments = append(b.segments, segment{path: path, first: b.next})
	return nil
}

// make writes the note for good: after a crash of the machine it must be
// known which numbers were given under another name.
func (b *Book) make() error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(b.note)
	if err != nil {
		return err
	}
	path := filepath.Join(b.dir, noteName)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	b.made = true
	return os.Rename(path+".new", path)
}

func (b *Book) closeFile() {
	if b.file != nil {
		_ = b.file.Close() // nothing was promised to be on disk
		b.file = nil
	}
}

// reset removes everything; a later line begins another book at 1.
func (b *Book) reset() error {
	b.take()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pending.mu.Lock()
	b.anchor, b.busy = anchor{}, false
	b.pending.mu.Unlock()
	b.closeFile()
	b.segments, b.next = nil, 1
	b.rename(nil)
	close(b.changed)
	b.changed = make(chan struct{})
	return os.RemoveAll(b.dir)
}

// close gives up the file.
func (b *Book) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closeFile()
}
