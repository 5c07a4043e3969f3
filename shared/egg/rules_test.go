package egg

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Each case is EGG_SPEC §3, or PHP itself where the rule is PHP's function.
func TestRulesJudgeAsLaravelDoes(t *testing.T) {
	tests := []struct {
		rules string // separated by a space, as | occurs in patterns
		good  []string
		bad   []string
	}{
		{"required", []string{"x", "0", " x "}, []string{"", " ", "\t\n"}},
		{"nullable string", []string{"", "x"}, nil},
		{"nullable:string", []string{"", "x"}, nil}, // a slip that occurs in the wild
		{"present", []string{"", "x"}, nil},
		{"integer", []string{"0", "-0", "+7", "-12", " 5 ", "9223372036854775807", ""}, []string{"01", "1.0", "1e3", "x", "0x1A", "9223372036854775808"}},
		{"int", []string{"7"}, []string{"7.5"}},
		{"numeric", []string{"1", "-1.5", ".5", "5.", "1e3", " 1", "1 ", "007"}, []string{"x", "0x1A", "1,5", "--1", "1e", ".", "Inf", "NaN", "1_0"}},
		{"boolean", []string{"0", "1", ""}, []string{"true", "false", "2", "yes"}},
		{"bool", []string{"0", "1"}, []string{"true"}},
		{"max:3", []string{"abc", "", "äöü"}, []string{"abcd", "1234"}},
		{"string max:20", []string{"12345678901234567890"}, []string{"123456789012345678901"}},
		{"numeric max:8", []string{"8", "-100", "7.9"}, []string{"9", "7778"}},
		{"max:8 integer", []string{"8"}, []string{"9"}}, // the order does not matter
		{"min:3", []string{"abc", ""}, []string{"ab"}},
		{"numeric min:3", []string{"3"}, []string{"2.9"}},
		{"between:2,4", []string{"ab", "abcd"}, []string{"a", "abcde"}},
		{"numeric between:1024,65535", []string{"1024", "65535"}, []string{"1023", "65536"}},
		{"numeric between:-5,-1", []string{"-3"}, []string{"0"}},
		{"size:3", []string{"abc", "日本語"}, []string{"ab", "abcd"}},
		{"integer size:3", []string{"3"}, []string{"abc", "4"}},
		{"numeric gt:5", []string{"5.1", "6"}, []string{"5", "x"}},
		{"gt:5", []string{"100000"}, []string{"6", "abcdefg"}}, // its length is compared then
		{"numeric lte:2.5", []string{"2.5", "-1"}, []string{"2.6"}},
		{"in:a,b", []string{"a", "b", ""}, []string{"c", "A", "a,b"}},
		{`in:,Moon,"a,b"`, []string{"Moon", "a,b"}, []string{"moon", "a"}},
		{"not_in:a,b", []string{"c", ""}, []string{"a"}},
		{"ends_with:.jar,.war", []string{"server.jar", "x.war"}, []string{"server.zip"}},
		{"alpha_dash", []string{"a-b_c9", "für"}, []string{"a b", "a.b"}},
		{"alpha_num", []string{"abc123", "é"}, []string{"a-b", "a_b"}},
		{"alphanum", []string{"abc123"}, []string{"a-b"}},
		{"Alpha_Num", []string{"abc123"}, []string{"a-b"}},
		{"digits:4", []string{"0123"}, []string{"123", "12345", "12a4", "-123"}},
		{"digits_between:1,5", []string{"1", "00001"}, []string{"123456", "1.5"}},
		{"url", []string{"https://example.com/x?y", "http://localhost:8080"}, []string{"example.com", "https://", "http://a b", "/x", "x"}},
		{"ip", []string{"10.0.0.1", "::1"}, []string{"10.0.0", "10.0.0.1:80", "fe80::1%eth0", "localhost"}},
		{"email", []string{"a@b.c"}, []string{"a", "a@", "Ann <a@b.c>"}},
		{"regex:/^[a-z]+$/", []string{"abc"}, []string{"abc1", "ABC"}},
		{"regex:/^[a-z]+$/i", []string{"ABC"}, []string{"1"}},
		{"regex:/b/", []string{"abc"}, []string{"xyz"}}, // unanchored unless written so
		{"regex:([a-z-0-9]+$)", []string{"!abc-1"}, []string{"abc!"}},
		{"regex:#^https?://#u", []string{"http://x"}, []string{"ftp://x"}},
		{"regex:/^(a|b)/", []string{"a1", "b1"}, []string{"c"}},
		{"required integer between:1,10", []string{"5"}, []string{"", "0", "11", "x"}},
		{"", []string{"anything", ""}, nil},
	}
	for _, test := range tests {
		t.Run(test.rules, func(t *testing.T) {
			rules, err := ParseRules(strings.Split(test.rules, " "))
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range test.good {
				if complaint := rules.Check(value); complaint != "" {
					t.Errorf("%q is refused: %s", value, complaint)
				}
			}
			for _, value := range test.bad {
				if complaint := rules.Check(value); complaint == "" {
					t.Errorf("%q is accepted", value)
				}
			}
		})
	}
}

func TestComplaintsSayWhatToDo(t *testing.T) {
	for _, test := range []struct{ rules, value, want string }{
		{"required", "", "a value is required"},
		{"string max:20", "123456789012345678901", "must be at most 20 characters long"},
		{"numeric max:8", "9", "must be at most 8"},
		{"between:2,4", "a", "must be from 2 to 4 characters long"},
		{"in:a,b", "c", "must be one of a, b"},
		{"regex:/^x$/", "y", "must match /^x$/"},
	} {
		rules, err := ParseRules(strings.Split(test.rules, " "))
		if err != nil {
			t.Fatal(err)
		}
		if got := rules.Check(test.value); got != test.want {
			t.Errorf("%s on %q says %q, want %q", test.rules, test.value, got, test.want)
		}
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
