package console

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/loop"
)

// bytesPerSec is how fast one book is written at most: a container that
// prints more loses what it can least need, the middle of the flood.
const bytesPerSec = 8 << 20

// Options says where the books are.
type Options struct {
	Dir  string
	Boot string // of the machine: new with each boot
	Now  func() time.Time
	Log  *slog.Logger
}

// Books are the consoles of a node's containers. They are safe for concurrent
// use.
type Books struct {
	Options
	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	closed bool
	all    map[id.ContainerID]*Book
}

// Open opens the books in a directory; each is read when it is needed.
func Open(o Options) *Books {
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Books{Options: o, ctx: ctx, stop: stop, all: map[id.ContainerID]*Book{}}
}

// Close writes what waits. What is appended later is lost.
func (b *Books) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.stop()
	b.work.Wait()
	for _, book := range b.all {
		_ = book.drain(nil)
		book.close()
	}
}

// Book is the book of a container, whether anything was written to it or not.
func (b *Books) Book(c id.ContainerID) (*Book, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if book, known := b.all[c]; known {
		return book, nil
	}
	book, err := openBook(filepath.Join(b.Dir, c.String()), b.Boot, b.Now())
	if err != nil {
		return nil, err
	}
	b.all[c] = book
	return book, nil
}

// Append adds a line to a console, or several. It waits for nothing.
func (b *Books) Append(c id.ContainerID, source Source, text string) {
	book, err := b.Book(c)
	if err != nil {
		b.Log.Error("a line of a console is lost", "container", c, "error", err)
		return
	}
	for line, more := "", true; more; {
		line, text, more = strings.Cut(text, "\n")
		if line == "" && !more {
			break // what ended with a line's end
		}
		if book.put(source, b.Now(), []byte(strings.TrimSuffix(line, "\r")), false) {
			b.begin(c, book)
		}
	}
}

// begin has somebody write what waits.
func (b *Books) begin(c id.ContainerID, book *Book) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.work.Go(func() {
		if err := book.drain(b.pace); err != nil {
			b.Log.Error("lines of a console are lost", "container", c, "error", err)
		}
	})
}

// pace waits as long as so many bytes take.
func (b *Books) pace(bytes int) {
	_ = loop.Pause(b.ctx, time.Duration(bytes)*time.Second/bytesPerSec) // at the end the rest is written at once
}

// Keep removes the books of containers that are not to be kept.
func (b *Books) Keep(keep func(id.ContainerID) bool) error {
	entries, err := os.ReadDir(b.Dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was written yet
		}
		return err
	}
	var errs []error
	for _, e := range entries {
		var c id.ContainerID
		if c.Set(e.Name()) != nil || keep(c) {
			continue
		}
		book, err := b.Book(c)
		if err == nil {
			err = book.reset()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
