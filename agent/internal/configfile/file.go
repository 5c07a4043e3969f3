package configfile

import (
	"slices"
	"strings"
)

// applyFile replaces whole lines: a key is what a line begins with, to the
// byte. Values of several keys that hit the same line follow one another.
// Lines are never added, but a value may have several.
func applyFile(content []byte, changes []change) ([]byte, error) {
	eol := eolOf(content)
	lines := splitLines(content)
	var out []line
	for i := 0; i < len(lines); {
		if n := standing(lines[i:], changes); n > 0 {
			out = append(out, lines[i:i+n]...)
			i += n
			continue
		}
		out = append(out, replaced(lines[i], changes, eol)...)
		i++
	}
	return joinLines(out), nil
}

func replaced(l line, changes []change, eol string) []line {
	next, hit := "", false
	for _, c := range changes {
		if !strings.HasPrefix(l.text, c.key) {
			continue
		}
		if value, wanted := c.on(l.text, true); wanted {
			next, hit = next+value, true
		}
	}
	if !hit {
		return []line{l}
	}
	var out []line
	for _, t := range valueLines(next) {
		out = append(out, line{t, eol})
	}
	if last := &out[len(out)-1]; last.text != "" || len(out) == 1 {
		last.end = l.end
	} // else a line that is empty, and without an end is none
	return out
}

// standing is how many lines, from the first on, are a value of several lines
// that was put there before: its own first line may begin with the key again,
// and the file must not grow with every start.
func standing(lines []line, changes []change) int {
	for _, c := range changes {
		value := valueLines(c.value)
		if len(value) < 2 || len(value) > len(lines) || c.bound {
			continue
		}
		if slices.EqualFunc(value, lines[:len(value)], func(v string, l line) bool { return v == l.text }) {
			return len(value)
		}
	}
	return 0
}

func valueLines(value string) []string {
	// A lone \r at the end of a line would become a part of what ends it.
	return strings.Split(strings.ReplaceAll(value, "\r", ""), "\n")
}
