package link

import (
	"time"

	"github.com/lormas/lormas/shared/wire"
)

const (
	batchItems = 200
	batchBytes = 256 << 10
	resendIn   = 5 * time.Second // what the controller has not acknowledged
)

// flush is the loop that empties the outbox: one batch, its acknowledgement,
// the next. What is not acknowledged is sent again, as it then is: states
// may have been replaced by newer ones.
func (c *conn) flush() {
	select {
	case <-c.synced:
	case <-c.ctx.Done():
		return
	}
	var told beatNews
	timer := time.NewTimer(0)
	defer timer.Stop()
	sent := uint64(0) // the end of the batch that waits for its acknowledgement
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.trim.C():
			c.forget()
		case <-c.Ledger.News().C():
			told.check(c)
		case <-timer.C:
			sent = 0
		}
		if acked := c.acked.Load(); sent > acked {
			continue // its turn is not over
		}
		sent = c.sendBatch()
		timer.Reset(resendIn)
	}
}

// forget drops what the controller has.
func (c *conn) forget() {
	if err := c.Ledger.Acked(c.acked.Load()); err != nil {
		c.Log.Error("the outbox was not trimmed; its head is sent again", "error", err)
	}
}

// sendBatch sends the head of the outbox and returns the number it ends at,
// or 0 if there was nothing.
func (c *conn) sendBatch() uint64 {
	items, err := c.Ledger.Outbox(c.acked.Load(), batchItems, batchBytes)
	if err != nil {
		c.Log.Error("the outbox cannot be read; tried again", "error", err)
		return 0
	}
	if len(items) == 0 {
		return 0
	}
	err = c.publish(wire.OfNode(wire.NodeEvents, c.Node), wire.Events{
		Header: wire.Head(wire.TypeEvents), Session: c.session, LedgerID: c.Ledger.ID(), Items: items,
	})
	if err != nil {
		c.Log.Debug("events not sent; tried again", "error", err)
	}
	return items[len(items)-1].Seq
}

// beatNews notices what the controller should not wait a whole heartbeat
// interval for.
type beatNews struct{ applied int64 }

func (n *beatNews) check(c *conn) {
	sum, err := c.Ledger.Summary()
	if err == nil && sum.Applied != n.applied {
		n.applied = sum.Applied
		c.beat.Up()
	}
}
