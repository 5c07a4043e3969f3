package fleet

import (
	"testing"
	"time"
)

func TestAMoveThatWentWellIsShownForAMinute(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) *time.Time {
		at := now.Add(-d)
		return &at
	}
	for name, c := range map[string]struct {
		was   MigrationStatus
		moved *time.Time
		want  MigrationStatus
	}{
		"just now":              {MigrationCompleted, ago(0), MigrationCompleted},
		"almost a minute ago":   {MigrationCompleted, ago(time.Minute - 1), MigrationCompleted},
		"a minute ago":          {MigrationCompleted, ago(time.Minute), MigrationIdle},
		"by a clock that leads": {MigrationCompleted, ago(-time.Hour), MigrationCompleted},
		"nobody knows when":     {MigrationCompleted, nil, MigrationCompleted},
		"it failed":             {MigrationFailed, ago(time.Hour), MigrationFailed},
		"it moves again":        {Migrating, ago(time.Hour), Migrating},
		"idle":                  {MigrationIdle, ago(time.Hour), MigrationIdle},
	} {
		if got := c.was.At(now, c.moved); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
