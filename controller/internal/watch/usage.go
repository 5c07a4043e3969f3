package watch

import (
	"fmt"
	"time"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/wire"
)

// usageGood is how long what a node said of its containers is worth showing:
// it says so every 30 seconds.
const usageGood = 2 * time.Minute

// known is what a node said last.
type known struct {
	heard      time.Time // by our clock
	at         time.Time // by the node's
	containers map[id.ContainerID]wire.ContainerUsage
}

// Note takes in what a node says that its containers use. It never blocks.
func (w *Watch) Note(node id.NodeID, payload []byte) error {
	usage, err := wire.Decode[wire.Usage](payload, wire.TypeUsage)
	if err != nil {
		return err
	}
	if len(usage.Containers) > wire.MaxUsage {
		return fmt.Errorf("usage of %d containers is over the limit of %d", len(usage.Containers), wire.MaxUsage)
	}
	k := known{heard: w.options.Now(), at: usage.At, containers: make(map[id.ContainerID]wire.ContainerUsage, len(usage.Containers))}
	for _, c := range usage.Containers {
		k.containers[c.ContainerID] = c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.usage[node] = k
	return nil
}

// Latest is what a container used when its node said so last, without asking
// it.
func (w *Watch) Latest(node id.NodeID, container id.ContainerID) (wire.ContainerUsage, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.usage[node]
	c, there := k.containers[container]
	if !there || w.options.Now().Sub(k.heard) > usageGood {
		return c, k.at, fleet.Errorf(fleet.Unreachable, "the node has not said lately what this container uses: it does so every 30 seconds while it is in reach")
	}
	return c, k.at, nil
}

// forgetUsage drops what is not worth showing any more.
func (w *Watch) forgetUsage() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for node, k := range w.usage {
		if w.options.Now().Sub(k.heard) > usageGood {
			delete(w.usage, node)
		}
	}
}
