package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// Listing is a list that people ask for by pages: what it can be sorted by,
// and where a search looks. It stands beside the read of its noun. Its
// expressions are of x, a row of that read; nothing that people sent becomes
// one.
type Listing struct {
	name   string // as errors call it
	orders []order
	looks  []string // texts, which may be null
	Finds  string   // what a search looks through, in words
}

// order is a field that a list can be sorted by.
type order struct {
	field string // as people know it
	sql   string // never null; "": by id alone, which is the order of creation
	time  bool   // it is a time; else a text
}

// byText sorts by a text, whatever its case.
func byText(field, column string) order { return order{field: field, sql: "lower(" + column + ")"} }

// byTime sorts by a time.
func byTime(field, column string) order { return order{field: field, sql: column, time: true} }

// sometime is a time that may not be there: what has none comes before all
// others.
func sometime(column string) string { return "coalesce(" + column + ", 'epoch')" }

// newestFirst is the order of a list that nobody sorted.
var newestFirst = order{}

// Sorts are the names that Page.Sort may have.
func (l Listing) Sorts() []string {
	var names []string
	for _, o := range l.orders {
		names = append(names, o.field, "-"+o.field)
	}
	return names
}

// order is the one that a page asks for.
func (l Listing) order(sort string) (by order, descending bool, err error) {
	if sort == "" {
		return newestFirst, true, nil
	}
	field, descending := strings.CutPrefix(sort, "-")
	var fields []string
	for _, o := range l.orders {
		if o.field == field {
			return o, descending, nil
		}
		fields = append(fields, o.field)
	}
	return by, false, fleet.InvalidFields(spec.Fault{Field: "sort", Message: fmt.Sprintf(
		"this list can be sorted by %s, with a - before it the other way round", strings.Join(fields, ", "))})
}

// wholeGroup is as much of an id as a search must have to look for ids: the
// beginnings of all that are made within a minute are the same.
const wholeGroup = 8

// search is the condition that a row has the text of a parameter in it. There
// are no patterns, so nothing in the text has a meaning.
func (l Listing) search(text string) string {
	found := []string{fmt.Sprintf("length(%[1]s::text) >= %[2]d and starts_with(x.id::text, lower(%[1]s))", text, wholeGroup)}
	for _, look := range l.looks {
		found = append(found, fmt.Sprintf("strpos(lower(%s), lower(%s)) > 0", look, text))
	}
	return "(" + strings.Join(found, " or ") + ")"
}

// list answers with a page of what read selects, and the cursor of the next
// page. It is one statement, however long the list is.
func list[T any](ctx context.Context, s *Store, l Listing, p Page, scan pgx.RowToFunc[T], read string, args ...any) ([]T, string, error) {
	sql, args, err := l.page(p, read, args)
	if err != nil {
		return nil, "", err
	}
	rows, err := s.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", l.name, err)
	}
	var places []place
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) {
		k := &keyed{CollectableRow: row}
		item, err := scan(k)
		places = append(places, k.place(p.Sort))
		return item, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", l.name, err)
	}
	if len(items) <= p.limit() {
		return items, "", nil
	}
	last := p.limit() - 1
	return items[:last+1], places[last].cursor(), nil
}

// page puts search, order and bounds around a read. One more item is read
// than was asked for, to know whether there are more.
func (l Listing) page(p Page, read string, args []any) (string, []any, error) {
	by, descending, err := l.order(p.Sort)
	if err != nil {
		return "", nil, err
	}
	at, err := p.place()
	if err != nil {
		return "", nil, err
	}
	q := query{sql: fmt.Sprintf("select x.*, %s, x.id from (%s) x where true", by.key(), read), args: args}
	if p.Q != "" {
		q.sql += " and " + l.search(q.parameter(p.Q))
	}
	if at != nil {
		if err := q.behind(*at, by, descending); err != nil {
			return "", nil, err
		}
	}
	q.sql += " order by " + by.clause(descending) + " limit " + q.parameter(p.limit()+1)
	return q.sql, q.args, nil
}

// key is what rows are sorted by, as a column.
func (o order) key() string {
	if o.sql == "" {
		return "null::text"
	}
	return o.sql
}

// clause is what stands behind "order by". Rows that are alike in the field
// are in the order of their ids.
func (o order) clause(descending bool) string {
	direction := ""
	if descending {
		direction = " desc"
	}
	if o.sql == "" {
		return "x.id" + direction
	}
	return o.sql + direction + ", x.id" + direction
}

// query is a statement while it is put together.
type query struct {
	sql  string
	args []any
}

// parameter adds a value and is its name in SQL.
func (q *query) parameter(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("$%d", len(q.args))
}

// behind leaves out what comes up to a place.
func (q *query) behind(at place, by order, descending bool) error {
	beyond := ">"
	if descending {
		beyond = "<"
	}
	if by.sql == "" {
		q.sql += fmt.Sprintf(" and x.id %s %s", beyond, q.parameter(at.ID))
		return nil
	}
	key, err := at.key(by)
	if err != nil {
		return err
	}
	q.sql += fmt.Sprintf(" and (%s, x.id) %s (%s, %s)", by.sql, beyond, q.parameter(key), q.parameter(at.ID))
	return nil
}
