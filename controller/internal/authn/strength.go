package authn

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"github.com/trustelem/zxcvbn/match"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// strongEnough is the least score of zxcvbn, of 4: somebody who stole the
// hashes needs more than 10^8 guesses.
const strongEnough = 3

// looksAt is how many characters zxcvbn gets to see. What it does grows with
// the square of them and more: 40 take it 30 ms at worst, 256 take seconds,
// which anybody with an account could ask for again and again. A password is
// as strong as its beginning at least, so a strong one is not refused for it.
const looksAt = 40

// weakness says why somebody's password is not good enough, and what would
// be; or "".
func weakness(password string, of fleet.User) string {
	switch n := utf8.RuneCountInString(password); {
	case n < minPassword:
		return fmt.Sprintf("use at least %d characters", minPassword)
	case len(password) > maxPassword:
		return fmt.Sprintf("use at most %d bytes", maxPassword)
	}
	r := zxcvbn.PasswordStrength(beginning(password), known(of))
	if r.Score >= strongEnough {
		return ""
	}
	return "it is too easy to guess: " + why(r.Sequence) + "; use four or more words that have nothing to do with one another, or a password manager's choice"
}

// beginning is what zxcvbn looks at.
func beginning(password string) string {
	runes := []rune(password)
	return string(runes[:min(len(runes), looksAt)])
}

// why says what most of a password is made of that is guessed soon.
func why(parts []*match.Match) string {
	longest, reason := 0, "it is short for what it is made of"
	for _, p := range parts {
		if said := whyOf(p); said != "" && len(p.Token) > longest {
			longest, reason = len(p.Token), said
		}
	}
	return reason
}

func whyOf(p *match.Match) string {
	switch {
	case p.DictionaryName == "user_inputs":
		return "it is built from the e-mail address, the name, or words of this product"
	case p.DictionaryName == "passwords":
		return "it is built from a password that many people have"
	case p.DictionaryName != "":
		return "it is built from a single common word or name"
	}
	return map[string]string{
		"spatial":  "it is a row of keys of the keyboard",
		"repeat":   "it repeats itself",
		"sequence": "it is a run of letters or digits",
		"date":     "it is built from a date",
		"regex":    "it is built from a year",
	}[p.Pattern]
}

// known are the words that somebody who guesses at a user's password tries
// first.
func known(of fleet.User) []string {
	email, name := strings.ToLower(of.Email), strings.ToLower(of.Name)
	words := []string{"lormas", "container", "containers", "docker", "kubernetes", "raspberry", "raspberrypi", "changeme", email, name}
	for _, text := range []string{email, name} {
		local, _, _ := strings.Cut(text, "@")
		parts := lettersOf(local)
		words = append(append(words, local, strings.Join(parts, "")), lettersOf(text)...)
	}
	for _, text := range strings.Fields(name) {
		words = append(words, strings.Join(lettersOf(text), "")) // Doe-Winter is DoeWinter as well
	}
	return words
}

// lettersOf takes a text apart where there is anything but a letter.
func lettersOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}
