package store

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// maxPage bounds a page, whatever was asked for.
const maxPage = 200

// defaultPage is how much is answered when nobody said.
const defaultPage = 50

// limit is the number of items of the page.
func (p Page) limit() int {
	if p.Limit <= 0 {
		return defaultPage
	}
	return min(p.Limit, maxPage)
}

// before is the id that the page stays below, or nil for the first page. Ids
// are UUIDv7, so their order is the order of creation, and a cursor is the
// last id of the page before.
func (p Page) before() (*uuid.UUID, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	at, err := uuid.Parse(p.Cursor)
	if err != nil {
		return nil, fleet.InvalidFields(spec.Fault{Field: "cursor", Message: "pass next_cursor of the page before, unchanged"})
	}
	return &at, nil
}

// cut takes the item off that was only loaded to know whether there are
// more, and makes the cursor of the next page.
func cut[T any](items []T, limit int, key func(T) fmt.Stringer) ([]T, string) {
	if len(items) <= limit {
		return items, ""
	}
	items = items[:limit]
	return items, key(items[limit-1]).String()
}
