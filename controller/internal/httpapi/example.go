package httpapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// exampleText is what an example holds in a string that says nothing of itself,
// by its field. None of it is a secret, and none looks like one.
var exampleText = map[string]string{
	"name": "web-1", "description": "under the stairs", "email": "anna@example.org", "reason": "moving house",
	"image": "registry.example/web:1", "address": "192.0.2.7", "disk": "10g", "memory": "512m",
}

// exampleFormat is the same by the format of the string.
var exampleFormat = map[string]string{
	"uuid": "0192f0c1-2345-7abc-8def-0123456789ab", "date-time": "2026-01-02T15:04:05Z",
	"uri": "https://lormas.example/", "password": "(a secret)",
}

// exampleDepth ends examples of schemas that hold themselves.
const exampleDepth = 8

// exemplify gives every JSON body in the document an example, made of what its
// schema says: so no example is ever of a body that is no more.
func (s *Server) exemplify() {
	document := s.api.OpenAPI()
	problem := exampleOf(document.Components.Schemas, document.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, ""), "", exampleDepth)
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				p.Schema.PatternDescription = "" // huma's own word, which no reader of the document knows
			}
			bodies := []map[string]*huma.MediaType{}
			if op.RequestBody != nil {
				bodies = append(bodies, op.RequestBody.Content)
			}
			for _, r := range op.Responses {
				bodies = append(bodies, r.Content)
			}
			for _, body := range bodies {
				for contentType, media := range body {
					if contentType == problemType {
						media.Example = problem
					} else if media.Schema != nil && strings.Contains(contentType, "json") {
						media.Example = exampleOf(document.Components.Schemas, media.Schema, "", exampleDepth)
					}
				}
			}
		}
	}
}

// exampleOf is a value that fits a schema; field is the name it goes by.
func exampleOf(all huma.Registry, s *huma.Schema, field string, depth int) any {
	for s.Ref != "" {
		s = all.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == huma.TypeArray && depth > 0 && s.Items != nil:
		return []any{exampleOf(all, s.Items, field, depth-1)}
	case s.Type == huma.TypeArray:
		return []any{}
	case s.Type == huma.TypeObject:
		return exampleOfObject(all, s, depth)
	case s.Type == huma.TypeBoolean:
		return true
	case s.Type == huma.TypeInteger, s.Type == huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case exampleFormat[s.Format] != "":
		return exampleFormat[s.Format]
	case exampleText[field] != "":
		return exampleText[field]
	}
	return "text"
}

func exampleOfObject(all huma.Registry, s *huma.Schema, depth int) any {
	object := map[string]any{}
	for name, property := range s.Properties {
		if depth > 0 || slices.Contains(s.Required, name) {
			object[name] = exampleOf(all, property, name, depth-1)
		}
	}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok && depth > 0 {
		object["NAME"] = exampleOf(all, values, "", depth-1)
	}
	return object
}
