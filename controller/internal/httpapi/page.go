package httpapi

import (
	"fmt"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lormas/lormas/controller/internal/store"
)

// page is part of a list.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty" doc:"pass it as cursor for what comes after; missing on the last page"`
}

// PageQuery asks for part of a list. Every list takes it, and names its
// store.Listing in its route.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many items at most"`
	Cursor string `query:"cursor" maxLength:"2000" doc:"next_cursor of the page before, which had the same sort"`
	Sort   string `query:"sort" maxLength:"40"`
	SearchQuery
}

// SearchQuery looks for something in a list.
type SearchQuery struct {
	Q string `query:"q" maxLength:"200" doc:"only what has this in its names, in either case"`
}

func (q PageQuery) page() store.Page {
	return store.Page{Limit: q.Limit, Cursor: q.Cursor, Sort: q.Sort, Q: q.Q}
}

// pageOf turns the nouns of a page into what people are shown.
func pageOf[N, T any](nouns []N, next string, show func(N) T) page[T] {
	items := make([]T, len(nouns)) // never nil: an empty list is [] and not null
	for i, n := range nouns {
		items[i] = show(n)
	}
	return page[T]{Items: items, NextCursor: next}
}

// listParams document what is different in every list: how it is sorted, and
// where a search looks. huma leaves alone what it finds documented.
func listParams(r Route, input reflect.Type) []*huma.Param {
	if takes(input, reflect.TypeFor[PageQuery]()) != (r.List != nil) {
		panic(fmt.Sprintf("httpapi: %s: a list needs a PageQuery in its input and its Listing in the route", r.id()))
	}
	if r.List == nil {
		return nil
	}
	most := mostSearched
	var sorts []any
	for _, name := range r.List.Sorts() {
		sorts = append(sorts, name)
	}
	return []*huma.Param{
		{Name: "sort", In: "query", Description: "what to sort by, with a - before it the other way round; left out: newest first",
			Schema: &huma.Schema{Type: huma.TypeString, Enum: sorts}},
		{Name: "q", In: "query", Description: "only what has this in it, in either case: looks through " + r.List.Finds + ", and takes 8 or more characters also for the beginning of an id",
			Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most}, Example: "web"},
	}
}

// mostSearched is the maxLength of SearchQuery.
const mostSearched = 200

// takes reports whether an input is, or embeds, what is looked for.
func takes(input, what reflect.Type) bool {
	if input == what {
		return true
	}
	for i := range input.NumField() {
		if f := input.Field(i); f.Anonymous && takes(f.Type, what) {
			return true
		}
	}
	return false
}
