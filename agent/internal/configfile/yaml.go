package configfile

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// applyYAML sets values in the first document of a file. The tree tells what
// has to change and where; the change is made in the text, and held against
// the tree. Where that cannot be, as in a list in brackets that gains a
// member, the file is written anew from the tree, which keeps its comments.
func applyYAML(content []byte, changes []change) ([]byte, error) {
	if tooDeep(content) {
		return nil, errDeep
	}
	docs, err := parseYAML(content)
	if err != nil {
		return nil, err
	}
	if len(docs) > 0 {
		if root := docs[0].Content[0]; root.Kind == yaml.ScalarNode && !isNull(root) {
			return nil, faultAt(root.Line, root.Column, "it has a text, and not lines of the form key: value")
		}
	}
	for _, c := range changes {
		if content, err = setYAML(content, c); err != nil {
			return nil, err
		}
	}
	return content, nil
}

func setYAML(content []byte, c change) ([]byte, error) {
	docs, err := parseYAML(content)
	if err != nil {
		return nil, err
	}
	path := parsePath(c.key)
	if len(docs) == 0 { // empty, or comments only
		made, can := build(path, c)
		if !can {
			return content, nil
		}
		head := content
		if len(head) > 0 && !bytes.HasSuffix(head, []byte("\n")) {
			head = append(bytes.Clone(head), '\n')
		}
		written, err := encodeYAML(made)
		return append(bytes.Clone(head), written...), err
	}
	w := yamlWalk{text: newYAMLText(content)}
	w.set(docs[0].Content[0], path, c)
	if !w.changed {
		return content, nil
	}
	if next, can := w.text.patched(); can {
		if again, err := parseYAML(next); err == nil && sameYAML(again, docs) {
			return next, nil
		}
	}
	next, err := encodeYAML(docs...)
	if err != nil {
		return nil, faultAt(0, 0, "%s cannot be set: %v", c.key, err)
	}
	if again, err := parseYAML(next); err != nil || !sameYAML(again, docs) {
		return nil, faultAt(0, 0, "%s cannot be set without changing the rest of the file: set it by hand", c.key)
	}
	if eolOf(content) == "\r\n" {
		next = bytes.ReplaceAll(next, []byte("\n"), []byte("\r\n"))
	}
	return next, nil
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

func parseYAML(content []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			message, row := err.Error(), 0
			if m := yamlLine.FindStringSubmatch(message); m != nil {
				row, _ = strconv.Atoi(m[1])
				message = message[len(m[0]):]
			}
			return nil, faultAt(row, 0, "%s", strings.TrimPrefix(message, "yaml: "))
		case doc.Kind == yaml.DocumentNode && len(doc.Content) == 1:
			docs = append(docs, &doc)
		}
	}
}

func encodeYAML(docs ...*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, doc := range docs {
		if err := encoder.Encode(doc); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), encoder.Close()
}

// sameYAML compares what documents say, and not how they are written.
func sameYAML(a, b []*yaml.Node) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Kind != b[i].Kind || a[i].Value != b[i].Value || a[i].Anchor != b[i].Anchor ||
			a[i].ShortTag() != b[i].ShortTag() || !sameYAML(a[i].Content, b[i].Content) {
			return false
		}
	}
	return true
}

// yamlWalk carries a change down the tree, and notes the same in the text.
type yamlWalk struct {
	text    *yamlText
	changed bool
}

func (w *yamlWalk) set(n *yaml.Node, path []part, c change) {
	if n.Kind == yaml.AliasNode && len(path) > 0 {
		n = n.Alias
	}
	switch {
	case len(path) == 0:
		w.setScalar(n, c)
	case n.Kind == yaml.MappingNode:
		w.setMember(n, path, c)
	case n.Kind == yaml.SequenceNode:
		w.setElement(n, path, c)
	default:
		if made, can := build(path, c); can {
			w.changed, w.text.hopeless = true, true
			made.Anchor = n.Anchor
			*n = *made
		}
	}
}

