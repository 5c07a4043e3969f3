package reconcile

import (
	"bytes"
	"fmt"
	"regexp"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/spec"
)

// maxLine is how much of a console's line is looked at, as with Wings: what a
// program writes beyond it is no line but a stream.
const maxLine = runtime.MaxLine

// doneTexts are the texts of which one means that a container is up
// (EGG_SPEC §4.8): each is looked for in one line, as it was sent, byte by
// byte.
type doneTexts struct {
	plain    [][]byte
	patterns []*regexp.Regexp
	strip    bool // of escape codes, before it is looked
}

// parseDone reads the texts. Those that can never match are named in the
// error; the others count.
func parseDone(texts []string, strip bool) (doneTexts, error) {
	d := doneTexts{strip: strip}
	var err error
	for _, text := range texts {
		pattern, isPattern := spec.Pattern(text)
		if !isPattern {
			d.plain = append(d.plain, []byte(text))
			continue
		}
		compiled, fault := regexp.Compile(pattern)
		if fault != nil {
			err = fmt.Errorf("the done text %q is no regular expression, so it never matches: correct it in the egg: %w", text, fault)
			continue
		}
		d.patterns = append(d.patterns, compiled)
	}
	return d, err
}

// inLine reports whether a whole line, without its end, says it. An empty
// text is in every line.
func (d doneTexts) inLine(line []byte) bool {
	if d.strip {
		line = stripEscapes(line)
	}
	for _, text := range d.plain {
		if bytes.Contains(line, text) {
			return true
		}
	}
	for _, pattern := range d.patterns {
		if pattern.Match(line) {
			return true
		}
	}
	return false
}

// inStart reports whether what there is of a line says it already: a prompt
// has no end. A pattern waits for the end, and so does the empty text.
func (d doneTexts) inStart(line []byte) bool {
	if d.strip {
		line = stripEscapes(line)
	}
	for _, text := range d.plain {
		if len(text) > 0 && bytes.Contains(line, text) {
			return true
		}
	}
	return false
}

// matcher looks for done texts in output that comes in pieces.
type matcher struct {
	texts doneTexts
	line  []byte // what there is of the line that is being written
}

// feed takes a piece in, and reports whether one of the texts has come.
func (m *matcher) feed(data []byte) bool {
	for {
		part, rest, ends := bytes.Cut(data, []byte("\n"))
		m.line = append(m.line, part[:min(len(part), maxLine-len(m.line))]...)
		if !ends {
			return len(part) > 0 && m.texts.inStart(m.line)
		}
		for _, line := range asLines(m.line) {
			if m.texts.inLine(line) {
				return true
			}
		}
		m.line, data = m.line[:0], rest
	}
}

// asLines takes apart what stands before a line's end. A terminal's line ends
// with \r\n, and programs that draw over a line write " \r" before each new
// one.
func asLines(line []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(line, []byte("\r")), []byte(" \r"))
}

// escapes are the codes by which a terminal is told colours, positions and
// titles.
var escapes = regexp.MustCompile("[\x1b\u009b](?:\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\\[?[0-?]*[ -/]*[@-~])")

func stripEscapes(line []byte) []byte {
	if bytes.IndexByte(line, 0x1b) < 0 && !bytes.Contains(line, []byte("\u009b")) {
		return line
	}
	return escapes.ReplaceAll(line, nil)
}
