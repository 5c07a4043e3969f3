package intake

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/id"
)

func TestMailKeepsTheOrderOfANode(t *testing.T) {
	const nodes, each = 50, perNode
	m := newMailroom()
	for n := range each {
		for node := range nodes {
			if !m.put(letter{node: id.NodeID{byte(node)}, conn: uint64(n), payload: []byte("x")}) {
				t.Fatalf("no room for letter %d of node %d", n, node)
			}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	next, total := map[id.NodeID]uint64{}, 0
	m.run(ctx, func(_ context.Context, l letter) {
		mu.Lock()
		defer mu.Unlock()
		if l.conn != next[l.node] {
			t.Errorf("node %d: letter %d came, want %d", l.node[0], l.conn, next[l.node])
		}
		next[l.node]++
		if total++; total == nodes*each {
			stop()
		}
	})
}

func TestMailIsBounded(t *testing.T) {
	m := newMailroom()
	loud, quiet := id.NodeID{1}, id.NodeID{2}
	for n := range perNode {
		if !m.put(letter{node: loud}) {
			t.Fatalf("no room for letter %d", n)
		}
	}
	if m.put(letter{node: loud}) {
		t.Error("a node filled more than its share")
	}
	if !m.put(letter{node: quiet}) {
		t.Error("a loud node took another's room")
	}
	if m.put(letter{node: quiet, payload: make([]byte, totalBytes+1)}) {
		t.Error("more bytes wait than may")
	}
}

// A letter waits until the work on it has ended.
func TestMailKnowsWhatWaits(t *testing.T) {
	m := newMailroom()
	node, other := id.NodeID{1}, id.NodeID{2}
	if m.waits(node) || m.oldest(time.Now()) != 0 {
		t.Error("something waits in an empty room")
	}
	m.put(letter{node: node})
	m.put(letter{node: node})
	ctx, stop := context.WithCancel(t.Context())
	left := 2
	m.run(ctx, func(context.Context, letter) {
		if !m.waits(node) || m.waits(other) {
			t.Error("what is in work does not wait, or what is not there does")
		}
		if age := m.oldest(time.Now().Add(time.Hour)); age < time.Hour {
			t.Errorf("the oldest has waited for %s", age)
		}
		if left--; left == 0 {
			stop()
		}
	})
	if m.waits(node) || m.oldest(time.Now()) != 0 {
		t.Error("something waits that was worked off")
	}
}
