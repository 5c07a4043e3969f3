package configfile_test

import (
	"bytes"
	"testing"

	"github.com/lormas/lormas/agent/internal/configfile"
)

// fuzz holds a parser to what is promised for all: no panic, and twice is
// once.
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
		twice, err := configfile.Apply(parser, once, settings)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("once\n%q\ntwice (%v)\n%q", once, err, twice)
		}
	})
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
