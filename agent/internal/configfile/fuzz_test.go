package configfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/lormas/lormas/agent/internal/configfile"
)

// fuzz holds a parser to what is promised for all: no panic, and twice is
// once, and nothing else is lost.
func fuzz(f *testing.F, parser, key string, seeds ...string) {
	for _, s := range append(seeds, "", "\r\n", "\xef\xbb\xbf", "\xff\xfea\x00") {
		f.Add([]byte(s), "7")
		f.Add([]byte(s), "a b;#\"'\\$1\n: x")
	}
	f.Fuzz(func(t *testing.T, content []byte, value string) {
		settings := set(key, value)
		before := bytes.Clone(content)
		once, err := configfile.Apply(parser, content, settings)
		if !bytes.Equal(before, content) {
			t.Fatalf("the content was changed in place: %q", content)
		}
		if err != nil {
			return
		}
		once = bytes.Clone(once)
		if lost := others[parser](content, once); lost != "" {
			t.Fatalf("%s\nof\n%q\nis lost in\n%q", lost, content, once)
		}
		twice, err := configfile.Apply(parser, once, settings)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("once\n%q\ntwice (%v)\n%q", once, err, twice)
		}
	})
}

// others tells what of a file is gone that was not to be set: lines that do
// not have the key in them, members other than a.
var others = map[string]func(before, after []byte) string{
	"file":       lines(`a`),
	"ini":        lines(`k`),
	"properties": lines(`a`, `\`), // escapes, and values of several lines, may hold the key
	"json":       members(json.Unmarshal),
	"yaml":       members(yaml.Unmarshal),
	"toml":       members(toml.Unmarshal),
	"xml":        func(before, after []byte) string { return "" },
}

func lines(hit ...string) func(before, after []byte) string {
	return func(before, after []byte) string {
		rest := string(after)
		if strings.HasPrefix(rest, "\xff\xfe") || strings.HasPrefix(rest, "\xfe\xff") {
			return ""
		}
		for l := range strings.SplitSeq(string(before), "\n") {
			l = strings.TrimSuffix(l, "\r")
			if slices.ContainsFunc(hit, func(h string) bool { return strings.Contains(l, h) }) {
				return "" // what follows may belong to it
			}
			i := strings.Index(rest, l)
			if i < 0 {
				return l
			}
			rest = rest[i+len(l):]
		}
		return ""
	}
}

func members(read func([]byte, any) error) func(before, after []byte) string {
	return func(before, after []byte) string {
		var was, is map[string]any
		mark := []byte("\xef\xbb\xbf")
		if bytes.ContainsRune(before, '*') {
			return "" // in YAML, who borrows from what is set has it too
		}
		if read(bytes.TrimPrefix(before, mark), &was) != nil {
			return "" // with comments, or with keys that are there twice
		}
		if err := read(bytes.TrimPrefix(after, mark), &is); err != nil {
			return err.Error()
		}
		delete(was, "a")
		for name, value := range was {
			if fmt.Sprint(is[name]) != fmt.Sprint(value) {
				return name
			}
		}
		return ""
	}
}

func FuzzFile(f *testing.F) { fuzz(f, "file", "a", "a=1\nb\n", "ab\r\na") }
func FuzzProperties(f *testing.F) {
	fuzz(f, "properties", "a b", "a\\ b=1\\\n 2\nc:3", "#x\na\\u0020b", "a\\ b\\")
}
func FuzzINI(f *testing.F) {
	fuzz(f, "ini", "[s.t].k", "[s.t]\nk=1 ; c\n+k=2\n", "k=1\n[s.t]", "[s.t]\nk=\"a ; b\"")
}
func FuzzJSON(f *testing.F) {
	fuzz(f, "json", "a[0].b", `{"a":[{"b":1}]}`, "{\n\"a\":[],}", `{"a":{}}`, `[1]`)
}
func FuzzYAML(f *testing.F) {
	fuzz(f, "yaml", "a[0].b", "a:\n- b: 1 # c\n", "a: []\n---\nx: &y 1\n", "a: &q\n - b: 'x'\nc: *q", "? a\n: |\n x\n")
}
func FuzzXML(f *testing.F) {
	fuzz(f, "xml", "a.b", "<a><b>1</b></a>", "<a x='1'/>", "<a><b/>t</a>", "<!-- --><a><c/></a>")
}
func FuzzTOML(f *testing.F) {
	fuzz(f, "toml", "a.b", "[a]\nb=1", "a={b='x'}", "[[a]]\nb=1\n", "a.b.c=1")
}
