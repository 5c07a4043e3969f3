package loops

import (
	"context"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

// tell lets people know of what was committed, and counts it. It is news
// only: without them, the API still has it all.
func (m *Migrator) tell(ctx context.Context, list []fleet.Migration, news *store.News) {
	if len(list) == 0 {
		return
	}
	ids := make([]id.ContainerID, len(list))
	for i, g := range list {
		ids[i] = g.ContainerID
		m.Live.Migration(g)
		m.Metrics.count(g)
		m.Log.Info("migration", "migration", g.ID, "container", g.ContainerID, "kind", g.Kind, "state", g.State,
			"from", g.From, "to", g.To, "waiting", g.Waiting, "error", g.Error)
	}
	if news != nil {
		m.Live.Tell(store.News{Jobs: news.Jobs})
	}
	containers, err := m.Store.ContainersByID(ctx, ids)
	if err != nil {
		m.Log.Warn("news of moved containers not told", "error", err)
		return
	}
	m.Live.Tell(store.News{Containers: containers})
}

// Told is tell for those that somebody else has begun or ended.
func (m *Migrator) Told(ctx context.Context, list []fleet.Migration) { m.tell(ctx, list, nil) }
