package runtime_test

import (
	"testing"
	"time"

	"github.com/lormas/lormas/agent/internal/runtime"
)

func TestProcessorUseNeedsTwoReadingsOfOneRun(t *testing.T) {
	at := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		before, now runtime.Usage
		want        float64
	}{
		"first reading":     {runtime.Usage{}, runtime.Usage{At: at, CPU: time.Hour}, 0},
		"half a core":       {runtime.Usage{At: at, CPU: time.Second}, runtime.Usage{At: at.Add(2 * time.Second), CPU: 2 * time.Second}, 0.5},
		"same moment":       {runtime.Usage{At: at}, runtime.Usage{At: at, CPU: time.Second}, 0},
		"restarted between": {runtime.Usage{At: at, CPU: time.Hour}, runtime.Usage{At: at.Add(time.Second), CPU: time.Second}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.now.Stats(c.before).CPUCores; got != c.want {
				t.Errorf("%v cores, want %v", got, c.want)
			}
		})
	}
}
