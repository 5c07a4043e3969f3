package fleet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/fleet"
)

func TestEditedKeepsWhatDiffers(t *testing.T) {
	var e fleet.AuditEntry
	e.Edited(
		map[string]any{"name": "a", "labels": map[string]string{"rack": "1"}, "gone": 1, "same": []string{"x"}},
		map[string]any{"name": "b", "labels": map[string]string{"rack": "2"}, "new": 2, "same": []string{"x"}},
	)
	before := map[string]any{"name": "a", "labels": map[string]string{"rack": "1"}, "gone": 1}
	after := map[string]any{"name": "b", "labels": map[string]string{"rack": "2"}, "new": 2}
	if d := cmp.Diff(before, e.Before) + cmp.Diff(after, e.After); d != "" {
		t.Error(d)
	}
}
