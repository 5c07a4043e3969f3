package usage

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/time/rate"
)

const (
	diskEvery   = 150 * time.Second // a volume is not measured more often
	filesPerSec = 5000              // of all volumes together
	filesAtOnce = 500
	diskUnknown = -1
)

// disk measures directories, and remembers what it found.
type disk struct {
	pace *rate.Limiter
	now  func() time.Time
	seen map[string]measured
}

type measured struct {
	at    time.Time
	bytes int64
}

func newDisk(now func() time.Time) *disk {
	return &disk{pace: rate.NewLimiter(filesPerSec, filesAtOnce), now: now, seen: map[string]measured{}}
}

// size is how much the files below a directory take, as their lengths say; a
// file with several names counts once. A directory that is not there takes
// nothing, and one that cannot be read -1.
func (d *disk) size(ctx context.Context, dir string) int64 {
	if m, known := d.seen[dir]; known && d.now().Sub(m.at) < diskEvery {
		return m.bytes
	}
	bytes, err := d.walk(ctx, dir)
	if err != nil {
		bytes = diskUnknown
	}
	if ctx.Err() == nil {
		d.seen[dir] = measured{d.now(), bytes}
	}
	return bytes
}

// forget drops what is known of directories that are not to be kept.
func (d *disk) forget(keep map[string]bool) {
	for dir := range d.seen {
		if !keep[dir] {
			delete(d.seen, dir)
		}
	}
}

// node names a file, whatever it is called.
type node struct{ dev, ino uint64 }

// walk follows no symbolic links. What goes away meanwhile counts nothing.
func (d *disk) walk(ctx context.Context, root string) (int64, error) {
	var total int64
	several := map[node]bool{}
	err := filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return ignoreGone(err)
		}
		if err := d.pace.Wait(ctx); err != nil {
			return err
		}
		if !e.Type().IsRegular() {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return ignoreGone(err)
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Nlink > 1 {
			n := node{uint64(s.Dev), s.Ino}
			if several[n] {
				return nil
			}
			several[n] = true
		}
		total += info.Size()
		return nil
	})
	return total, err
}

func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
