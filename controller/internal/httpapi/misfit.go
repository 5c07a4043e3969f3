package httpapi

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lormas/lormas/shared/spec"
)

// bodyOf is where an operation keeps the type of its input.
const bodyOf = "input"

// misfitsOf finds the fields behind an error of decoding. Types that read
// themselves (ids, sizes) pass huma's schema as strings and then refuse to be
// read; encoding/json does not say where that was, so the body is gone
// through once more, with the type at hand. Only bodies that are refused
// anyway come here.
func misfitsOf(ctx huma.Context, errs []error) []spec.Fault {
	if len(errs) != 1 || ctx.Operation() == nil {
		return nil
	}
	var d *huma.ErrorDetail
	if !errors.As(errs[0], &d) || d.Location != "body" {
		return nil
	}
	text, isText := d.Value.(string)
	input, isType := ctx.Operation().Metadata[bodyOf].(reflect.Type)
	if !isText || !isType {
		return nil
	}
	body, ok := input.FieldByName("Body")
	var value any
	if !ok || json.Unmarshal([]byte(text), &value) != nil {
		return nil
	}
	return misfits(body.Type, value, "")
}

// misfits are the values that their types refuse to read.
func misfits(t reflect.Type, value any, path string) (faults []spec.Fault) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct && !readsItself(t) {
			return misfitsOfStruct(t, v, path)
		}
		if t.Kind() == reflect.Map {
			for key, item := range v {
				faults = append(faults, misfits(t.Elem(), item, join(path, key))...)
			}
			return faults
		}
	case []any:
		if t.Kind() == reflect.Slice {
			for i, item := range v {
				faults = append(faults, misfits(t.Elem(), item, fmt.Sprintf("%s[%d]", path, i))...)
			}
			return faults
		}
	}
	if err := read(t, value); err != nil {
		return []spec.Fault{{Field: path, Message: err.Error()}}
	}
	return nil
}

func misfitsOfStruct(t reflect.Type, fields map[string]any, path string) (faults []spec.Fault) {
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if value, ok := fields[name]; ok && name != "" {
			faults = append(faults, misfits(f.Type, value, join(path, name))...)
		}
	}
	return faults
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func read(t reflect.Type, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	err = json.Unmarshal(text, reflect.New(t).Interface())
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) { // its own words speak of Go
		return fmt.Errorf("%s does not fit here", text)
	}
	return err
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
