package configfile

import (
	"regexp"
	"strconv"
	"strings"
)

// scalar is a value in a format that knows types.
type scalar struct {
	kind kind
	text string
}

type kind int

const (
	nothing kind = iota
	text
	number
	boolean
)

var (
	aNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	anInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})$`)
)

// to is what the scalar that is there becomes; false: it stays. It keeps its
// type where the new text is of it. What is new is a number where it looks
// like one: so did Wings, and so their authors tried their eggs.
func (c change) to(present scalar) (scalar, bool) {
	value, wanted := c.on(present.text, present.kind != nothing)
	if !wanted {
		return scalar{}, false
	}
	next := scalar{text, value}
	truth, err := strconv.ParseBool(strings.ToLower(value))
	switch {
	case err == nil && (c.kind == "bool" || present.kind == boolean):
		next = scalar{boolean, strconv.FormatBool(truth)}
	case c.kind == "int" && aNumber.MatchString(value),
		present.kind == number && aNumber.MatchString(value),
		present.kind == nothing && anInteger.MatchString(value):
		next.kind = number
	}
	return next, next != present
}

// part is one step of a path into a tree.
type part struct {
	name  string
	index int // -1: it is no index
	wild  bool
}

// parsePath reads a.b, a[0].b, a.0.b and a.*.b. A backslash keeps the dot
// behind it from ending a name.
func parsePath(key string) []part {
	var path []part
	var name strings.Builder
	end := func(force bool) {
		if name.Len() > 0 || force {
			path = append(path, newPart(name.String()))
		}
		name.Reset()
	}
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '\\' && i+1 < len(key) && key[i+1] == '.':
			i++
			name.WriteByte('.')
		case c == '.':
			end(false)
		case c == '[':
			inside, rest, closed := strings.Cut(key[i+1:], "]")
			if p := newPart(inside); closed && (p.index >= 0 || p.wild) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				end(false)
				path = append(path, p)
				i += len(inside) + 1
				continue
			}
			name.WriteByte(c)
		default:
			name.WriteByte(c)
		}
	}
	end(len(path) == 0)
	return path
}

// maxIndex bounds how far a list is filled up with nothing.
const maxIndex = 1000

func newPart(name string) part {
	p := part{name: name, index: -1, wild: name == "*"}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i <= maxIndex && strconv.Itoa(i) == name {
		p.index = i
	}
	return p
}

func anyWild(path []part) bool {
	for _, p := range path {
		if p.wild {
			return true
		}
	}
	return false
}

// tooDeep tells whether brackets are nested so deep that a parser which calls
// itself would not come back. It counts roughly: brackets in texts count too.
func tooDeep(content []byte) bool {
	depth := 0
	for _, c := range content {
		switch c {
		case '[', '{':
			if depth++; depth > maxDepth {
				return true
			}
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return false
}

var errDeep = faultAt(0, 0, "its brackets are nested too deep to be read")
