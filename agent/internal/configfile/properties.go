package configfile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// applyProperties sets keys in a file of Java properties. Values are written
// in ASCII, which every version of Java reads alike.
func applyProperties(content []byte, changes []change) ([]byte, error) {
	eol := eolOf(content)
	lines := splitLines(content)
	for _, c := range changes {
		lines = setProperty(lines, c, eol)
	}
	return joinLines(lines), nil
}

func setProperty(lines []line, c change, eol string) []line {
	at, length, cut := -1, 0, false
	for i := 0; i < len(lines); {
		n := logical(lines[i:])
		if key, _, is := property(gather(lines[i : i+n])); is && key == c.key {
			at, length = i, n
		}
		cut = goesOn(lines[i+n-1].text) && logical(lines[i:]) == len(lines[i:]) && !comment(lines[i].text)
		i += n
	}
	if at < 0 {
		if value, wanted := c.on("", false); wanted {
			if cut { // what comes next would belong to the last line
				lines = insertLine(lines, len(lines), "", eol)
			}
			lines = insertLine(lines, len(lines), escapeKey(c.key)+"="+escapeValue(value), eol)
		}
		return lines
	}
	whole := gather(lines[at : at+length])
	_, begin, _ := property(whole)
	present := unescape(whole[begin:])
	value, wanted := c.on(present, true)
	if !wanted || value == present {
		return lines
	}
	head := whole[:begin]
	if head == strings.TrimRight(head, " \t=:") { // a key with nothing behind it
		head += "="
	}
	lines[at] = line{head + escapeValue(value), lines[at+length-1].end}
	return append(lines[:at+1], lines[at+length:]...)
}

// logical is how many lines are one: all that end with a single backslash,
// and the next. Comments and empty lines do not go on.
func logical(lines []line) int {
	if comment(lines[0].text) {
		return 1
	}
	for i, l := range lines {
		if !goesOn(l.text) {
			return i + 1
		}
	}
	return len(lines)
}

// comment also is a line with nothing on it.
func comment(line string) bool {
	t := strings.TrimLeft(line, " \t\f")
	return t == "" || t[0] == '#' || t[0] == '!'
}

func goesOn(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// gather makes one line of several, without what joined them.
func gather(lines []line) string {
	whole := lines[0].text
	for _, l := range lines[1:] {
		whole = strings.TrimSuffix(whole, `\`) + strings.TrimLeft(l.text, " \t\f")
	}
	if goesOn(whole) {
		whole = whole[:len(whole)-1] // the file ended in the middle
	}
	return whole
}

// property takes a line apart: its key, and where its value begins.
func property(line string) (key string, value int, is bool) {
	begin := len(line) - len(strings.TrimLeft(line, " \t\f"))
	if begin == len(line) || line[begin] == '#' || line[begin] == '!' {
		return "", 0, false
	}
	i := begin
	for i < len(line) && !strings.ContainsRune("=: \t\f", rune(line[i])) {
		if line[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(line))
	key = unescape(line[begin:i])
	for i < len(line) && strings.ContainsRune(" \t\f", rune(line[i])) {
		i++
	}
	if i < len(line) && (line[i] == '=' || line[i] == ':') {
		i++
		for i < len(line) && strings.ContainsRune(" \t\f", rune(line[i])) {
			i++
		}
	}
	return key, i, true
}

func unescape(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var out strings.Builder
	var units []uint16 // of escapes in a row: two may be one character
	flush := func() {
		out.WriteString(string(utf16.Decode(units)))
		units = units[:0]
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			flush()
			out.WriteByte(raw[i])
			continue
		}
		i++
		if raw[i] == 'u' && i+4 < len(raw) {
			if unit, err := strconv.ParseUint(raw[i+1:i+5], 16, 16); err == nil {
				units = append(units, uint16(unit))
				i += 4
				continue
			}
		}
		flush()
		if letter := strings.IndexByte("tnrf", raw[i]); letter >= 0 {
			out.WriteByte("\t\n\r\f"[letter])
		} else {
			out.WriteByte(raw[i])
		}
	}
	flush()
	return out.String()
}

func escapeValue(value string) string {
	out := escape(value)
	if strings.HasPrefix(out, " ") {
		out = `\` + out
	}
	return out
}

func escapeKey(key string) string {
	out := strings.NewReplacer(" ", `\ `, "=", `\=`, ":", `\:`).Replace(escape(key))
	if strings.HasPrefix(out, "#") || strings.HasPrefix(out, "!") {
		out = `\` + out
	}
	return out
}

func escape(value string) string {
	var out strings.Builder
	for _, r := range value {
		switch {
		case r == '\\':
			out.WriteString(`\\`)
		case strings.ContainsRune("\t\n\r\f", r):
			out.WriteString(`\` + string("tnrf"[strings.IndexRune("\t\n\r\f", r)]))
		case r >= ' ' && r < 0x7f:
			out.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&out, `\u%04X`, unit)
			}
		}
	}
	return out.String()
}
