package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// bench gives a benchmark a lab of one node with a container that runs.
func bench(b *testing.B) (scenario, created) {
	b.Helper()
	lab, err := Start(b.Context(), Options{Nodes: 1, Bin: bin})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := lab.Close(); err != nil {
			b.Error(err)
		}
	})
	s := scenario{b, lab, &sharedLab{lab: lab}}
	made := s.create("bench", s.egg("bench", DemoImage, nil), nil, nil)
	s.awaitJob(made.Job, "succeeded")
	return s, made
}

// BenchmarkCommand measures from the API's answer to a restart until Docker
// has been called for it: all clocks are this machine's. Run it with
// -benchtime 200x; DESIGN §9 wants the median under 20 ms.
func BenchmarkCommand(b *testing.B) {
	s, c := bench(b)
	calls := dockerCalls(b, s.lab.Nodes[0], c.ID)
	var taken []time.Duration
	for b.Loop() {
		restart := s.verb(c.Container, "restart")
		accepted := time.Now()
		taken = append(taken, (<-calls).Sub(accepted))
		s.awaitJob(restart, "succeeded")
	}
	slices.Sort(taken)
	at := func(share float64) float64 {
		return float64(taken[int(share*float64(len(taken)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(0.5)/20, "p50/goal")
	b.ReportMetric(0, "ns/op") // it is mostly Docker's own time
}

// dockerCalls sends the time of every signal that the node's engine was asked
// to send to a container.
func dockerCalls(b *testing.B, node *Node, id string) <-chan time.Time {
	b.Helper()
	filters, err := json.Marshal(map[string][]string{"event": {"kill"}, "label": {"lormas.container=" + id}})
	if err != nil {
		b.Fatal(err)
	}
	engine := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", node.Socket())
	}}}
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://docker/events?filters="+url.QueryEscape(string(filters)), nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := engine.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	out := make(chan time.Time, 16)
	go func() {
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			var event struct{ TimeNano int64 }
			if json.Unmarshal(lines.Bytes(), &event) == nil {
				out <- time.Unix(0, event.TimeNano)
			}
		}
	}()
	return out
}

// BenchmarkAgent prints how large the agent is, on disk and in memory when it
// has a container and nothing to do. DESIGN §9 wants 12 MB and 15 MB.
func BenchmarkAgent(b *testing.B) {
	s, _ := bench(b)
	for b.Loop() {
		b.ReportMetric(fileSize(b, filepath.Join(bin, "lormas-agent"))/12, "binary/goal")
		b.ReportMetric(fileSize(b, filepath.Join(bin, "lormas-agent")), "binary-MB")
		rss := residentSize(b, s.lab)
		b.ReportMetric(rss, "idle-MB")
		b.ReportMetric(rss/15, "idle/goal")
	}
}

func fileSize(b *testing.B, path string) float64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size()) / 1e6
}

// residentSize is the memory of the lab's agent in MB.
func residentSize(b *testing.B, lab *Lab) float64 {
	b.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		b.Fatal(err)
	}
	mine := "LORMAS_AGENT_DATA_DIR=" + lab.dir
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(env), mine) {
			continue // it has gone, or is another's
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		var kb float64
		if _, err := fmt.Sscanf(strings.TrimSpace(rest), "%f kB", &kb); err != nil {
			b.Fatal(err)
		}
		return kb * 1024 / 1e6
	}
	b.Fatal("the agent was not found")
	return 0
}