func (w *yamlWalk) setScalar(n *yaml.Node, c change) {
	next, wanted := c.to(yamlScalar(n))
	if !wanted {
		return
	}
	was := *n
	*n = *scalarNode(next, was)
	w.changed = true
	w.text.replace(was, n)
}

func (w *yamlWalk) setMember(n *yaml.Node, path []part, c change) {
	at := -1
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch {
		case path[0].wild:
			if child := n.Content[i+1]; len(path) == 1 || child.Kind != yaml.ScalarNode {
				w.set(child, path[1:], c)
			}
		case n.Content[i].Value == path[0].name:
			at = i + 1
		}
	}
	if at >= 0 {
		w.set(n.Content[at], path[1:], c)
		return
	}
	made, can := build(path[1:], c)
	if path[0].wild || !can {
		return
	}
	key := scalarNode(scalar{text, path[0].name}, yaml.Node{})
	w.text.insert(n, key, made)
	n.Content = append(n.Content, key, made)
	w.changed = true
}

func (w *yamlWalk) setElement(n *yaml.Node, path []part, c change) {
	if path[0].wild {
		for _, child := range n.Content {
			if len(path) == 1 || child.Kind != yaml.ScalarNode {
				w.set(child, path[1:], c)
			}
		}
		return
	}
	i := path[0].index
	if i >= 0 && i < len(n.Content) {
		w.set(n.Content[i], path[1:], c)
		return
	}
	made, can := build(path[1:], c)
	if i < 0 || !can {
		return
	}
	for len(n.Content) < i {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	}
	n.Content = append(n.Content, made)
	w.changed, w.text.hopeless = true, true
}

// build makes what is missing from here on; false: nothing is to be made.
func build(path []part, c change) (*yaml.Node, bool) {
	if c.bound || anyWild(path) {
		return nil, false
	}
	if len(path) == 0 {
		next, _ := c.to(scalar{})
		return scalarNode(next, yaml.Node{}), true
	}
	inner, _ := build(path[1:], c)
	if path[0].index < 0 {
		key := scalarNode(scalar{text, path[0].name}, yaml.Node{})
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, inner}}, true
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for range path[0].index {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	}
	list.Content = append(list.Content, inner)
	return list, true
}

func isNull(n *yaml.Node) bool { return n.ShortTag() == "!!null" }

// truths are what the YAML of old, which Java servers still read, takes for
// true and false.
var truths = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false)$`)

func yamlScalar(n *yaml.Node) scalar {
	if n.Kind != yaml.ScalarNode {
		return scalar{}
	}
	switch n.ShortTag() {
	case "!!null":
		return scalar{}
	case "!!bool":
		return scalar{boolean, n.Value}
	case "!!int", "!!float":
		return scalar{number, n.Value}
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.TaggedStyle) == 0 && truths.MatchString(n.Value) {
		return scalar{boolean, n.Value}
	}
	return scalar{text, n.Value}
}

// sexagesimal are numbers in the YAML of old: 20:30 is 1230.
var sexagesimal = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)

// scalarNode writes a value in the place of an old one, whose comments, name
// and quotes it keeps.
func scalarNode(s scalar, was yaml.Node) *yaml.Node {
	n := &yaml.Node{
		Kind: yaml.ScalarNode, Value: s.text, Anchor: was.Anchor,
		HeadComment: was.HeadComment, LineComment: was.LineComment, FootComment: was.FootComment,
	}
	switch s.kind {
	case number:
		n.Tag = "!!int"
		if !anInteger.MatchString(s.text) {
			n.Tag = "" // the tree is compared by what it resolves to
		}
	case boolean:
		n.Tag = "!!bool"
	default:
		n.Tag, n.Style = "!!str", was.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle)
		if strings.ContainsAny(s.text, "\n\r\t") || truths.MatchString(s.text) || sexagesimal.MatchString(s.text) {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	return n
}
