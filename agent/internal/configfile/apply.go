package configfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/lormas/lormas/shared/spec"
)

// The bounds of what is read. Parsers that build a tree need many times the
// size of the file.
const (
	MaxSize     = 64 << 20
	maxTreeSize = 16 << 20
	maxDepth    = 1000
)

// Error says why a file cannot be edited. Line and Column count from 1; 0 is
// unknown.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string {
	switch {
	case e.Line == 0:
		return e.Message
	case e.Column == 0:
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func faultAt(line, column int, format string, args ...any) error {
	return &Error{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// parser edits a text that ends its lines with eol.
type parser struct {
	apply func(content []byte, changes []change) ([]byte, error)
	tree  bool
}

var parsers = map[string]parser{
	"file":       {apply: applyFile},
	"properties": {apply: applyProperties},
	"ini":        {apply: applyINI},
	"json":       {apply: applyJSON, tree: true},
	"yaml":       {apply: applyYAML, tree: true},
	"yml":        {apply: applyYAML, tree: true},
	"toml":       {apply: applyTOML, tree: true},
	"xml":        {apply: applyXML, tree: true},
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Apply puts the settings into a file. Placeholders have been filled in. The
// content is not changed; what is returned may share its memory.
func Apply(name string, content []byte, settings []spec.Setting) (out []byte, err error) {
	p, known := parsers[name]
	if !known {
		return nil, faultAt(0, 0, "there is no parser %q: use file, properties, ini, json, yaml, xml or toml", name)
	}
	if len(content) > MaxSize || p.tree && len(content) > maxTreeSize {
		return nil, faultAt(0, 0, "it is too large to be edited (%d MiB)", len(content)>>20)
	}
	changes, err := compile(settings)
	if err != nil || len(changes) == 0 {
		return content, err
	}
	// Libraries read what strangers wrote: one that panics may cost this
	// file, and not the agent.
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, faultAt(0, 0, "it cannot be read: %v", r)
		}
	}()
	if order := wideOrder(content); order != nil {
		if len(content)%2 != 0 {
			return nil, faultAt(0, 0, "it is in UTF-16, and ends in the middle of a character")
		}
		return applyWide(p, order, content, changes)
	}
	text, marked := bytes.CutPrefix(content, byteOrderMark)
	out, err = p.apply(text, changes)
	if err != nil || !marked {
		return out, err
	}
	return append(bytes.Clone(byteOrderMark), out...), nil
}

// wideOrder is the byte order of a file in UTF-16, as Unreal writes its
// settings once a name in them is not plain English. Nil: it is in no UTF-16.
func wideOrder(content []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}):
		return binary.LittleEndian
	case bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		return binary.BigEndian
	}
	return nil
}

func applyWide(p parser, order binary.ByteOrder, content []byte, changes []change) ([]byte, error) {
	units := make([]uint16, 0, len(content)/2)
	for i := 2; i < len(content); i += 2 {
		units = append(units, order.Uint16(content[i:]))
	}
	before := string(utf16.Decode(units))
	after, err := p.apply([]byte(before), changes)
	if err != nil || string(after) == before {
		return content, err
	}
	out := bytes.Clone(content[:2])
	for _, unit := range utf16.Encode([]rune(string(after))) {
		out = append(out, 0, 0)
		order.PutUint16(out[len(out)-2:], unit)
	}
	return out, nil
}

// change is a setting, ready to be held against what is there.
type change struct {
	key, value, kind string
	exact            string // only where this is there
	pattern          *regexp.Regexp
	bound            bool // it has a condition
}

// digits finds groups as PHP knows them: $1 ends where its digits end, for Go
// it would go on with the letters behind.
var digits = regexp.MustCompile(`\$(\$|\d+)`)

func compile(settings []spec.Setting) ([]change, error) {
	changes := make([]change, 0, len(settings))
	for _, s := range settings {
		c := change{key: s.Key, value: strings.ToValidUTF8(s.Value, "\ufffd"), kind: s.Kind, exact: s.If, bound: s.If != ""}
		if text, isPattern := spec.Pattern(s.If); isPattern {
			pattern, err := regexp.Compile(text)
			if err != nil {
				return nil, faultAt(0, 0, "the condition of %s is no pattern: %v", s.Key, err)
			}
			c.pattern = pattern
			c.value = digits.ReplaceAllStringFunc(c.value, func(group string) string {
				if group == "$$" {
					return group
				}
				return "${" + group[1:] + "}"
			})
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// on is what the text that is there becomes; false: it stays.
func (c change) on(present string, there bool) (string, bool) {
	switch {
	case !c.bound:
		return c.value, true
	case !there:
		return "", false
	case c.pattern == nil:
		return c.value, present == c.exact
	case !c.pattern.MatchString(present):
		return "", false
	}
	return strings.ToValidUTF8(c.pattern.ReplaceAllString(present, c.value), "\ufffd"), true
}
