package configfile

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

// applyXML sets the text or an attribute of elements: the path begins with
// the root, * is every child, and a value of the form [name='text'] is for an
// attribute. Each change is an edit of the text.
func applyXML(content []byte, changes []change) ([]byte, error) {
	doc, err := parseXML(content)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		next := doc.set(c)
		if next == nil {
			continue
		}
		if doc, err = parseXML(next); err != nil {
			return nil, faultAt(0, 0, "%s cannot be set: %v", c.key, err)
		}
	}
	return doc.content, nil
}

// edit replaces a part of a text.
type edit struct {
	from, to int
	text     string
}

// patch carries out edits, which must not overlap.
func patch(content []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return b.from - a.from })
	out := bytes.Clone(content)
	for _, e := range edits {
		out = slices.Concat(out[:e.from], []byte(e.text), out[e.to:])
	}
	return out
}

var (
	elementName  = regexp.MustCompile(`^[A-Za-z_][\w.-]*(:[A-Za-z_][\w.-]*)?$`)
	anAttribute  = regexp.MustCompile(`^\[([A-Za-z_][\w.:-]*)='([^']*)'\]$`)
	oneAttribute = regexp.MustCompile(`^(.+)\[@([\w.:-]+)='([^']*)'\]$`)
)

// set makes the text with the change in it; nil: there is nothing to do.
func (d *xmlDocument) set(c change) []byte {
	path := strings.Split(strings.Trim(c.key, "."), ".")
	wild := slices.Contains(path, "*")
	if d.root == nil {
		if c.bound || wild || !validNames(path) {
			return nil
		}
		tail := d.content
		if len(tail) > 0 && !bytes.HasSuffix(tail, []byte("\n")) {
			tail = append(bytes.Clone(tail), d.eol...)
		}
		return append(bytes.Clone(tail), d.build(path, c, "")+d.eol...)
	}
	if !matches(d.root, path[0]) {
		return nil
	}
	at := []*xmlElement{d.root}
	for i, name := range path[1:] {
		var next []*xmlElement
		for _, e := range at {
			for _, child := range e.children {
				if matches(child, name) && (wild || len(next) == 0) {
					next = append(next, child)
				}
			}
		}
		if len(next) == 0 {
			if c.bound || wild || !validNames(path[i+1:]) {
				return nil
			}
			return d.add(at[0], path[i+1:], c)
		}
		at = next
	}
	var edits []edit
	for _, e := range at {
		edits = append(edits, d.change(e, c)...)
	}
	if len(edits) == 0 {
		return nil
	}
	return patch(d.content, edits)
}

func validNames(path []string) bool {
	return !slices.ContainsFunc(path, func(name string) bool { return !elementName.MatchString(name) })
}

// matches also knows names with a condition: Item[@name='x'].
func matches(e *xmlElement, name string) bool {
	if m := oneAttribute.FindStringSubmatch(name); m != nil {
		a, there := e.attribute(m[2])
		return there && a.value == m[3] && (m[1] == "*" || m[1] == e.name)
	}
	return name == "*" || name == e.name
}

// change is for one element that is there.
func (d *xmlDocument) change(e *xmlElement, c change) []edit {
	if m := anAttribute.FindStringSubmatch(c.value); m != nil {
		return setAttribute(e, m[1], m[2], c)
	}
	value, wanted := c.on(e.text(), true)
	value = validXML(value)
	switch {
	case !wanted || value == e.text() || len(e.children) > 0: // the text between children is layout
		return nil
	case e.closing == e.opened: // <a/>
		tag := strings.TrimRight(strings.TrimSuffix(string(d.content[e.begin:e.opened]), "/>"), " \t\r\n")
		return []edit{{e.begin, e.opened, tag + ">" + escapeText(value) + "</" + e.name + ">"}}
	}
	return []edit{{e.opened, e.closing, escapeText(value)}}
}

func setAttribute(e *xmlElement, name, value string, c change) []edit {
	value = validXML(value)
	a, there := e.attribute(name)
	if c.bound && (!there || c.pattern == nil && a.value != c.exact || c.pattern != nil && !c.pattern.MatchString(a.value)) {
		return nil
	}
	switch {
	case !there:
		at := e.begin + 1 + len(e.name)
		return []edit{{at, at, " " + name + `="` + escapeAttribute(value) + `"`}}
	case a.value == value:
		return nil
	}
	return []edit{{a.from, a.to, escapeAttribute(value)}}
}

// add puts new elements behind the last child of one that is there.
func (d *xmlDocument) add(parent *xmlElement, path []string, c change) []byte {
	own := d.indentOf(parent)
	if n := len(parent.children); n > 0 {
		last := parent.children[n-1]
		indent := d.indentOf(last)
		return patch(d.content, []edit{{last.end, last.end, d.eol + indent + d.build(path, c, indent)}})
	}
	indent := own + "  "
	inside := d.eol + indent + d.build(path, c, indent) + d.eol + own
	if parent.closing == parent.opened {
		tag := strings.TrimRight(strings.TrimSuffix(string(d.content[parent.begin:parent.opened]), "/>"), " \t\r\n")
		return patch(d.content, []edit{{parent.begin, parent.opened, tag + ">" + inside + "</" + parent.name + ">"}})
	}
	if strings.TrimSpace(parent.text()) != "" {
		return patch(d.content, []edit{{parent.closing, parent.closing, inside}})
	}
	at := parent.opened + len(bytes.TrimRight(d.content[parent.opened:parent.closing], " \t\r\n")) // behind comments
	return patch(d.content, []edit{{at, parent.closing, inside}})
}

// build writes elements into one another, the last with the value.
func (d *xmlDocument) build(path []string, c change, indent string) string {
	if len(path) > 1 {
		inner := d.eol + indent + "  " + d.build(path[1:], c, indent+"  ") + d.eol + indent
		return "<" + path[0] + ">" + inner + "</" + path[0] + ">"
	}
	if m := anAttribute.FindStringSubmatch(c.value); m != nil {
		return "<" + path[0] + " " + m[1] + `="` + escapeAttribute(validXML(m[2])) + `"/>`
	}
	return "<" + path[0] + ">" + escapeText(validXML(c.value)) + "</" + path[0] + ">"
}

// indentOf is the white space before an element on its line.
func (d *xmlDocument) indentOf(e *xmlElement) string {
	before := d.content[bytes.LastIndexByte(d.content[:e.begin], '\n')+1 : e.begin]
	return string(before[:len(before)-len(bytes.TrimLeft(before, " \t"))])
}

var (
	textEscaper      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
	attributeEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "'", "&apos;", "\n", "&#xA;", "\t", "&#x9;", "\r", "&#xD;")
)

func escapeText(value string) string      { return textEscaper.Replace(value) }
func escapeAttribute(value string) string { return attributeEscaper.Replace(value) }

// validXML leaves out characters that no XML document can have.
func validXML(value string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, value)
}
