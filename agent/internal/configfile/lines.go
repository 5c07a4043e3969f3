package configfile

import (
	"bytes"
	"strings"
)

// line is one line of a text, with what ends it: "" at the end of a file.
type line struct{ text, end string }

func splitLines(content []byte) []line {
	var lines []line
	for len(content) > 0 {
		one, rest, ended := bytes.Cut(content, []byte("\n"))
		l := line{text: string(one)}
		if ended {
			l.end = "\n"
			if t, carriage := strings.CutSuffix(l.text, "\r"); carriage {
				l = line{t, "\r\n"}
			}
		}
		lines, content = append(lines, l), rest
	}
	return lines
}

func joinLines(lines []line) []byte {
	var out bytes.Buffer
	for _, l := range lines {
		out.WriteString(l.text)
		out.WriteString(l.end)
	}
	return out.Bytes()
}

// eolOf is how the lines of a text end: as its first one does.
func eolOf(content []byte) string {
	if i := bytes.IndexByte(content, '\n'); i > 0 && content[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// insertLine puts a line before the one at i. One that was last without an
// end gets one.
func insertLine(lines []line, i int, text, eol string) []line {
	if i > 0 && lines[i-1].end == "" {
		lines[i-1].end = eol
	}
	lines = append(lines, line{})
	copy(lines[i+1:], lines[i:])
	lines[i] = line{text, eol}
	return lines
}

// oneLine is a value for a format in which a value cannot have two: a second
// line would be a second setting.
func oneLine(value string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\x00", " ").Replace(value)
}
