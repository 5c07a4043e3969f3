package broker

import (
	"strings"

	"github.com/lormas/lormas/shared/wire"
)

// The access rules, all made from wire.Rules:
//
//	            publish                        subscribe
//	agent       topics sent by agents,         topics that go to agents,
//	            under its own node id          of its own node id, no wildcards
//	person      nothing                        a topic that CanRead allows, or a
//	                                           filter within lormas/v1/# (each
//	                                           delivery is then asked of CanRead)
//
// Shared subscriptions ($share) and $SYS lie outside of lormas/v1/# and are
// refused to everybody.

// mayPublish decides on a topic name; ok is false when it is not a topic or
// not one of theirs.
func mayPublish(who Identity, name string) (t wire.Topic, ok bool) {
	if !who.IsAgent() {
		return wire.Topic{}, false
	}
	t, ok = wire.ParseTopic(name)
	return t, ok && t.Rule().Sender == wire.FromAgent && t.Node == who.Node
}

// mayReceive decides on a filter at subscription and on a topic at delivery:
// for a name without wildcards the two are one question.
func mayReceive(who Identity, name string, canRead func(Identity, wire.Topic) bool) bool {
	if strings.ContainsAny(name, "+#") {
		return !who.IsAgent() && withinOurs(name)
	}
	t, ok := wire.ParseTopic(name)
	if !ok {
		return false
	}
	if who.IsAgent() {
		return t.Rule().ToAgent && t.Node == who.Node
	}
	return canRead(who, t)
}

var (
	everything = filter(strings.Split(wire.Prefix+"#", "/"))
	patterns   = wildPatterns()
)

// wildPatterns is wire.Rules as filters, with + in the place of ids.
func wildPatterns() []filter {
	ids := strings.NewReplacer("{node}", "+", "{container}", "+")
	out := make([]filter, 0, len(wire.Rules))
	for _, r := range wire.Rules {
		out = append(out, strings.Split(wire.Prefix+ids.Replace(r.Pattern), "/"))
	}
	return out
}

// withinOurs reports whether a filter can only match topics below
// wire.Prefix, and can match some that exist.
func withinOurs(name string) bool {
	f, ok := parseFilter(name)
	if !ok || !everything.contains(f) {
		return false
	}
	for _, p := range patterns {
		if p.overlaps(f) {
			return true
		}
	}
	return false
}
