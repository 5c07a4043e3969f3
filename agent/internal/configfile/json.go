package configfile

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// applyJSON sets values in a JSON document, or in one with comments and
// commas at the end, as some games allow. Order and layout stay; new members
// are laid out like their siblings.
func applyJSON(content []byte, changes []change) ([]byte, error) {
	if len(bytes.TrimSpace(content)) == 0 {
		content = []byte("{}\n")
	}
	if tooDeep(content) {
		return nil, errDeep
	}
	root, err := hujson.Parse(content)
	if err != nil {
		return nil, jsonFault(err)
	}
	if _, scalar := root.Value.(hujson.Literal); scalar {
		return nil, faultAt(1, 0, "it has a single value, and not { … }")
	}
	layout := layoutOf(content, root)
	for _, c := range changes {
		layout.set(&root, parsePath(c.key), c, 0)
	}
	return root.Pack(), nil
}

var jsonPlace = regexp.MustCompile(`^hujson: line (\d+), column (\d+): `)

func jsonFault(err error) error {
	m := jsonPlace.FindStringSubmatch(err.Error())
	if m == nil {
		return faultAt(0, 0, "%s", strings.TrimPrefix(err.Error(), "hujson: "))
	}
	row, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	if cause := errors.Unwrap(err); cause != nil {
		return faultAt(row, column, "%v", cause)
	}
	return faultAt(row, column, "%s", err.Error()[len(m[0]):])
}

// jsonLayout is how a document is written.
type jsonLayout struct {
	eol, unit string // both empty: everything is on one line
	gap       string // behind a colon
}

func layoutOf(content []byte, root hujson.Value) jsonLayout {
	l := jsonLayout{eol: eolOf(content), unit: "  ", gap: " "}
	object, _ := root.Value.(*hujson.Object)
	if object == nil || len(object.Members) == 0 {
		return l
	}
	before := string(object.Members[0].Name.BeforeExtra)
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		l.unit = before[i+1:]
		return l
	}
	if len(object.Members[0].Value.BeforeExtra) == 0 {
		l.gap = ""
	}
	l.eol, l.unit = "", ""
	return l
}

func (l jsonLayout) indent(depth int) hujson.Extra {
	return hujson.Extra(l.eol + strings.Repeat(l.unit, depth))
}

// set carries a change down a path. Depth is how deep v stands.
func (l jsonLayout) set(v *hujson.Value, path []part, c change, depth int) {
	if len(path) == 0 {
		if next, wanted := c.to(jsonScalar(v.Value)); wanted {
			v.Value = literal(next)
		}
		return
	}
	switch node := v.Value.(type) {
	case *hujson.Object:
		l.setMember(node, path, c, depth)
	case *hujson.Array:
		l.setElement(node, path, c, depth)
	default:
		if made, can := l.build(path, c, depth); can {
			v.Value = made
		}
	}
}

func (l jsonLayout) setMember(o *hujson.Object, path []part, c change, depth int) {
	at := -1
	for i := range o.Members {
		name, _ := o.Members[i].Name.Value.(hujson.Literal)
		switch {
		case path[0].wild:
			if child := &o.Members[i].Value; len(path) == 1 || compound(child.Value) {
				l.set(child, path[1:], c, depth+1)
			}
		case name.String() == path[0].name:
			at = i
		}
	}
	if at >= 0 {
		l.set(&o.Members[at].Value, path[1:], c, depth+1)
		return
	}
	made, can := l.build(path[1:], c, depth+1)
	if path[0].wild || !can {
		return
	}
	before := l.indent(depth + 1)
	if n := len(o.Members); n > 0 {
		before = blank(o.Members[n-1].Name.BeforeExtra)
		if l.eol == "" && len(before) == 0 && l.gap != "" {
			before = hujson.Extra(" ")
		}
	} else if len(blank(o.AfterExtra)) == len(o.AfterExtra) {
		o.AfterExtra = l.indent(depth)
	}
	o.Members = append(o.Members, hujson.ObjectMember{
		Name:  hujson.Value{BeforeExtra: before, Value: hujson.String(path[0].name)},
		Value: hujson.Value{BeforeExtra: hujson.Extra(l.gap), Value: made},
	})
}

func (l jsonLayout) setElement(a *hujson.Array, path []part, c change, depth int) {
	if path[0].wild {
		for i := range a.Elements {
			if len(path) == 1 || compound(a.Elements[i].Value) {
				l.set(&a.Elements[i], path[1:], c, depth+1)
			}
		}
		return
	}
	i := path[0].index
	if i < 0 {
		return
	}
	if i < len(a.Elements) {
		l.set(&a.Elements[i], path[1:], c, depth+1)
		return
	}
	made, can := l.build(path[1:], c, depth+1)
	if !can {
		return
	}
	before := l.indent(depth + 1)
	if n := len(a.Elements); n > 0 {
		before = blank(a.Elements[n-1].BeforeExtra)
	} else if len(blank(a.AfterExtra)) == len(a.AfterExtra) {
		a.AfterExtra = l.indent(depth)
	}
	for len(a.Elements) < i {
		a.Elements = append(a.Elements, hujson.Value{BeforeExtra: before, Value: hujson.Literal("null")})
	}
	a.Elements = append(a.Elements, hujson.Value{BeforeExtra: before, Value: made})
}

// build makes what is missing from here on; false: nothing is to be made.
func (l jsonLayout) build(path []part, c change, depth int) (hujson.ValueTrimmed, bool) {
	if c.bound || anyWild(path) {
		return nil, false
	}
	if len(path) == 0 {
		next, wanted := c.to(scalar{})
		return literal(next), wanted
	}
	v := hujson.Value{Value: &hujson.Object{}}
	if path[0].index >= 0 {
		v.Value = &hujson.Array{}
	}
	l.set(&v, path, c, depth)
	return v.Value, true
}

func compound(v hujson.ValueTrimmed) bool {
	_, single := v.(hujson.Literal)
	return !single
}

// blank is the white space at the end of what stands before a value, without
// the comments there.
func blank(extra hujson.Extra) hujson.Extra {
	space := len(bytes.TrimRight(extra, " \t\r\n"))
	return bytes.Clone(extra[space:])
}

func jsonScalar(v hujson.ValueTrimmed) scalar {
	l, single := v.(hujson.Literal)
	if !single {
		return scalar{}
	}
	switch l.Kind() {
	case '"':
		return scalar{text, l.String()}
	case '0':
		return scalar{number, string(l)}
	case 't', 'f':
		return scalar{boolean, string(l)}
	}
	return scalar{}
}

func literal(s scalar) hujson.Literal {
	if s.kind == text {
		return hujson.String(s.text)
	}
	return hujson.Literal(s.text)
}
