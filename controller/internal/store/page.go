package store

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// Page asks for part of a list.
type Page struct {
	Limit  int    // 1 to 200
	Cursor string // next_cursor of the page before; "": the first
	Sort   string // a field of the Listing, with - before it the other way round; "": newest first
	Q      string // what to look for; "": nothing in particular
}

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

// place is where a page ended: the next begins behind it, also when the item
// is gone by then. It belongs to one order.
type place struct {
	Sort string    `json:"s,omitempty"`
	Key  string    `json:"k,omitempty"` // what the last item was sorted by
	ID   uuid.UUID `json:"i"`
}

// cursor is the place as people pass it on.
func (at place) cursor() string {
	text, _ := json.Marshal(at) // strings and an id can always be encoded
	return base64.RawURLEncoding.EncodeToString(text)
}

// place reads the cursor. What is in it may have been made up.
func (p Page) place() (*place, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	var at place
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || json.Unmarshal(text, &at) != nil || strings.ContainsRune(at.Key, 0) {
		return nil, errCursor
	}
	if at.Sort != p.Sort {
		return nil, badCursor("this next_cursor is of a list in another order: send the sort that it came with, or leave the cursor out to begin anew")
	}
	return &at, nil
}

func badCursor(message string) error {
	return fleet.InvalidFields(spec.Fault{Field: "cursor", Message: message})
}

var errCursor = badCursor("pass next_cursor of the page before, unchanged")

// key is what to compare the sort key of items with.
func (at place) key(by order) (any, error) {
	if !by.time {
		return at.Key, nil
	}
	moment, err := time.Parse(time.RFC3339Nano, at.Key)
	if err != nil {
		return nil, errCursor
	}
	return moment, nil
}

// keyed is a row with two more columns than its noun has: what it was sorted
// by, and its id.
type keyed struct {
	pgx.CollectableRow
	key any
	id  uuid.UUID
}

// Scan reads the noun and keeps the rest.
func (r *keyed) Scan(into ...any) error { return r.CollectableRow.Scan(append(into, &r.key, &r.id)...) }

// place is that of the row in a list.
func (r *keyed) place(sort string) place {
	at := place{Sort: sort, ID: r.id}
	switch key := r.key.(type) {
	case time.Time:
		at.Key = key.UTC().Format(time.RFC3339Nano)
	case string:
		at.Key = key
	}
	return at
}
