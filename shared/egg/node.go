package egg

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxFile is how many bytes the file of an egg may have.
const MaxFile = 4 << 20

// Bounds of a document: what is beyond is refused.
const (
	maxDepth = 64
	maxNodes = 200_000
)

// node is a value of a document, JSON or YAML, as its author wrote it: in
// order, with its line, and scalars as text, so that 1.10 and 0755 stay.
type node struct {
	kind  kind
	text  string
	keys  []string // of a mapping, beside items
	items []*node
	line  int
}

type kind byte

const (
	null kind = iota
	text
	whole
	fraction
	boolean
	sequence
	mapping
)

// set puts a value under a key. A key that comes twice keeps its first place
// and takes its last value, as in PHP.
func (n *node) set(at map[string]int, key string, value *node) {
	if i, twice := at[key]; twice {
		n.items[i] = value
		return
	}
	at[key] = len(n.keys)
	n.keys, n.items = append(n.keys, key), append(n.items, value)
}

// get is the value under a key; one that is not there is null, at the line of
// what should have had it.
func (n *node) get(key string) *node {
	if n.kind == mapping {
		for i, k := range n.keys {
			if k == key {
				return n.items[i]
			}
		}
	}
	return &node{line: n.line}
}

func (n *node) scalar() bool {
	return n.kind == text || n.kind == whole || n.kind == fraction || n.kind == boolean
}

// empty reports what stands for nothing: null, "", [] and the {} by which
// Symfony writes an empty list.
func (n *node) empty() bool {
	return n.kind == null || n.kind == text && n.text == "" || (n.kind == sequence || n.kind == mapping) && len(n.items) == 0
}

// parse reads a document by its looks: what begins with a brace is JSON.
func parse(data []byte) (*node, *Diagnostic) {
	if len(data) > MaxFile {
		return nil, &Diagnostic{1, "", fmt.Sprintf("the file is %d bytes long: the limit is %d", len(data), MaxFile)}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		return parseJSON(data)
	}
	return parseYAML(data)
}

// jsonReader reads JSON token by token, and knows where it is.
type jsonReader struct {
	data    []byte
	decoder *json.Decoder
	seen    int // offset up to which lines are counted
	line    int
	path    []string
	nodes   int
}

func parseJSON(data []byte) (*node, *Diagnostic) {
	r := &jsonReader{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.decoder.UseNumber()
	n, err := r.value()
	if err == nil {
		if _, after := r.decoder.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows the end of the document")
		}
	}
	if err == nil {
		return n, nil
	}
	var syntax *json.SyntaxError
	offset := r.decoder.InputOffset()
	if errors.As(err, &syntax) {
		offset = max(offset, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err, offset = errors.New("the document ends in the middle"), int64(len(data))
	}
	return nil, &Diagnostic{r.lineAt(offset), r.field(), "this is not JSON: " + err.Error()}
}

func (r *jsonReader) lineAt(offset int64) int {
	to := min(int(offset), len(r.data))
	if to > r.seen {
		r.line += bytes.Count(r.data[r.seen:to], []byte("\n"))
		r.seen = to
	}
	return r.line
}

func (r *jsonReader) field() string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.Join(r.path, "."), ".[", "["), ".")
}

func (r *jsonReader) value() (*node, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: r.lineAt(r.decoder.InputOffset())}
	if r.nodes++; r.nodes > maxNodes || len(r.path) > maxDepth {
		return nil, errors.New("there is too much in it, or too deep")
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return n, r.object(n)
		}
		return n, r.array(n)
	case string:
		n.kind, n.text = text, v
	case bool:
		n.kind, n.text = boolean, strconv.FormatBool(v)
	case json.Number:
		n.kind, n.text = fraction, v.String()
		if integerForm.MatchString(n.text) {
			n.kind = whole
		}
	}
	return n, nil
}

func (r *jsonReader) object(n *node) error {
	n.kind = mapping
	at := map[string]int{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		r.path = append(r.path, key)
		value, err := r.value()
		if err != nil {
			return err
		}
		r.path = r.path[:len(r.path)-1]
		n.set(at, key, value)
	}
	_, err := r.decoder.Token()
	return err
}

func (r *jsonReader) array(n *node) error {
	n.kind = sequence
	for r.decoder.More() {
		r.path = append(r.path, fmt.Sprintf("[%d]", len(n.items)))
		value, err := r.value()
		if err != nil {
			return err
		}
		r.path = r.path[:len(r.path)-1]
		n.items = append(n.items, value)
	}
	_, err := r.decoder.Token()
	return err
}

var yamlLine = regexp.MustCompile(`line ([0-9]+)`)

func parseYAML(data []byte) (_ *node, fault *Diagnostic) {
	// The library panics on some bytes that are no YAML; here they are only
	// bytes that are no YAML.
	defer func() {
		if r := recover(); r != nil {
			fault = &Diagnostic{1, "", "this is not YAML"}
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		line := 1
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		return nil, &Diagnostic{line, keyBefore(data, line), "this is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if len(doc.Content) == 0 {
		return &node{line: 1}, nil
	}
	left := maxNodes
	n, err := fromYAML(doc.Content[0], 0, &left)
	if err != nil {
		return nil, &Diagnostic{max(1, doc.Content[0].Line), "", err.Error()}
	}
	return n, nil
}

// keyBefore is the last key at the left margin up to a line.
func keyBefore(data []byte, line int) string {
	key := ""
	for i, l := range strings.Split(string(data), "\n") {
		if name, _, ok := strings.Cut(l, ":"); ok && i < line && name != "" && !strings.ContainsAny(name[:1], " \t-#\r") {
			key = strings.Trim(name, `'"`)
		}
	}
	return key
}

// fromYAML copies a tree. Aliases are followed; what they multiply counts
// against the bound.
func fromYAML(y *yaml.Node, depth int, left *int) (*node, error) {
	if *left--; *left < 0 || depth > maxDepth {
		return nil, errors.New("there is too much in it, or too deep")
	}
	n := &node{line: y.Line, text: y.Value}
	switch y.Kind {
	case yaml.AliasNode:
		return fromYAML(y.Alias, depth+1, left)
	case yaml.SequenceNode:
		n.kind = sequence
		for _, item := range y.Content {
			child, err := fromYAML(item, depth+1, left)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, child)
		}
	case yaml.MappingNode:
		n.kind = mapping
		at := map[string]int{}
		for i := 0; i+1 < len(y.Content); i += 2 {
			child, err := fromYAML(y.Content[i+1], depth+1, left)
			if err != nil {
				return nil, err
			}
			n.set(at, y.Content[i].Value, child)
		}
	default:
		n.kind = yamlKind(y)
	}
	return n, nil
}

func yamlKind(y *yaml.Node) kind {
	switch y.ShortTag() {
	case "!!null":
		return null
	case "!!int":
		return whole
	case "!!float":
		return fraction
	case "!!bool":
		return boolean
	}
	return text
}
