package configfile

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlText is a YAML file, and what is to be changed in it. It may be wrong
// about where something ends: what comes of it is held against the tree.
type yamlText struct {
	content  []byte
	starts   []int // of lines
	edits    []edit
	hopeless bool // something is to change that it cannot
}

func newYAMLText(content []byte) *yamlText {
	t := &yamlText{content: content, starts: []int{0}}
	for i, c := range content {
		if c == '\n' {
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

func (t *yamlText) patched() ([]byte, bool) {
	if t.hopeless || len(t.edits) == 0 {
		return nil, false
	}
	return patch(t.content, t.edits), true
}

// offset is where a place in the file is; columns count characters.
func (t *yamlText) offset(row, column int) (int, bool) {
	if row < 1 || row > len(t.starts) {
		return 0, false
	}
	at := t.starts[row-1]
	for i := range string(t.content[at:t.lineEnd(row)]) + " " {
		if column--; column == 0 {
			return at + i, true
		}
	}
	return 0, false
}

// lineEnd is where the text of a line ends.
func (t *yamlText) lineEnd(row int) int {
	end := len(t.content)
	if row < len(t.starts) {
		end = t.starts[row] - 1
	}
	for end > t.starts[row-1] && t.content[end-1] == '\r' {
		end--
	}
	return end
}

// replace writes a value over one that is there.
func (t *yamlText) replace(was yaml.Node, next *yaml.Node) {
	from, known := t.offset(was.Line, was.Column)
	if !known {
		t.hopeless = true
		return
	}
	length, known := written(string(t.content[from:]), was)
	written, err := encodeYAML(&yaml.Node{Kind: next.Kind, Tag: next.Tag, Value: next.Value, Style: next.Style})
	one := strings.TrimSuffix(string(written), "\n")
	if !known || err != nil || strings.Contains(one, "\n") {
		t.hopeless = true
		return
	}
	if from > 0 && t.content[from-1] == ':' {
		one = " " + one
	}
	t.edits = append(t.edits, edit{from, from + length, one})
}

// written is how long a value is in the file.
func written(rest string, n yaml.Node) (int, bool) {
	quote := byte('"')
	switch {
	case n.Kind == yaml.AliasNode:
		return len(n.Value) + 1, strings.HasPrefix(rest, "*"+n.Value)
	case n.Kind != yaml.ScalarNode, n.Anchor != "", n.Style&(yaml.TaggedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return 0, false
	case n.Style&yaml.SingleQuotedStyle != 0:
		quote = '\''
	case n.Style&yaml.DoubleQuotedStyle == 0:
		return len(n.Value), strings.HasPrefix(rest, n.Value)
	}
	for i := 1; i < len(rest) && rest[0] == quote; i++ {
		switch {
		case rest[i] == '\\' && quote == '"':
			i++
		case rest[i] == quote && quote == '\'' && strings.HasPrefix(rest[i+1:], "'"):
			i++
		case rest[i] == quote:
			return i + 1, true
		}
	}
	return 0, false
}

// insert puts a member behind the last line of a block.
func (t *yamlText) insert(parent, key, value *yaml.Node) {
	if parent.Style&yaml.FlowStyle != 0 || len(parent.Content) == 0 || parent.Column < 1 {
		t.hopeless = true
		return
	}
	written, err := encodeYAML(&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, value}})
	if err != nil {
		t.hopeless = true
		return
	}
	row := lastRow(parent, 0)
	if row > len(t.starts) {
		t.hopeless = true
		return
	}
	eol, member := eolOf(t.content), ""
	for _, l := range strings.Split(strings.TrimSuffix(string(written), "\n"), "\n") {
		member += eol + strings.Repeat(" ", parent.Column-1) + l
	}
	at := t.lineEnd(row)
	t.edits = append(t.edits, edit{at, at, member})
}

// lastRow is the last line on which something of a node begins.
func lastRow(n *yaml.Node, row int) int {
	row = max(row, n.Line)
	for _, child := range n.Content {
		row = max(row, lastRow(child, 0))
	}
	return row
}
