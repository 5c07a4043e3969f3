package console

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is one file of a book, named by its first number. It ends at so
// many lines or bytes.
const (
	segmentLines = 4096
	segmentBytes = 2 << 20
)

// What a book keeps: at least so many of its last lines, as far as they fit
// into so many bytes of disk.
const (
	KeepLines = 5000
	KeepBytes = 16 << 20
)

const segmentEnd = ".lines"

// segment is what is known of a file.
type segment struct {
	path  string
	first uint64 // number of its first line
	last  uint64 // and of its last
	lines int
	size  int64 // of the frames that are whole
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentEnd))
}

// findSegments reads the segments of a directory, oldest first. A file that
// was torn counts as far as it is whole; one in which nothing is whole is
// removed. each is called for every line.
func findSegments(dir string, each func(Line)) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []segment
	last := uint64(0)
	for _, e := range entries { // sorted by name, and so by number
		number, is := strings.CutSuffix(e.Name(), segmentEnd)
		if !is {
			continue
		}
		first, err := strconv.ParseUint(number, 10, 64)
		path := filepath.Join(dir, e.Name())
		if err != nil || path != segmentPath(dir, first) || first <= last {
			continue // not ours
		}
		s, err := scan(path, first, each)
		if err != nil {
			return nil, err
		}
		if s.lines == 0 {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
			continue
		}
		last = s.last
		out = append(out, s)
	}
	return out, nil
}

// scan reads a segment as far as it is whole.
func scan(path string, first uint64, each func(Line)) (segment, error) {
	s := segment{path: path, first: first}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 2*segmentBytes {
		return s, err // such a file was not written by us: it counts as empty
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	for at := 0; at < len(data); {
		h, err := readHead(data[at:])
		if err != nil || h.first < first || h.first <= s.last {
			break
		}
		_, size, err := readFrame(data[at:], each)
		if err != nil {
			break
		}
		at += size
		s.last, s.size = h.last(), int64(at)
		s.lines += h.count
	}
	return s, nil
}

// trim is how many of the oldest segments are not needed any more.
func trim(all []segment) int {
	lines, size := 0, int64(0)
	for i := range slices.Backward(all) {
		if lines >= KeepLines || size+all[i].size > KeepBytes {
			return i + 1
		}
		lines += all[i].lines
		size += all[i].size
	}
	return 0
}

// drop removes the files of segments.
func drop(all []segment) error {
	var errs []error
	for _, s := range all {
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
