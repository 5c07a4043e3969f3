package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// logs keeps what every part prints, a file each.
type logs struct {
	dir   string
	mu    sync.Mutex
	files map[string]*os.File
}

func newLogs(dir string) (*logs, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	return &logs{dir: dir, files: map[string]*os.File{}}, nil
}

// of returns the log of a part. The runs of one part follow one another in it.
func (l *logs) of(part string) (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if file := l.files[part]; file != nil {
		return file, nil
	}
	file, err := os.OpenFile(filepath.Join(l.dir, part+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", part, err)
	}
	l.files[part] = file
	return file, nil
}

func (l *logs) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, file := range l.files {
		errs = append(errs, file.Close())
	}
	clear(l.files)
	return errors.Join(errs...)
}

// KeepLogs copies what every part printed to a directory, in place of what was
// kept there before.
func (l *Lab) KeepLogs(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, os.DirFS(l.logs.dir))
}

// reportLines is how much of each log a report shows.
const reportLines = 25

// Report is the end of every log, for a failure message.
func (l *Lab) Report() string {
	paths, _ := filepath.Glob(filepath.Join(l.logs.dir, "*.log")) // the pattern is well-formed
	var out strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			text = []byte(err.Error())
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		// Our own waiting asks the API many times; that would be all to see.
		lines = slices.DeleteFunc(lines, func(line []byte) bool { return bytes.Contains(line, []byte(" request method=GET")) })
		lines = lines[max(0, len(lines)-reportLines):]
		fmt.Fprintf(&out, "--- %s\n%s\n", filepath.Base(path), bytes.Join(lines, []byte("\n")))
	}
	return out.String()
}
