package configfile

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// applyTOML sets values where they stand. A key that is missing is added to
// the table that comes nearest to it.
func applyTOML(content []byte, changes []change) ([]byte, error) {
	if tooDeep(content) {
		return nil, errDeep
	}
	if err := checkTOML(content); err != nil {
		return nil, err
	}
	for _, c := range changes {
		doc := readTOML(content)
		next := doc.set(parsePath(c.key), c)
		if checkTOML(next) == nil { // else the key is in the way of another: it does not fit
			content = next
		}
	}
	return content, nil
}

func checkTOML(content []byte) error {
	var all map[string]any
	err := toml.Unmarshal(content, &all)
	var fault *toml.DecodeError
	if errors.As(err, &fault) {
		row, column := fault.Position()
		return faultAt(row, column, "%s", strings.TrimPrefix(fault.Error(), "toml: "))
	}
	if err != nil {
		return faultAt(0, 0, "%s", strings.TrimPrefix(err.Error(), "toml: "))
	}
	return nil
}

// tomlDocument is a text, and where its tables and single values are in it.
type tomlDocument struct {
	content []byte
	tables  []tomlTable
	leaves  []tomlLeaf
}

type tomlTable struct {
	path []string
	end  int // behind its last line
}

type tomlLeaf struct {
	path     []string
	value    scalar
	from, to int
}

func readTOML(content []byte) tomlDocument {
	d := tomlDocument{content: content, tables: []tomlTable{{}}}
	var p unstable.Parser
	p.Reset(content)
	counts := map[string]int{} // of tables in a list, by the list's path
	for p.NextExpression() {
		e := p.Expression()
		var place int
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			path, last := tomlPath(&p, e, nil, counts)
			if e.Kind == unstable.ArrayTable {
				key := strings.Join(path, "\x00")
				path = append(path, strconv.Itoa(counts[key]))
				counts[key]++
			}
			d.tables, place = append(d.tables, tomlTable{path: path}), last
		case unstable.KeyValue:
			path, _ := tomlPath(&p, e, d.tables[len(d.tables)-1].path, nil)
			place = d.add(&p, path, e.Value())
		default:
			continue
		}
		end := bytes.IndexByte(content[place:], '\n')
		if end < 0 {
			end = len(content) - place - 1
		}
		d.tables[len(d.tables)-1].end = place + end + 1
	}
	return d
}

// tomlPath is what a key or a header names, and where that ends. Names that
// are lists of tables mean their newest one.
func tomlPath(p *unstable.Parser, e *unstable.Node, base []string, counts map[string]int) (path []string, end int) {
	path = append(path, base...)
	for it := e.Key(); it.Next(); {
		if n := counts[strings.Join(path, "\x00")]; n > 0 {
			path = append(path, strconv.Itoa(n-1))
		}
		path = append(path, string(it.Node().Data))
		end = int(it.Node().Raw.Offset + it.Node().Raw.Length)
	}
	return path, end
}

// add notes the single values in a value, and tells where it ends, or where
// its last single value does.
func (d *tomlDocument) add(p *unstable.Parser, path []string, v *unstable.Node) (end int) {
	end = int(v.Raw.Offset + v.Raw.Length)
	at := func(name string) []string { return append(append([]string{}, path...), name) }
	switch v.Kind {
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				end = max(end, d.add(p, at(strconv.Itoa(i)), it.Node()))
				i++
			}
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				inner, _ := tomlPath(p, it.Node(), path, nil)
				end = max(end, d.add(p, inner, it.Node().Value()))
			}
		}
	default:
		d.leaves = append(d.leaves, tomlLeaf{path, tomlScalar(v), int(v.Raw.Offset), end})
	}
	return end
}

func tomlScalar(v *unstable.Node) scalar {
	switch v.Kind {
	case unstable.Bool:
		return scalar{boolean, string(v.Data)}
	case unstable.Integer, unstable.Float:
		return scalar{number, string(v.Data)}
	}
	return scalar{text, string(v.Data)}
}

func (d tomlDocument) set(path []part, c change) []byte {
	var edits []edit
	there := false
	for _, l := range d.leaves {
		if !leadsTo(path, l.path) {
			continue
		}
		there = true
		if next, wanted := c.to(l.value); wanted {
			edits = append(edits, edit{l.from, l.to, tomlText(next)})
		}
	}
	if there || c.bound || anyWild(path) {
		return patch(d.content, edits)
	}
	next, _ := c.to(scalar{})
	best := d.tables[0]
	for _, t := range d.tables[1:] {
		if len(t.path) < len(path) && len(t.path) >= len(best.path) && leadsTo(path[:len(t.path)], t.path) {
			best = t
		}
	}
	line := ""
	for i, p := range path[len(best.path):] {
		if i > 0 {
			line += "."
		}
		line += tomlKey(p.name)
	}
	eol := eolOf(d.content)
	line += " = " + tomlText(next) + eol
	if best.end > 0 && d.content[best.end-1] != '\n' {
		line = eol + line
	}
	return patch(d.content, []edit{{best.end, best.end, line}})
}

func leadsTo(path []part, names []string) bool {
	if len(path) != len(names) {
		return false
	}
	for i, p := range path {
		if !p.wild && p.name != names[i] {
			return false
		}
	}
	return true
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlKey(name string) string {
	if bareKey.MatchString(name) {
		return name
	}
	return tomlText(scalar{text, name})
}

// tomlText writes a value. What JSON writes as a text, but for U+007F, is one
// in TOML as well.
func tomlText(s scalar) string {
	if s.kind != text {
		return s.text
	}
	return strings.ReplaceAll(string(literal(s)), "\x7f", `\u007f`)
}
