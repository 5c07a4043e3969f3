package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// jsonFormat reads and writes bodies. Its errors say where the text breaks.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	},
	Unmarshal: func(text []byte, v any) error {
		err := json.Unmarshal(text, v)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line, column := position(text, syntax.Offset)
			return fmt.Errorf("%w, at line %d, column %d", err, line, column)
		}
		return err
	},
}

// position turns the number of bytes read into line and column, from 1.
func position(text []byte, offset int64) (line, column int) {
	read := text[:min(max(offset-1, 0), int64(len(text)))]
	return bytes.Count(read, []byte("\n")) + 1, len(read) - bytes.LastIndexByte(read, '\n')
}
