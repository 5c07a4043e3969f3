package egg

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Each case is EGG_SPEC §3, or PHP itself where the rule is PHP's function.
// Browsers are held to the same file by frontend/src/features/containers/rules.test.ts.
func TestRulesJudgeAsLaravelDoes(t *testing.T) {
	text, err := os.ReadFile("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Rules []string
		Good  []string
		Bad   map[string]string // what is said of each
	}
	if err := json.Unmarshal(text, &tests); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(strings.Join(test.Rules, " "), func(t *testing.T) {
			rules, err := ParseRules(test.Rules)
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range test.Good {
				if complaint := rules.Check(value); complaint != "" {
					t.Errorf("%q is refused: %s", value, complaint)
				}
			}
			for value, want := range test.Bad {
				if complaint := rules.Check(value); complaint != want {
					t.Errorf("%q: %q is said, not %q", value, complaint, want)
				}
			}
		})
	}
}

func TestBrokenRulesAreRefused(t *testing.T) {
	for _, rule := range []string{
		"unheard_of", "max", "max:", "max:x", "max:1,2", "between:1", "between:1,x", "size:", "digits:x", "gt:other_field",
		"regex:", "regex:/", "regex:^abc$", "regex:/abc", "regex:/(/", "regex:/a/x", `regex:\a\`, "regex:/(?=a)/",
	} {
		if _, err := ParseRules([]string{rule}); err == nil {
			t.Errorf("%q is accepted", rule)
		}
	}
}

// Whatever the rules, a blank value passes all but required.
func TestBlankPassesAllButRequired(t *testing.T) {
	some := []string{"integer", "numeric", "boolean", "max:3", "min:3", "between:3,4", "size:3", "in:a", "url", "ip", "email",
		"regex:/x/", "digits:3", "alpha_dash", "gt:3", "ends_with:x", "not_in:a", "string", "nullable"}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.SampledFrom(some)).Draw(t, "rules")
		blank := rapid.StringOf(rapid.SampledFrom([]rune(" \t\n"))).Draw(t, "blank")
		rules, err := ParseRules(texts)
		if err != nil {
			t.Fatal(err)
		}
		if complaint := rules.Check(blank); complaint != "" {
			t.Fatalf("%q is refused by %v: %s", blank, texts, complaint)
		}
		rules, err = ParseRules(append(texts, "required"))
		if err != nil {
			t.Fatal(err)
		}
		if rules.Check(blank) == "" {
			t.Fatalf("%q is accepted though required", blank)
		}
	})
}

// The verdict is that of every rule alone, in whatever order: rules only
// share whether sizes are numbers.
func TestVerdictDoesNotDependOnTheOrder(t *testing.T) {
	some := []string{"integer", "max:3", "min:2", "between:1,5", "in:1,2,333", "digits_between:1,3", "alpha_num", "required", "regex:/^[0-9]/"}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfDistinct(rapid.SampledFrom(some), func(s string) string { return s }).Draw(t, "rules")
		shuffled := rapid.Permutation(texts).Draw(t, "shuffled")
		value := rapid.OneOf(rapid.StringMatching(`[0-9]{0,4}`), rapid.String()).Draw(t, "value")
		a, errA := ParseRules(texts)
		b, errB := ParseRules(shuffled)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if (a.Check(value) == "") != (b.Check(value) == "") {
			t.Fatalf("%q: %v says %q, %v says %q", value, texts, a.Check(value), shuffled, b.Check(value))
		}
	})
}

func TestSizesCountCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`\pL{1,12}`).Draw(t, "value")
		n := utf8.RuneCountInString(value)
		for _, rule := range []string{"size:%d", "max:%d", "min:%d"} {
			rules, err := ParseRules([]string{fmt.Sprintf(rule, n)})
			if err != nil {
				t.Fatal(err)
			}
			if complaint := rules.Check(value); complaint != "" {
				t.Fatalf("%q of %d characters: %s", value, n, complaint)
			}
		}
	})
}

func FuzzRules(f *testing.F) {
	for _, seed := range []string{"regex:/^a$/i", "max:1e400", "in:\"", "between:1,2", "digits:99999999999999999999"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(_ *testing.T, rule, value string) {
		rules, err := ParseRules([]string{rule, "numeric"})
		if err == nil {
			rules.Check(value)
		}
	})
}
