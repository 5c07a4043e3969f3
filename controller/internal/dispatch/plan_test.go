package dispatch

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

func someContainers(n int) []wire.DesiredContainer {
	list := make([]wire.DesiredContainer, n)
	for i := range list {
		list[i] = wire.DesiredContainer{ID: id.New[id.ContainerID](), Epoch: 1, Generation: 1, SpecHash: fmt.Sprint("hash", i), Power: spec.Running}
	}
	return list
}

func TestDecide(t *testing.T) {
	set := someContainers(3)
	at := func(rev int64, set []wire.DesiredContainer) wire.Hello {
		return wire.Hello{AppliedRev: rev, Digest: wire.Digest(set)}
	}
	all := store.Desired{Rev: 9, Containers: set, Complete: true}
	changed := store.Desired{Rev: 9, Containers: set[:1], Complete: true}
	for name, c := range map[string]struct {
		s    situation
		want string
		len  int
	}{
		"in sync":                    {situation{hello: at(9, set), all: all}, wire.DesiredNothing, 0},
		"in sync, with a stray":      {situation{hello: at(9, set), all: all, misplaced: make([]wire.ContainerRef, 1)}, wire.DesiredFull, 3},
		"another set":                {situation{hello: at(9, set[:2]), all: all}, wire.DesiredFull, 3},
		"behind":                     {situation{hello: at(7, set), all: all, changes: changed}, wire.DesiredDelta, 1},
		"behind, with a stray":       {situation{hello: at(7, set), all: all, changes: changed, misplaced: make([]wire.ContainerRef, 1)}, wire.DesiredFull, 3},
		"behind what is remembered":  {situation{hello: at(7, set), all: all, changes: store.Desired{Rev: 9}}, wire.DesiredFull, 3},
		"without records":            {situation{hello: at(0, nil), all: all, changes: changed}, wire.DesiredFull, 3},
		"from a future":              {situation{hello: at(10, set), all: all}, wire.DesiredFull, 3},
		"new, and nothing is wanted": {situation{hello: at(0, nil), all: store.Desired{}}, wire.DesiredNothing, 0},
	} {
		got := c.s.decide()
		if got.kind != c.want || len(got.containers) != c.len || got.rev != c.s.all.Rev {
			t.Errorf("%s: %s of %d containers at %d, want %s of %d", name, got.kind, len(got.containers), got.rev, c.want, c.len)
		}
	}
}

// However large a list is, its messages fit, nothing is missing or doubled,
// and specs travel only with short lists.
func TestMessagesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := answer{kind: wire.DesiredFull, rev: 9, containers: someContainers(rapid.SampledFrom([]int{0, 1, 5, 50, 51, 3000}).Draw(t, "containers"))}
		specs := map[string]spec.Container{}
		for _, hash := range a.wanted() {
			size := rapid.SampledFrom([]int{10, 1000, 100_000}).Draw(t, "size")
			specs[hash] = spec.Container{Name: hash, Env: map[string]string{"X": strings.Repeat("x", size)}}
		}
		if len(a.containers) > maxInline && len(specs) > 0 {
			t.Fatal("a long list came with specs")
		}
		parts := a.messages(wire.Session{BootID: "b", Session: 1}, specs)
		seen, seenSpecs := 0, 0
		for i, m := range parts {
			if size := len(wire.Encode(m)); size > wire.MaxPayload {
				t.Fatalf("part %d has %d bytes", i+1, size)
			}
			if m.Part != i+1 || m.Parts != len(parts) || m.Rev != 9 {
				t.Fatalf("part %d says it is %d of %d", i+1, m.Part, m.Parts)
			}
			for _, c := range m.Containers {
				if c != a.containers[seen] {
					t.Fatalf("container %d is another", seen)
				}
				seen++
			}
			seenSpecs += len(m.Specs)
		}
		if seen != len(a.containers) || seenSpecs != len(specs) {
			t.Fatalf("%d of %d containers and %d of %d specs arrive", seen, len(a.containers), seenSpecs, len(specs))
		}
		answered := 0
		for _, m := range specMessages(wire.Session{}, specs) {
			if size := len(wire.Encode(m)); size > wire.MaxPayload {
				t.Fatalf("an answer to a pull has %d bytes", size)
			}
			answered += len(m.Specs)
		}
		if answered != len(specs) {
			t.Fatalf("a pull of %d specs is answered with %d", len(specs), answered)
		}
	})
}

func TestALargeDeltaGoesWithoutSpecs(t *testing.T) {
	a := answer{kind: wire.DesiredDelta, fromRev: 1, rev: 9, containers: someContainers(50)}
	specs := map[string]spec.Container{}
	for _, hash := range a.wanted() {
		specs[hash] = spec.Container{Env: map[string]string{"X": strings.Repeat("x", 10_000)}}
	}
	messages := a.messages(wire.Session{}, specs)
	if len(messages) != 1 || messages[0].Specs != nil || len(messages[0].Containers) != 50 || messages[0].Parts != 0 {
		t.Errorf("it was put into %d messages, the first with %d specs", len(messages), len(messages[0].Specs))
	}
}

func TestACommandAlwaysFits(t *testing.T) {
	c := store.OpenCommand{Spec: &spec.Container{Env: map[string]string{"X": strings.Repeat("x", wire.MaxPayload)}}}
	if size := len(commandPayload(wire.Session{}, c)); size > maxPart {
		t.Errorf("it has %d bytes", size)
	}
}
