package app_test

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/broker"
	"github.com/lormas/lormas/controller/internal/dispatch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// published stands between the dispatcher and the broker, and keeps what went
// by.
type published struct {
	to       *broker.Broker
	dispatch *dispatch.Dispatcher

	mu    sync.Mutex
	sent  []message
	open  int // containers that are not told yet
	ready chan time.Time
}

type message struct {
	topic   wire.Topic
	payload []byte
}

func (p *published) expect(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent, p.open, p.ready = nil, n, make(chan time.Time, 1)
}

// Publish implements dispatch.Publisher.
func (p *published) Publish(t wire.Topic, payload []byte) error {
	if err := p.to.Publish(t, payload); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == 0 {
		return nil
	}
	p.sent = append(p.sent, message{t, payload})
	p.open -= running(payload)
	if p.open <= 0 {
		p.open = 0
		p.ready <- time.Now()
	}
	return nil
}

// running counts the containers that a message starts, cheaply: it is read
// properly when the clock stands.
func running(payload []byte) int { return bytes.Count(payload, []byte(`"power":"running"`)) }

// await is the moment at which the last container was told.
func (p *published) await(b *testing.B) time.Time {
	b.Helper()
	select {
	case at := <-p.ready:
		return at
	case <-time.After(patience):
		p.mu.Lock()
		defer p.mu.Unlock()
		b.Fatalf("%d containers are not told within %s", p.open, patience)
	}
	return time.Time{}
}

// order is what one node was told of one container.
type order struct {
	wire.DesiredContainer
	node id.NodeID
	spec *spec.Container
}

// decode reads what was sent.
func (p *published) decode(b *testing.B) map[id.ContainerID]order {
	b.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	told := map[id.ContainerID]order{}
	for _, m := range p.sent {
		var d wire.Desired
		if err := json.Unmarshal(m.payload, &d); err != nil {
			b.Fatal(err)
		}
		for _, c := range d.Containers {
			o := order{DesiredContainer: c, node: m.topic.Node}
			if s, inline := d.Specs[c.SpecHash]; inline {
				o.spec = &s
			}
			told[c.ID] = o
		}
	}
	return told
}
