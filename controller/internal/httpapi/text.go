package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// isText refuses a request with a NUL character, or bytes that are no UTF-8, in
// any text of its query, body or Idempotency-Key. They can be written there and
// Postgres cannot keep them, so they are refused here for all routes. (JSON has
// no other bytes than UTF-8: its decoder sees to that.)
func isText(ctx huma.Context, next func(huma.Context)) {
	c := humafiber.Unwrap(ctx)
	var value any
	var faults []spec.Fault
	for key, text := range c.Context().QueryArgs().All() {
		faults = append(faults, nulIn(map[string]any{string(key): string(text)}, "")...)
	}
	faults = append(faults, nulIn(map[string]any{"Idempotency-Key": ctx.Header("Idempotency-Key")}, "")...)
	body := c.Request().Body()
	if bytes.Contains(body, []byte(`\u0000`)) && json.Unmarshal(body, &value) == nil {
		faults = append(faults, nulIn(value, "")...)
	}
	if len(faults) > 0 {
		_ = writeProblem(c, newProblem(fleet.Invalid, "some fields are not right; see errors for each", faults...)) // a Problem can always be encoded
		return
	}
	next(ctx)
}

func isPlain(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// nulIn are the texts of a value that Postgres cannot keep, keys among them.
func nulIn(value any, path string) (faults []spec.Fault) {
	switch v := value.(type) {
	case string:
		if !isPlain(v) {
			return []spec.Fault{{Field: path, Message: "this has a NUL character, or bytes that are no UTF-8: that is not text"}}
		}
	case []any:
		for i, item := range v {
			faults = append(faults, nulIn(item, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if !isPlain(key) {
				faults = append(faults, spec.Fault{Field: path, Message: "the name of a field has a NUL character, or bytes that are no UTF-8: that is not text"})
				continue
			}
			faults = append(faults, nulIn(v[key], join(path, key))...)
		}
	}
	return faults
}
