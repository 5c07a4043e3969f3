package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// eggFile writes an egg down.
func (s *site) eggFile(text string) string {
	s.t.Helper()
	name := filepath.Join(s.t.TempDir(), "egg.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

func (s *site) json(into any, args ...string) {
	s.t.Helper()
	out := s.ok(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		s.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestNodesAndClusters(t *testing.T) {
	s := signedIn(t)
	s.ok("cluster", "create", "home", "--node-profile", "fast", "--description", "under the stairs")
	s.ok("node", "create", "edge-1", "--cluster", "home", "--label", "rack=a", "--label", "disk=ssd")
	var node struct {
		Name    string
		Labels  map[string]string
		Cluster string `json:"cluster_id"`
	}
	s.ok("node", "edit", "edge-1", "--name", "edge-2", "--label", "rack=b", "--label", "disk=")
	s.json(&node, "node", "show", "edge-2")
	if len(node.Labels) != 1 || node.Labels["rack"] != "b" || node.Cluster == "" {
		t.Errorf("the node is %+v", node)
	}
	if out := s.ok("node", "list"); !strings.Contains(out, "edge-2") || !strings.Contains(out, "joining") {
		t.Errorf("the table:\n%s", out)
	}
	pools := func() string {
		var node struct {
			Pools []struct {
				IP          string
				First, Last int
			} `json:"portPools"`
		}
		s.json(&node, "node", "show", "edge-2")
		return fmt.Sprint(node.Pools)
	}
	s.ok("node", "edit", "edge-2", "--port-pool", "20000-20099", "--port-pool", "[fd00::5]:7000-7009")
	if got := pools(); got != "[{ 20000 20099} {fd00::5 7000 7009}]" {
		t.Errorf("the pools are %s", got)
	}
	s.ok("node", "edit", "edge-2", "--port-pool", "")
	if got := pools(); got != "[]" {
		t.Errorf("the pools are %s", got)
	}
	s.fails(2, "write it like 20000-29999", "node", "edit", "edge-2", "--port-pool", "20000")
	s.ok("node", "cordon", "edge-2", "--reason", "new disk")
	if out := s.ok("node", "show", "edge-2"); !strings.Contains(out, "cordonReason: new disk") {
		t.Errorf("not cordoned:\n%s", out)
	}
	s.ok("node", "uncordon", "edge-2")
	s.fails(5, "still has 1 nodes", "cluster", "delete", "home")
	s.fails(4, "there is no node", "node", "show", "edge-1")
	s.fails(2, "nothing is to be changed", "node", "edit", "edge-2")
	s.fails(2, "cannot be a name", "cluster", "create", "a b c")
	s.fails(5, "is taken", "cluster", "create", "home")
	s.ok("node", "edit", "edge-2", "--cluster", "")
	s.ok("cluster", "delete", "home")
	s.ok("node", "delete", "edge-2")
	s.fails(6, "Is the controller running", "node", "list", "--server", "http://127.0.0.1:1", "--token", "x")
}

func TestListsAreSortedAndSearched(t *testing.T) {
	s := signedIn(t)
	for _, name := range []string{"beta", "Alpha", "alphabet"} {
		s.ok("cluster", "create", name)
	}
	names := func(args ...string) string {
		var list []struct{ Name string }
		s.json(&list, append([]string{"cluster", "list"}, args...)...)
		text := ""
		for _, c := range list {
			text += c.Name + " "
		}
		return text
	}
	for want, args := range map[string][]string{
		"Alpha alphabet beta ": {"--sort", "name"},
		"beta alphabet Alpha ": {"--sort=-name"},
		"beta Alpha alphabet ": {"--sort", "createdAt"},
		"Alpha alphabet ":      {"--search", "ALPHA", "--sort", "name"},
		"alphabet ":            {"-q", "bet", "--sort", "name", "--limit", "1"},
		"":                     {"--query", "%"},
	} {
		if got := names(args...); got != want {
			t.Errorf("%v lists %q, want %q", args, got, want)
		}
	}
	s.fails(2, "name, createdAt", "cluster", "list", "--sort", "nonsense")
	if out := s.ok("cluster", "show", "Alpha"); !strings.Contains(out, "name: Alpha\n") { // and not one whose name begins so
		t.Errorf("Alpha is\n%s", out)
	}
}

func TestEggsRoundTripAsYAML(t *testing.T) {
	s := signedIn(t)
	file := s.eggFile("author: me\nimages: [{name: one, image: 'lormas/demo:1'}]\nvariables:\n- {name: Port, env: PORT, default: '80', rules: [required]}\n")
	s.ok("egg", "create", "Web", "-f", file)
	shown := s.ok("egg", "show", "Web", "-o", "yaml")
	s.ok("egg", "edit", "Web", "-f", s.eggFile(shown+"\n"))
	again := s.ok("egg", "show", "Web", "-o", "yaml")
	var before, after map[string]any
	if err := yaml.Unmarshal([]byte(shown), &before); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(again), &after); err != nil {
		t.Fatal(err)
	}
	if before["generation"] == after["generation"] || len(before) != len(after) {
		t.Errorf("before\n%s\nafter\n%s", shown, again)
	}
	s.fails(2, "images", "egg", "create", "Empty", "-f", s.eggFile("author: me\n"))
	s.fails(1, "neither JSON nor YAML", "egg", "create", "Bad", "-f", s.eggFile("{"))
	s.fails(1, "no such file", "egg", "create", "Bad", "-f", "/does/not/exist")
	s.ok("egg", "delete", "Web")
	if out := s.ok("egg", "list", "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("no eggs are %s", out)
	}
}

func TestAudit(t *testing.T) {
	s := signedIn(t)
	s.ok("cluster", "create", "home")
	if out := s.ok("audit", "--verb", "cluster.create", "--since", "1h"); !strings.Contains(out, "admin@lormas.local") || !strings.Contains(out, "home") {
		t.Errorf("the trail:\n%s", out)
	}
	if out := s.ok("audit", "--verb", "cluster.create", "--until", "1h", "-o", "id"); out != "" {
		t.Errorf("an hour ago there was:\n%s", out)
	}
	s.fails(2, "--since", "audit", "--since", "yesterday")
	s.ok("cluster", "edit", "home", "--description", "in the attic")
	out := s.ok("audit", "export", "--verb", "cluster.*", "-q", "HOM", "--target-kind", "cluster")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var newest struct {
		Verb          string
		Before, After map[string]any
	}
	if err := json.Unmarshal([]byte(lines[0]), &newest); err != nil || len(lines) != 2 {
		t.Fatalf("%v in the export:\n%s", err, out)
	}
	if newest.Verb != "cluster.edit" || newest.Before["description"] != "" || newest.After["description"] != "in the attic" || len(newest.After) != 1 {
		t.Errorf("the edit is %+v", newest)
	}
	if out := s.ok("audit", "export", "--address", "192.0.2.1"); out != "" {
		t.Errorf("from elsewhere came:\n%s", out)
	}
	s.fails(2, "verb", "audit", "export", "--verb", "%")
}
