package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// ParsePattern reads a permission as people write it: with dots or colons, in
// whole (container.ha.create), as a prefix (container.*) or everything (*). A
// pattern that no permission matches is refused, so that a slip of the pen
// does not become a grant of nothing.
func ParsePattern(s string) (string, error) {
	pattern := strings.ReplaceAll(strings.TrimSpace(s), ":", ".")
	for _, r := range Rules {
		if r.Access == Permission && matches(pattern, r.Verb) {
			return pattern, nil
		}
	}
	return "", fmt.Errorf("%.60q is not a permission: write one like container.start, container.* or *", s)
}

// Allows reports whether one of the patterns allows a verb.
func Allows(patterns []string, v fleet.Verb) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, v) })
}

// matches reports whether a pattern allows a verb.
func matches(pattern string, v fleet.Verb) bool {
	if pattern == string(v) || pattern == "*" {
		return true
	}
	n := len(pattern) - 1
	return n > 0 && pattern[n] == '*' && pattern[n-1] == '.' &&
		len(v) > n && string(v[:n]) == pattern[:n]
}

// Holds reports whether all that pattern allows is allowed to the actor by
// one of its own patterns, in whatever scope: what it may hand on.
func (a Actor) Holds(pattern string) bool {
	for _, g := range a.Grants {
		if contains(g.Permission, pattern) {
			return a.limitContains(pattern)
		}
	}
	return false
}

// contains reports whether every verb of the inner pattern is one of the outer.
func contains(outer, inner string) bool {
	if outer == inner || outer == "*" {
		return true
	}
	prefix, open := strings.CutSuffix(outer, "*")
	return open && strings.HasPrefix(inner, prefix)
}
