package reconcile

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDoneTexts(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, c := range map[string]struct {
		done   []string
		strip  bool
		output string
		want   bool
	}{
		"in a line":                      {[]string{"For help"}, false, "[12:00] Done! For help, type\r\n", true},
		"one of several":                 {[]string{"a", "Listening on"}, false, "[] Listening on :1\n", true},
		"in none":                        {[]string{"change this text"}, false, "server started\n> \n", false},
		"other case":                     {[]string{"done"}, false, "Done\n", false},
		"before the line's end":          {[]string{"> "}, false, "ready\n> ", true},
		"over two lines":                 {[]string{"up now"}, false, "up \nnow\n", false},
		"spaces count":                   {[]string{" up "}, false, "it is up\n", false},
		"escape codes as sent":           {[]string{"\x1b[32mready"}, false, "\x1b[1m\x1b[32mready\x1b[0m\n", true},
		"escape codes between":           {[]string{"server ready"}, false, "server \x1b[32mready\n", false},
		"escape codes stripped":          {[]string{"server ready"}, true, "server \x1b[32;1mready\x1b[K\n", true},
		"a title stripped":               {[]string{"server ready"}, true, "server \x1b]0;title\x07ready\n", true},
		"a title with a string's end":    {[]string{"server ready"}, true, "server \x1b]0;title\x1b\\ready\n", true},
		"umlauts stay":                   {[]string{"läuft"}, true, "\x1b[0mEs läuft\n", true},
		"stripped, with its codes":       {[]string{"\x1b[32mready"}, true, "\x1b[32mready\n", false},
		"a pattern":                      {[]string{`regex:^Listening on \d+$`}, false, "x\r\nListening on 25565\r\n", true},
		"a pattern, not yet":             {[]string{`regex:^Listening on \d+$`}, false, "Listening on 25565", false},
		"a pattern is of one line":       {[]string{`regex:^a.*b$`}, false, "a\nb\n", false},
		"a pattern that cannot be":       {[]string{`regex:(`, "up"}, false, "(\nregex:(\n", false},
		"the empty text, nothing":        {[]string{""}, false, "", false},
		"the empty text, half a line":    {[]string{""}, false, "star", false},
		"the empty text, the first line": {[]string{""}, false, "starting\n", true},
		"drawn over":                     {[]string{"regex:^100%$"}, false, "50% \r100%\r\n", true},
		"within what is looked at":       {[]string{"up"}, false, long[2:] + "up\n", true},
		"beyond what is looked at":       {[]string{"up"}, false, long[1:] + "up\n", false},
		"after a line without end":       {[]string{"up"}, false, long + long + "\nup\n", true},
	} {
		d, err := parseDone(c.done, c.strip)
		if broken := strings.HasPrefix(c.done[0], "regex:("); (err != nil) != broken {
			t.Errorf("%s: the texts are read with %v", name, err)
		}
		m := matcher{texts: d}
		if got := m.feed([]byte(c.output)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// However the output is cut into pieces, the same is found in it.
func TestDoneTextsAreFoundOverPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab\x1b\[\r ]{0,4}`)
		texts := rapid.SliceOfN(rapid.OneOf(word, rapid.Just("regex:^a+b?$")), 1, 3).Draw(t, "texts")
		strip := rapid.Bool().Draw(t, "strip")
		d, err := parseDone(texts, strip)
		if err != nil {
			t.Fatal(err)
		}
		output := rapid.StringMatching(`([ab\x1b\[\r ]{0,6}\n){0,4}`).Draw(t, "output")
		whole := matcher{texts: d}
		want := whole.feed([]byte(output))
		pieces, got := matcher{texts: d}, false
		for rest := output; rest != "" && !got; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			got = pieces.feed([]byte(rest[:n]))
			rest = rest[n:]
		}
		// Stripped, half an escape code may look like text, and a text with \r
		// is in the start of a line but in none of its parts.
		lenient := strip || strings.Contains(strings.Join(texts, ""), "\r")
		if got != want && !(lenient && got) {
			t.Errorf("%q in pieces: %v, as a whole: %v, for %q", output, got, want, texts)
		}
	})
}
