package authn

import (
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
)

var jane = fleet.User{Email: "jane.doe@example.org", Name: "Jane Margarete Doe-Winter"}

// A refusal says why, and always what would be better.
func TestWeakPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"":                                  "at least 10",
		"ninechars":                         "at least 10",
		strings.Repeat("seven horses ", 20): "at most 256",
		"password12345":                     "many people have",
		"Passw0rd!!":                        "many people have",
		"iloveyou2024":                      "many people have",
		"P4$$w0rdP4$$w0rd":                  "repeats itself",
		"1234567890":                        "",
		"9876543210":                        "",
		"qwertyuiop":                        "",
		"zzzzzzzzzzzz":                      "repeats itself",
		"12121212121212":                    "repeats itself",
		"abcdefghijkl":                      "run of letters",
		"administrator":                     "common word or name",
		"Administrator1!":                   "common word or name",
		"jane.doe@example.org":              "e-mail address",
		"jane.doe2024":                      "e-mail address",
		"janedoe-1999":                      "e-mail address",
		"Margarete1987":                     "e-mail address, the name",
		"DoeWinter123":                      "",
		"lormasadmin":                       "words of this product",
		"Kubernetes2026":                    "words of this product",
		"24.12.19871":                       "a date",
		"correcthorse":                      "common word",
	} {
		got := weakness(password, jane)
		if got == "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
		if len(password) >= minPassword && len(password) <= maxPassword && !strings.Contains(got, "use four or more words") {
			t.Errorf("%q: %q does not say what would be better", password, got)
		}
	}
}

func TestStrongPasswords(t *testing.T) {
	for _, strong := range []string{
		"correct horse battery", "vier große Bäume", "jane.doe keeps 7 geese", "Tr0ub4dor&3xyz", "seven horses under water",
		"k3Vq9-zzWp1", "only-for-the-lab", strings.Repeat("x7Kq!m2", 36),
	} {
		if why := weakness(strong, jane); why != "" {
			t.Errorf("%q was refused: %s", strong, why)
		}
	}
}

// What follows the beginning is not looked at: it costs nothing, and takes
// nothing from a password that is strong before it.
func TestOnlyTheBeginningIsLookedAt(t *testing.T) {
	const most = 40
	for _, text := range []string{strings.Repeat("@4({[<361|!$570%2", 15), strings.Repeat("ö", 128)} {
		if got := []rune(beginning(text)); len(got) != most || !strings.HasPrefix(text, string(got)) {
			t.Errorf("%d characters of %q are looked at, want %d", len(got), text, most)
		}
	}
	if got := beginning("short one"); got != "short one" {
		t.Errorf("of a short one: %q", got)
	}
	if why := weakness("correct horse battery"+strings.Repeat("a", 200), jane); why != "" {
		t.Error(why)
	}
}
