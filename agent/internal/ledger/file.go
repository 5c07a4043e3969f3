package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	fileName = "ledger.db"
	lockName = "lock"
)

// lock claims the data directory for this process. The operating system
// gives it up when the process ends, however it ends.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory %s cannot be written: %w: run the agent as root, or choose another with --data-dir", dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		return nil, fmt.Errorf("another lormas-agent%s uses %s: stop it, or choose another directory with --data-dir", holder(f), dir)
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid()))); err != nil {
		f.Close()
		return nil, fmt.Errorf("write the lock of %s: %w", dir, err)
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// holder names the process that holds the lock, where it has said so.
func holder(f *os.File) string {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0) // io.EOF: it is shorter
	if pid := strings.TrimSpace(string(bytes.Trim(text[:n], "\x00"))); pid != "" {
		return " (pid " + pid + ")"
	}
	return ""
}

// openFile opens the database, or sets a broken one aside and makes another;
// aside is then its new name.
func openFile(dir string, now time.Time) (db *bolt.DB, aside string, err error) {
	path := filepath.Join(dir, fileName)
	db, broken := tryOpen(path)
	if broken == nil {
		return db, "", nil
	}
	if !isCorrupt(broken) {
		return nil, "", fmt.Errorf("open the ledger: %w", broken)
	}
	aside = fmt.Sprintf("%s.corrupt-%s", path, now.UTC().Format("20060102T150405Z"))
	if err := os.Rename(path, aside); err != nil {
		return nil, "", fmt.Errorf("set the broken ledger aside: %w", err)
	}
	db, err = tryOpen(path)
	if err != nil {
		return nil, "", fmt.Errorf("make a new ledger: %w", err)
	}
	return db, aside, nil
}

// errCorrupt marks contents that cannot be ours.
var errCorrupt = errors.New("the ledger is corrupt")

func isCorrupt(err error) bool {
	var path *fs.PathError
	switch {
	case errors.Is(err, errCorrupt), errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch),
		errors.Is(err, bolterrors.ErrChecksum):
		return true
	case errors.As(err, &path), errors.Is(err, bolterrors.ErrTimeout):
		return false
	}
	return strings.Contains(err.Error(), "file size too small")
}

func tryOpen(path string) (*bolt.DB, error) {
	db, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := read(db); err != nil {
		db.Close() // it is set aside; what matters is err
		return nil, err
	}
	if err := prepare(db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// prepare makes the buckets, and finds out that the file can be written.
func prepare(db *bolt.DB) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer catch(&err)
	return db.Update(makeBuckets)
}

// open guards bbolt's own opening, which panics on some broken files.
func open(path string) (db *bolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer catch(&err)
	return bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType})
}

// read reads everything once: bbolt itself finds a broken page only when
// something looks at it, and then panics.
func read(db *bolt.DB) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer catch(&err)
	return db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(_, value []byte) error { return check(string(name), value) })
		})
	})
}

// catch makes a panic an error. Touching memory beyond the end of a file that
// was cut off is one, too, while SetPanicOnFault is on.
func catch(err *error) {
	if broken := recover(); broken != nil {
		*err = fmt.Errorf("%w: %v", errCorrupt, broken)
	}
}

func makeBuckets(tx *bolt.Tx) error {
	for _, name := range buckets {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	return nil
}
