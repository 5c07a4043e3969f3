package link

import (
	"context"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/wire"
)

const (
	statsEvery    = time.Second
	statsPatience = 5 * time.Second
)

// sendStats tells what a container uses, once a second, until ctx ends. A
// container that does not run is not spoken of.
func (c *conn) sendStats(ctx context.Context, command wire.Command) {
	topic := wire.OfContainerOn(wire.ContainerStats, c.Node, command.ContainerID)
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	var earlier runtime.Usage
	for {
		usage, err := c.measure(ctx, command)
		if err == nil && !usage.At.IsZero() {
			if !earlier.At.IsZero() { // a rate takes two readings
				if err := c.publish(topic, usage.Stats(earlier)); err != nil {
					c.Log.Debug("meters not sent", "error", err)
				}
			}
		}
		earlier = usage
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *conn) measure(ctx context.Context, command wire.Command) (runtime.Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, statsPatience)
	defer cancel()
	return c.Engine.Stats(ctx, command.ContainerID)
}

// tellUsage is the loop that tells what all containers use, whenever that was
// measured: one message for the whole node.
func (c *conn) tellUsage() {
	if c.Usage == nil {
		return
	}
	for {
		usage, changed := c.Usage()
		if !usage.At.IsZero() {
			usage.Containers = usage.Containers[:min(len(usage.Containers), wire.MaxUsage)]
			if err := c.publish(wire.OfNode(wire.NodeUsage, c.Node), usage); err != nil {
				c.Log.Debug("usage not sent", "error", err)
			}
		}
		select {
		case <-c.ctx.Done():
			return
		case <-changed:
		}
	}
}
