package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestAContainersLife(t *testing.T) {
	s := begin(t)
	egg := s.egg("life", DemoImage, map[string]any{
		"ports":     []any{map[string]any{"container": 8080}},
		"variables": []any{map[string]any{"name": "Greeting", "env": "GREETING", "default": "hi", "rules": []string{"required", "max:40"}, "user_viewable": true, "user_editable": true}},
	})
	made := s.create("life", egg, nil, map[string]any{
		"environment": map[string]string{"GREETING": "good day"}, "type": "ha", "ha_policy": "available",
		"ports": []any{map[string]any{"host": 8090, "container": 8080}},
	})
	done := s.awaitJob(made.Job, "succeeded")
	if len(done.Commands) != 1 || done.Commands[0].Receipt != "applied" {
		t.Errorf("the receipts of create: %+v", done.Commands)
	}
	c := s.awaitPhase(made.Container, "running")
	node := s.node(c.NodeID)
	s.answers(node, 8090, "good day")
	s.checkLimits(node, c)
	s.movesOtherwise(node, c)

	s.awaitJob(s.verb(c, "stop"), "succeeded")
	s.awaitPhase(c, "stopped")
	if run := s.inspect(node, c); len(run) == 1 && run[0].State.Running {
		t.Error("it runs on after its stop")
	}
	s.awaitJob(s.verb(c, "start"), "succeeded")
	s.answers(node, 8090, "good day")
	before := s.awaitRunning(node, c, "")
	s.awaitJob(s.verb(c, "restart"), "succeeded")
	s.awaitRunning(node, c, before.State.StartedAt)
	s.answers(node, 8090, "good day")
	s.awaitJob(s.verb(c, "kill"), "succeeded")
	s.awaitPhase(c, "stopped")

	s.awaitJob(s.verb(c, "delete"), "succeeded")
	if left := s.inspect(node, c); len(left) != 0 {
		t.Errorf("after the delete the engine has %+v", left)
	}
	s.refused(http.StatusNotFound, http.MethodGet, "/containers/"+c.ID, nil)
	s.checkAudit(c, "container.create", "container.edit", "container.stop", "container.start", "container.restart", "container.kill", "container.delete")
}

// movesOtherwise changes what happens to a container when its node is lost:
// its next generation, and nothing that its node does anything about.
func (s scenario) movesOtherwise(node *Node, c container) {
	s.Helper()
	before := s.awaitRunning(node, c, "")
	var edited created
	s.call(http.MethodPatch, "/containers/"+c.ID, map[string]string{"group": "life"}, &edited)
	s.awaitJob(edited.Job, "succeeded")
	if after := s.awaitRunning(node, c, ""); after.State.StartedAt != before.State.StartedAt {
		s.Errorf("it was started anew at %s", after.State.StartedAt)
	}
}

// checkLimits compares the container that Docker has with what was asked for.
func (s scenario) checkLimits(node *Node, c container) {
	s.Helper()
	got := s.awaitRunning(node, c, "")
	h := got.HostConfig
	if h.Memory != 32<<20 || h.MemorySwap != h.Memory {
		s.Errorf("memory %d, with swap %d, want 32 MiB and no swap", h.Memory, h.MemorySwap)
	}
	if h.NanoCpus != 1e8 && h.CpuQuota != 10_000 {
		s.Errorf("cpu: %d nanocpus, quota %d, want a tenth of a core", h.NanoCpus, h.CpuQuota)
	}
	if h.PidsLimit != 512 {
		s.Errorf("%d processes, want 512", h.PidsLimit)
	}
	if h.RestartPolicy.Name != "no" {
		s.Errorf("restart policy %q, want no", h.RestartPolicy.Name)
	}
	if h.LogConfig.Config["max-size"] == "" || h.LogConfig.Config["max-file"] == "" {
		s.Errorf("the log is not rotated: %+v", h.LogConfig)
	}
	if !slices.ContainsFunc(h.SecurityOpt, func(o string) bool { return strings.HasPrefix(o, "no-new-privileges") }) {
		s.Errorf("security options %v lack no-new-privileges", h.SecurityOpt)
	}
	if !slices.ContainsFunc(h.CapDrop, func(name string) bool { return strings.HasSuffix(strings.ToUpper(name), "NET_RAW") }) {
		s.Errorf("dropped capabilities: %v", h.CapDrop)
	}
	for _, label := range []string{"lormas.container", "lormas.epoch", "lormas.generation", "lormas.controller"} {
		if got.Config.Labels[label] == "" {
			s.Errorf("label %s is missing in %v", label, got.Config.Labels)
		}
	}
}

// checkAudit wants an entry for each verb done to a container.
func (s scenario) checkAudit(c container, verbs ...string) {
	s.Helper()
	var log struct {
		Items []struct{ Verb, Outcome string }
	}
	s.call(http.MethodGet, "/audit?target="+c.ID, nil, &log)
	for _, verb := range verbs {
		if !slices.ContainsFunc(log.Items, func(e struct{ Verb, Outcome string }) bool { return e.Verb == verb && e.Outcome == "ok" }) {
			s.Errorf("the audit log of %s has no %s: %+v", c.Name, verb, log.Items)
		}
	}
}

func TestLogsAndStats(t *testing.T) {
	s := begin(t)
	made := s.create("talker", s.egg("talker", DemoImage, map[string]any{"ports": []any{map[string]any{"container": 8080}}}), nil, nil)
	c := s.awaitPhase(made.Container, "running")
	s.await("its log", func(ctx context.Context) (bool, string, error) {
		text, err := s.lab.API.Text(ctx, "/containers/"+c.ID+"/logs?tail=10")
		return strings.Contains(text, "listening"), text, err
	})
	var stats struct {
		MemoryBytes int64 `json:"memory_bytes"`
		MemoryLimit int64 `json:"memory_limit_bytes"`
	}
	s.call(http.MethodGet, "/containers/"+c.ID+"/stats", nil, &stats)
	if stats.MemoryBytes <= 0 || stats.MemoryLimit != 32<<20 {
		t.Errorf("stats: %+v", stats)
	}
	s.awaitJob(s.verb(c, "delete"), "succeeded")
}
