package intake

import (
	"context"
	"fmt"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/liveness"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// events takes in the head of an agent's outbox: one transaction, then the
// acknowledgement, then the news.
func (i *Intake) events(ctx context.Context, l letter) error {
	m, err := wire.Decode[wire.Events](l.payload, wire.TypeEvents)
	if err != nil {
		i.reject(l, "malformed", err)
		return nil
	}
	if !i.current(l, m.Session) {
		return nil
	}
	var news store.News
	var report store.Report
	err = i.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		report, news, err = i.ingest(ctx, tx, l, m)
		return err
	})
	if err != nil {
		return err
	}
	if report.Head > 0 {
		i.Nodes.Hear(l.node, liveness.Ingested{Acked: report.Head})
	}
	if i.Reported != nil {
		i.Reported(report)
	}
	i.Live.Tell(news)
	return nil
}

// ingest may run more than once, as a transaction may. It answers what was
// reported; its Head is how far the outbox is taken in, or 0 where the message
// has only passing news.
func (i *Intake) ingest(ctx context.Context, tx *store.Tx, l letter, m wire.Events) (store.Report, store.News, error) {
	var last uint64
	if kept(m.Items) {
		var err error
		if last, err = tx.LockCursor(ctx, l.node, clean(m.LedgerID, 100)); err != nil {
			return store.Report{}, store.News{}, err
		}
	}
	report, faults := reduce(m.Items, last)
	if faults > 0 {
		i.reject(l, "an event makes no sense", fmt.Errorf("%d of %d events", faults, len(m.Items)))
	}
	news, err := tx.Ingest(ctx, l.node, report)
	if err != nil {
		return store.Report{}, store.News{}, err
	}
	for n := range news.Containers {
		if err := i.finish(ctx, tx, &news.Containers[n]); err != nil {
			return store.Report{}, store.News{}, err
		}
	}
	report.Head = max(last, report.Head)
	return report, news, nil
}

// finish ends a deletion that the agent has confirmed.
func (i *Intake) finish(ctx context.Context, tx *store.Tx, c *fleet.Container) error {
	if c.Power != spec.Absent || c.Phase() != spec.Removed {
		return nil
	}
	now := i.Now()
	c.DeletedAt = &now
	return tx.FinishDelete(ctx, c.ID)
}

// kept reports whether any item is of the outbox, and not just passing news.
func kept(items []wire.Event) bool {
	for _, e := range items {
		if e.Seq != 0 {
			return true
		}
	}
	return false
}
