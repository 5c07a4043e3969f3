package egg

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Rules are the conditions on the value of one variable, in Laravel's words
// and with Laravel's meaning (EGG_SPEC §3). All must hold; their order does
// not matter. The zero Rules allow everything.
type Rules struct {
	required bool
	numeric  bool // sizes are of the number, not of the text
	checks   []check
}

// check is one rule: what it says when it does not hold.
type check struct {
	holds func(value string, numeric bool) bool
	says  string // completes "must …"
	sized bool   // says ends in an amount: of characters, unless numbers are asked for
}

// ParseRules reads rules such as "required" and "max:20". A rule that does
// not exist, or whose argument makes no sense, is an error.
func ParseRules(texts []string) (Rules, error) {
	var r Rules
	for _, text := range texts {
		if err := r.add(text); err != nil {
			return Rules{}, err
		}
	}
	return r, nil
}

// add reads one rule. Names are Laravel's: case and underscores do not count,
// and an empty rule, left over from a doubled separator, is none.
func (r *Rules) add(text string) error {
	name, args, _ := strings.Cut(strings.TrimSpace(text), ":")
	switch name = plain(name); name {
	case "", "nullable", "string", "present":
		// Every value here is a text, at least the default: these always hold.
		return nil
	case "required":
		r.required = true
		return nil
	case "numeric", "integer", "int":
		r.numeric = true
	}
	build, known := builders[name]
	if !known {
		return fmt.Errorf("there is no rule %.40q", text)
	}
	c, err := build(args)
	if err != nil {
		return fmt.Errorf("rule %.60q: %w", text, err)
	}
	r.checks = append(r.checks, c)
	return nil
}

func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
}

// Check tells what is wrong with a value: "" where nothing is. A blank value
// passes every rule but required.
func (r Rules) Check(value string) string {
	if strings.TrimSpace(value) == "" {
		if r.required {
			return "a value is required"
		}
		return ""
	}
	for _, c := range r.checks {
		switch {
		case c.holds(value, r.numeric):
		case c.sized && !r.numeric:
			return "must " + c.says + " characters long"
		default:
			return "must " + c.says
		}
	}
	return ""
}

// size is what max, min, between and the like compare: the number where the
// rules ask for one and the value is one, else the count of characters.
func size(value string, numeric bool) float64 {
	if numeric && isNumeric(value) {
		return number(value)
	}
	return float64(utf8.RuneCountInString(value))
}

// number is the value of a text that isNumeric. One beyond what a float
// holds becomes infinite, which compares as it should.
func number(value string) float64 {
	n, _ := strconv.ParseFloat(strings.Trim(value, phpSpace), 64)
	return n
}

// list splits the arguments of a rule as PHP does: comma separated, quotes
// allowed, empty items kept.
func list(args string) ([]string, error) {
	reader := csv.NewReader(strings.NewReader(args))
	reader.LazyQuotes = true
	items, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%.60q is not a comma separated list", args)
	}
	return items, nil
}

// numbers reads exactly n numeric arguments.
func numbers(args string, n int) ([]float64, error) {
	parts := strings.Split(args, ",")
	out := make([]float64, 0, n)
	for _, p := range parts {
		if !isNumeric(p) {
			return nil, fmt.Errorf("%.40q is not a number", p)
		}
		out = append(out, number(p))
	}
	if len(out) != n {
		return nil, fmt.Errorf("takes %d numbers", n)
	}
	return out, nil
}
