package httpapi

import "github.com/lormas/lormas/controller/internal/store"

// page is part of a list, newest first.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"pass it as cursor for what comes after; missing on the last page"`
}

// PageQuery asks for part of a list.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many items at most"`
	Cursor string `query:"cursor" maxLength:"100" doc:"next_cursor of the page before"`
}

func (q PageQuery) page() store.Page { return store.Page{Limit: q.Limit, Cursor: q.Cursor} }

// pageOf turns the nouns of a page into what people are shown.
func pageOf[N, T any](nouns []N, next string, show func(N) T) page[T] {
	items := make([]T, len(nouns)) // never nil: an empty list is [] and not null
	for i, n := range nouns {
		items[i] = show(n)
	}
	return page[T]{Items: items, NextCursor: next}
}
