package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lormas/lormas/controller/internal/client"
)

// output is how an answer is printed.
type output struct {
	Output string `name:"output" short:"o" default:"table" enum:"table,json,yaml,id" placeholder:"FORMAT" help:"table, json, yaml, or id for ids only (default: ${default})."`
}

// column is a heading and the field under it: a path of names with dots, and
// behind a "|" how it is shown: age, how long ago a time was; or node, user or
// role, the name of what the id is of.
type column struct{ title, field string }

// show prints one thing.
func (o output) show(ctx context.Context, s Streams, to *client.Client, of noun, path string) error {
	var item json.RawMessage
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: path}, &item); err != nil {
		return err
	}
	return o.print(s.Out, of, item)
}

// print prints one thing; as a table it is all that it has, line by line.
func (o output) print(out io.Writer, of noun, item json.RawMessage) error {
	if o.Output != "table" {
		return o.printAll(out, of, []json.RawMessage{item}, false)
	}
	text, err := toYAML(item)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// list prints what a list holds.
func (o output) list(ctx context.Context, s Streams, to *client.Client, of noun, items []json.RawMessage) error {
	if o.Output != "table" {
		return o.printAll(s.Out, of, items, true)
	}
	table := newTable(s.Out, of, newNaming(ctx, to))
	for _, item := range items {
		table.row(item)
	}
	return table.flush()
}

// printAll prints a list, or a single thing, for programs.
func (o output) printAll(out io.Writer, of noun, items []json.RawMessage, list bool) error {
	switch o.Output {
	case "json":
		return printJSON(out, items, list)
	case "yaml":
		return printYAML(out, items, list)
	case "id":
		for _, item := range items {
			fmt.Fprintln(out, field(decoded(item), "id"))
		}
		return nil
	}
	return nil
}

func printJSON(out io.Writer, items []json.RawMessage, list bool) error {
	var value any = items
	switch {
	case !list:
		value = items[0]
	case items == nil:
		value = []int{}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func printYAML(out io.Writer, items []json.RawMessage, list bool) error {
	whole := bytes.Join(slices.Collect(raws(items)), []byte(","))
	if list {
		whole = append(append([]byte("["), whole...), ']')
	}
	text, err := toYAML(whole)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

func raws(items []json.RawMessage) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for _, item := range items {
			if !yield(item) {
				return
			}
		}
	}
}

// toYAML keeps the order of the fields: JSON is YAML, in another style.
func toYAML(item []byte) ([]byte, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(item, &node); err != nil {
		return nil, fmt.Errorf("the controller's answer as YAML: %w", err)
	}
	block(&node)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(&node)
	return out.Bytes(), err
}

// block drops JSON's brackets and quotes where YAML needs none.
func block(n *yaml.Node) {
	empty := len(n.Content) == 0
	if n.Kind == yaml.ScalarNode || !empty {
		n.Style = 0
	}
	for _, child := range n.Content {
		block(child)
	}
}

// table prints rows under headings.
type table struct {
	of    noun
	names *naming
	out   *tabwriter.Writer
}

func newTable(out io.Writer, of noun, names *naming) *table {
	const gap = 3
	t := &table{of, names, tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)}
	titles := make([]string, len(of.columns))
	for i, c := range of.columns {
		titles[i] = c.title
	}
	fmt.Fprintln(t.out, strings.Join(titles, "\t"))
	return t
}

func (t *table) row(item json.RawMessage) { fmt.Fprintln(t.out, t.of.line(item, "\t", t.names)) }

func (t *table) flush() error { return t.out.Flush() }

// widest is how much of a value a table shows.
const widest = 60

// line is one thing as its columns.
func (n noun) line(item json.RawMessage, between string, names *naming) string {
	values := decoded(item)
	cells := make([]string, len(n.columns))
	for i, c := range n.columns {
		_, kind, _ := strings.Cut(c.field, "|")
		cells[i] = names.name(kind, field(values, c.field))
		if text := []rune(cells[i]); len(text) > widest {
			cells[i] = string(text[:widest-1]) + "…"
		}
		if cells[i] == "" {
			cells[i] = "-"
		}
	}
	return strings.Join(cells, between)
}

// lasting is the noun without the columns that change by themselves.
func (n noun) lasting() noun {
	n.columns = slices.DeleteFunc(slices.Clone(n.columns), func(c column) bool { return strings.HasSuffix(c.field, "|age") })
	return n
}

func decoded(item json.RawMessage) any {
	var value any
	_ = json.Unmarshal(item, &value) // it was read as JSON once
	return value
}

// field is a value inside an item, as a cell of a table.
func field(value any, path string) string {
	path, how, _ := strings.Cut(path, "|")
	for _, name := range strings.Split(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	if how == "age" {
		return age(value)
	}
	return cell(value)
}

// cell is a value in one line, without what a terminal would obey: names and
// reasons come from others.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.Map(func(r rune) rune {
			if !strconv.IsPrint(r) {
				return ' '
			}
			return r
		}, v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		cells := make([]string, len(v))
		for i, one := range v {
			cells[i] = cell(one)
		}
		return strings.Join(cells, ",")
	case map[string]any:
		var cells []string
		for name, one := range v {
			cells = append(cells, name+"="+cell(one))
		}
		slices.Sort(cells)
		return strings.Join(cells, ",")
	}
	return fmt.Sprint(value)
}

// age is how long ago a time was, in its largest unit.
func age(value any) string {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	const day = 24 * time.Hour
	switch d := time.Since(at); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < day:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d/day))
	}
}
