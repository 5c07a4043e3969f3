package broker

import "strings"

// filter is a topic filter cut at its slashes.
type filter []string

// parseFilter reads a filter and refuses those that MQTT does not allow: a
// wildcard must be a level of its own, and # the last one.
func parseFilter(s string) (filter, bool) {
	levels := strings.Split(s, "/")
	for i, level := range levels {
		switch {
		case level == "+":
		case level == "#":
			if i != len(levels)-1 {
				return nil, false
			}
		case strings.ContainsAny(level, "+#"):
			return nil, false
		}
	}
	return levels, s != ""
}

// contains reports whether every topic that matches inner matches f too. It
// errs on the safe side in one case: it does not see that +/# is #.
func (f filter) contains(inner filter) bool {
	switch {
	case len(f) > 0 && f[0] == "#":
		return true
	case len(inner) == 0:
		return len(f) == 0
	case inner[0] == "#", len(f) == 0:
		return false // inner may go on, f may not
	case f[0] != "+" && f[0] != inner[0]:
		return false // inner may be + here, and f asks for one name
	}
	return f[1:].contains(inner[1:])
}

// overlaps reports whether some topic matches both.
func (f filter) overlaps(g filter) bool {
	switch {
	case len(f) > 0 && f[0] == "#", len(g) > 0 && g[0] == "#":
		return true
	case len(f) == 0 || len(g) == 0:
		return len(f) == len(g)
	case f[0] != "+" && g[0] != "+" && f[0] != g[0]:
		return false
	}
	return f[1:].overlaps(g[1:])
}
