package actions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/spec"
)

// Bounds of what people write.
const (
	maxDescription = 4096
	maxLabels      = 64
	maxLabelValue  = 255
	maxReason      = 200
)

// faults collects what is wrong with an input, each with its field.
type faults []spec.Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, spec.Fault{Field: field, Message: fmt.Sprintf(format, args...)})
}

// err is nil where nothing was found.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return fleet.InvalidFields(f...)
}

func (f *faults) name(name string) {
	if !spec.ValidName(name) {
		f.add("name", "%.70q cannot be a name: %s", name, spec.NameRule)
	}
}

func (f *faults) description(text string) {
	switch {
	case utf8.RuneCountInString(text) > maxDescription:
		f.add("description", "this is too long: the limit is %d characters", maxDescription)
	case strings.ContainsRune(text, 0):
		f.add("description", "this has a NUL character, which is not text")
	}
}

// reason is why somebody does something, in his own words.
func (f *faults) reason(text string) {
	if utf8.RuneCountInString(text) > maxReason || strings.ContainsFunc(text, unicode.IsControl) {
		f.add("reason", "a reason has at most %d characters and no line breaks", maxReason)
	}
}

func (f *faults) labels(labels map[string]string) {
	if len(labels) > maxLabels {
		f.add("labels", "%d labels are too many: the limit is %d", len(labels), maxLabels)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if !spec.ValidName(key) {
			f.add("labels", "%.70q cannot be the name of a label: %s", key, spec.NameRule)
		}
		value := labels[key]
		if utf8.RuneCountInString(value) > maxLabelValue || strings.ContainsFunc(value, unicode.IsControl) {
			f.add("labels."+key, "a label's value has at most %d characters and no line breaks", maxLabelValue)
		}
	}
}

// once makes a request repeatable under the actor's key.
func (s *Service) once(actor authz.Actor, v fleet.Verb, key string, in any) (store.Once, error) {
	return s.Store.Once(actor.UserID, v, key, in)
}
