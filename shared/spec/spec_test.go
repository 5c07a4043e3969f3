package spec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/shared/spec"
)

func TestParseBytes(t *testing.T) {
	for in, want := range map[string]spec.Bytes{
		"512m": 512 * spec.MiB, "10g": 10 * spec.GiB, "1.5GiB": 1536 * spec.MiB, "0": 0,
		"1048576": spec.MiB, "2 KB": 2 * spec.KiB, "1T": spec.TiB, "7b": 7,
	} {
		if got, err := spec.ParseBytes(in); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "m", "x", "-1m", "1e400", "NaN", "1gg", "1mk", "512 megabytes", "9999999t"} {
		if got, err := spec.ParseBytes(bad); err == nil {
			t.Errorf("%q was read as %d", bad, got)
		}
	}
}

func TestQuantitiesComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := spec.Resources{
			CPU:    spec.CPU(rapid.Int64Range(0, 1_000_000).Draw(t, "cpu")),
			Memory: spec.Bytes(rapid.Int64Range(0, 1<<50).Draw(t, "memory")),
			Disk:   spec.Bytes(rapid.Int64Range(0, 1<<50).Draw(t, "disk")),
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got spec.Resources
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s came back as %+v, %v", text, got, err)
		}
	})
}

func example() spec.Container {
	return spec.Container{
		Name: "web", Image: "lormas/demo:1", Env: map[string]string{"PORT": "80", "A": "b"},
		Resources: spec.Resources{CPU: 500, Memory: 64 * spec.MiB, Disk: spec.GiB},
		Ports:     []spec.Port{{Host: 8080, Container: 80, Protocol: "tcp"}},
		Volumes:   []spec.Volume{{Host: "/data", Container: "/app/data"}},
	}
}

// The hash is what an agent compares after an upgrade: it may never drift.
func TestHashIsPinned(t *testing.T) {
	const want = "73a0a421fb5cc9a3736da8bb5a2d7e6571479c54b93db70caf30b3fbed3ee031"
	if got := example().Hash(); got != want {
		t.Errorf("hash of the example is %s, want %s: every container in the field would be recreated", got, want)
	}
}

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*spec.Container)
		want spec.Change
	}{
		"nothing":   {func(*spec.Container) {}, spec.Same},
		"memory":    {func(c *spec.Container) { c.Resources.Memory *= 2 }, spec.Update},
		"pids":      {func(c *spec.Container) { c.Pids = 9 }, spec.Update},
		"stop":      {func(c *spec.Container) { c.Stop.Signal = "SIGINT" }, spec.Update},
		"image":     {func(c *spec.Container) { c.Image = "lormas/demo:2" }, spec.Recreate},
		"env":       {func(c *spec.Container) { c.Env["A"] = "c" }, spec.Recreate},
		"port":      {func(c *spec.Container) { c.Ports[0].Host++ }, spec.Recreate},
		"many":      {func(c *spec.Container) { c.Resources.CPU++; c.TTY = true }, spec.Recreate},
		"container": {func(c *spec.Container) { c.Volumes[0].ReadOnly = true }, spec.Recreate},
	} {
		from := example()
		to := from.Clone()
		c.edit(&to)
		if got := spec.Diff(from, to); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if cmp.Diff(from, example()) != "" {
			t.Errorf("%s: editing a clone changed the original", name)
		}
	}
}

func TestASpecFitsIntoAMessage(t *testing.T) {
	large := example()
	large.Env["LARGE"] = strings.Repeat("x", spec.MaxSize)
	faults := large.Validate()
	if len(faults) != 1 || faults[0].Field != "environment" {
		t.Errorf("a spec that is too large has the faults %v", faults)
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	if faults := example().Validate(); faults != nil {
		t.Fatalf("a good spec was refused: %v", faults)
	}
	bad := spec.Container{
		Name: "../x", Image: "UPPER case", Env: map[string]string{"A=B": ""},
		Resources: spec.Resources{CPU: 1, Memory: 1, Disk: -1},
		Ports: []spec.Port{
			{Host: 70000, Container: 0, Protocol: "sctp", IP: "nowhere"},
			{Host: 80, Container: 1, Protocol: "tcp"}, {Host: 80, Container: 2, Protocol: "tcp"},
		},
		Volumes: []spec.Volume{{Host: "/a/../etc", Container: "rel"}, {Host: "a b", Container: "/x"}, {Host: "ok", Container: "/x"}},
		Stop:    spec.Stop{Signal: "TERM"},
	}
	var got []string
	for _, f := range bad.Validate() {
		got = append(got, f.Field)
	}
	want := []string{
		"name", "image", "resources.cpu", "resources.memory", "resources.disk", "environment.A=B", "stop.signal",
		"ports[0].host", "ports[0].container", "ports[0].protocol", "ports[0].ip", "ports[2].host",
		"volumes[0].host", "volumes[0].container", "volumes[1].host", "volumes[2].container",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
