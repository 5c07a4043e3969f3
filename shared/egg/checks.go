package egg

import (
	"fmt"
	"math"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// builders make a check from the arguments of its rule. Keys are plain names.
var builders = map[string]func(args string) (check, error){
	"integer": fixed("be a whole number", isInteger),
	"int":     fixed("be a whole number", isInteger),
	"numeric": fixed("be a number", isNumeric),
	// strings come in, so Laravel's true and false of other types do not occur
	"boolean":   fixed("be 0 or 1", func(v string) bool { return v == "0" || v == "1" }),
	"bool":      fixed("be 0 or 1", func(v string) bool { return v == "0" || v == "1" }),
	"alphadash": fixed("have only letters, digits, dashes and underscores", func(v string) bool { return all(v, isDashed) }),
	"alphanum":  fixed("have only letters and digits", func(v string) bool { return all(v, isWord) }),
	"url":       fixed("be an address such as https://example.com/", isURL),
	"ip":        fixed("be an IP address", isIP),
	"email":     fixed("be an e-mail address", isEmail),

	"max":     sized("be at most %s", func(have, limit float64) bool { return have <= limit }),
	"min":     sized("be at least %s", func(have, limit float64) bool { return have >= limit }),
	"size":    sized("be exactly %s", func(have, limit float64) bool { return have == limit }),
	"gt":      compared("be more than %s", func(have, limit float64) bool { return have > limit }),
	"lte":     compared("be at most %s", func(have, limit float64) bool { return have <= limit }),
	"between": between,

	"digits":        digits,
	"digitsbetween": digitsBetween,
	"in":            in,
	"notin":         notIn,
	"endswith":      endsWith,
	"regex":         matches,
}

func fixed(says string, holds func(string) bool) func(string) (check, error) {
	return func(string) (check, error) {
		return check{says: says, holds: func(v string, _ bool) bool { return holds(v) }}, nil
	}
}

func sized(says string, compare func(have, limit float64) bool) func(string) (check, error) {
	return func(args string) (check, error) {
		limit, err := numbers(args, 1)
		if err != nil {
			return check{}, err
		}
		return check{
			sized: true,
			says:  fmt.Sprintf(says, amount(limit[0])),
			holds: func(v string, numeric bool) bool { return compare(size(v, numeric), limit[0]) },
		}, nil
	}
}

// compared is sized for the rules that Laravel lets only numbers pass, though
// it then compares their length where no rule asks for a number.
func compared(says string, compare func(have, limit float64) bool) func(string) (check, error) {
	build := sized(says, compare)
	return func(args string) (check, error) {
		c, err := build(args)
		if err != nil {
			return check{}, err
		}
		inner := c.holds
		c.holds = func(v string, numeric bool) bool { return isNumeric(v) && inner(v, numeric) }
		return c, nil
	}
}

func between(args string) (check, error) {
	bounds, err := numbers(args, 2)
	if err != nil {
		return check{}, err
	}
	return check{
		sized: true,
		says:  fmt.Sprintf("be from %s to %s", amount(bounds[0]), amount(bounds[1])),
		holds: func(v string, numeric bool) bool {
			have := size(v, numeric)
			return have >= bounds[0] && have <= bounds[1]
		},
	}, nil
}

func digits(args string) (check, error) {
	n, err := numbers(args, 1)
	if err != nil {
		return check{}, err
	}
	return check{
		says:  fmt.Sprintf("have exactly %s digits", amount(n[0])),
		holds: func(v string, _ bool) bool { return all(v, isDigit) && float64(len(v)) == n[0] },
	}, nil
}

func digitsBetween(args string) (check, error) {
	n, err := numbers(args, 2)
	if err != nil {
		return check{}, err
	}
	return check{
		says: fmt.Sprintf("have %s to %s digits", amount(n[0]), amount(n[1])),
		holds: func(v string, _ bool) bool {
			have := float64(len(v))
			return all(v, isDigit) && have >= n[0] && have <= n[1]
		},
	}, nil
}

func in(args string) (check, error) {
	items, err := list(args)
	return check{
		says:  "be one of " + strings.Join(items, ", "),
		holds: func(v string, _ bool) bool { return slices.Contains(items, v) },
	}, err
}

func notIn(args string) (check, error) {
	items, err := list(args)
	return check{
		says:  "be none of " + strings.Join(items, ", "),
		holds: func(v string, _ bool) bool { return !slices.Contains(items, v) },
	}, err
}

func endsWith(args string) (check, error) {
	items, err := list(args)
	return check{
		says: "end with " + strings.Join(items, " or "),
		holds: func(v string, _ bool) bool {
			return slices.ContainsFunc(items, func(end string) bool { return strings.HasSuffix(v, end) })
		},
	}, err
}

func matches(args string) (check, error) {
	re, err := compilePHP(args)
	if err != nil {
		return check{}, err
	}
	return check{
		says:  "match " + args,
		holds: func(v string, _ bool) bool { return re.MatchString(v) },
	}, nil
}

// closing has the delimiters of PHP that are not their own end.
var closing = map[byte]string{'(': ")", '[': "]", '{': "}", '<': ">"}

// compilePHP reads a pattern in PHP's delimiters, /…/i. Patterns run on RE2:
// look-around and back-references do not exist, and no pattern can hang.
func compilePHP(pattern string) (*regexp.Regexp, error) {
	if len(pattern) < 2 || isAlphanumeric(pattern[0]) || strings.ContainsRune(`\ `, rune(pattern[0])) {
		return nil, fmt.Errorf("write the pattern between delimiters, such as /^[a-z]+$/")
	}
	end, paired := closing[pattern[0]]
	if !paired {
		end = pattern[:1]
	}
	last := strings.LastIndex(pattern[1:], end) + 1
	if last == 0 {
		return nil, fmt.Errorf("the closing delimiter %s is missing", end)
	}
	flags, err := goFlags(pattern[last+1:])
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(flags + pattern[1:last])
	if err != nil {
		return nil, fmt.Errorf("the pattern cannot be read: %w", err)
	}
	return re, nil
}

// goFlags translates PHP's pattern modifiers. u (Unicode) and D (a dollar
// only at the very end) are how Go works anyway.
func goFlags(modifiers string) (string, error) {
	flags := ""
	for _, m := range modifiers {
		switch m {
		case 'i', 'm', 's', 'U':
			flags += string(m)
		case 'u', 'D':
		default:
			return "", fmt.Errorf("the pattern modifier %q is not supported", m)
		}
	}
	if flags == "" {
		return "", nil
	}
	return "(?" + flags + ")", nil
}

const phpSpace = " \t\n\r\v\f"

var (
	integerForm = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)
	numericForm = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
)

// isInteger is PHP's FILTER_VALIDATE_INT: no leading zeros, no decimals, and
// it fits into 64 bits.
func isInteger(v string) bool {
	v = strings.Trim(v, phpSpace)
	_, err := strconv.ParseInt(v, 10, 64)
	return err == nil && integerForm.MatchString(v)
}

// isNumeric is PHP's is_numeric.
func isNumeric(v string) bool { return numericForm.MatchString(strings.Trim(v, phpSpace)) }

func isURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && u.Scheme != "" && u.Hostname() != "" && !strings.ContainsFunc(v, unicode.IsSpace)
}

func isIP(v string) bool {
	addr, err := netip.ParseAddr(v)
	return err == nil && addr.Zone() == ""
}

func isEmail(v string) bool {
	addr, err := mail.ParseAddress(v)
	return err == nil && addr.Name == "" && addr.Address == v
}

func all(v string, is func(rune) bool) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return !is(r) })
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// isWord is Laravel's letter, mark or number of any script.
func isWord(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N) }

func isDashed(r rune) bool { return isWord(r) || r == '-' || r == '_' }

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// amount prints a bound as its author wrote it: 8, not 8.000000.
func amount(n float64) string {
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}
