package configfile

import (
	"regexp"
	"strings"
)

// applyINI sets keys in sections, line by line. What it does not know, such
// as the +Array= lines of Unreal or a key that is there twice, stays: of
// several, the last is the one that is set, as most readers take that.
func applyINI(content []byte, changes []change) ([]byte, error) {
	eol := eolOf(content)
	lines := splitLines(content)
	for i, l := range lines {
		if t := strings.TrimSpace(l.text); strings.HasPrefix(t, "[") && !strings.Contains(t, "]") {
			return nil, faultAt(i+1, 0, "the name of a section has no end: %s", shorten(t))
		}
	}
	for _, c := range changes {
		lines = setINI(lines, c, eol)
	}
	return joinLines(lines), nil
}

func setINI(lines []line, c change, eol string) []line {
	section, key := iniKey(c.key)
	at, end, current, found := -1, -1, "", section == ""
	if found {
		end = 0
	}
	for i, l := range lines {
		t := strings.TrimSpace(l.text)
		if name, is := sectionName(t); is {
			current = name
			if current == section {
				found, end = true, i+1
			}
			continue
		}
		if current != section {
			continue
		}
		if t != "" {
			end = i + 1
		}
		if name, _, is := iniPair(l.text); is && name == key {
			at = i
		}
	}
	if at >= 0 {
		lines[at].text = iniLine(lines[at].text, c)
		return lines
	}
	value, wanted := c.on("", false)
	if !wanted {
		return lines
	}
	if !found {
		if len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1].text) != "" {
			lines = insertLine(lines, len(lines), "", eol)
		}
		lines = insertLine(lines, len(lines), "["+section+"]", eol)
		end = len(lines)
	}
	return insertLine(lines, end, key+spacing(lines)+iniValue(value), eol)
}

// iniKey reads [Section].Key, Section.Key and Key. Brackets keep the dots in
// a name of a section; else the first one ends it.
func iniKey(text string) (section, key string) {
	if inside, rest, closed := strings.Cut(strings.TrimPrefix(text, "["), "]."); strings.HasPrefix(text, "[") && closed {
		return oneLine(inside), oneLine(rest)
	}
	if section, key, has := strings.Cut(text, "."); has {
		return oneLine(section), oneLine(key)
	}
	return "", oneLine(text)
}

func sectionName(line string) (string, bool) {
	if !strings.HasPrefix(line, "[") {
		return "", false
	}
	return strings.TrimSpace(line[1:strings.LastIndexByte(line, ']')]), true
}

// iniPair takes a line apart: its key, and where its value begins.
func iniPair(line string) (key string, value int, is bool) {
	t := strings.TrimSpace(line)
	if t == "" || t[0] == ';' || t[0] == '#' {
		return "", 0, false
	}
	i := strings.IndexByte(line, '=')
	if i < 0 {
		i = strings.IndexByte(line, ':')
	}
	if i < 0 {
		return "", 0, false
	}
	value = i + 1
	for value < len(line) && (line[value] == ' ' || line[value] == '\t') {
		value++
	}
	return strings.TrimSpace(line[:i]), value, true
}

// remark is a comment behind a value. With no space behind its sign it is
// more likely a part of the value, such as a colour or a password.
var remark = regexp.MustCompile(`[ \t]+[;#]([ \t].*)?$`)

func iniLine(old string, c change) string {
	_, at, _ := iniPair(old)
	present, tail := old[at:], ""
	from := 0
	if strings.HasPrefix(present, `"`) {
		from = 1 + max(0, strings.IndexByte(present[1:], '"'))
	}
	if i := remark.FindStringIndex(present[from:]); i != nil {
		present, tail = present[:from+i[0]], present[from+i[0]:]
	}
	present, tail = strings.TrimRight(present, " \t"), present[len(strings.TrimRight(present, " \t")):]+tail
	value, wanted := c.on(present, true)
	value = iniValue(value)
	rest, same := strings.CutPrefix(old[at:], value)
	if !wanted || same && (strings.TrimSpace(rest) == "" || remark.FindString(rest) == rest) {
		return old
	}
	if value == "" { // a comment right behind the sign would be the value
		tail = ""
	}
	return old[:at] + value + tail
}

func iniValue(value string) string { return strings.TrimSpace(oneLine(value)) }

// spacing is how the file writes the sign between key and value.
func spacing(lines []line) string {
	for _, l := range lines {
		if _, at, is := iniPair(l.text); is && strings.Contains(l.text, "=") {
			before := l.text[:at]
			return before[len(strings.TrimRight(before, " \t=")):]
		}
	}
	return "="
}

func shorten(text string) string {
	const enough = 60
	if r := []rune(text); len(r) > enough {
		return string(r[:enough]) + " …"
	}
	return text
}
