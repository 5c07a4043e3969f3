package egg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/shared/spec"
)

// paper is an egg with something of everything.
func paper() Egg {
	return Egg{
		Name:    "Minecraft: Paper",
		Images:  []Image{{Name: "Java 21", Image: "java:21"}, {Name: "Java 17", Image: "java:17"}},
		Startup: "java -jar {{JAR}}",
		Command: []string{"run"},
		TTY:     true,
		Stop:    "stop",
		Done:    []string{")! For help, type "},
		Ports:   []Port{{Container: 25565}, {Container: 19132, Protocol: "udp"}},
		Volumes: []Volume{{Name: "world", Container: "/world"}, {Name: "logs", Container: "/logs"}},
		Variables: []Variable{
			{Name: "Server jar", Env: "JAR", Default: "server.jar", Rules: []string{"required", "ends_with:.jar"}},
			{Name: "Licence", Env: "LICENCE", Rules: []string{"required"}},
			{Name: "Players", Env: "maxplayers", Default: "20", Rules: []string{"integer"}},
			{Name: "Host name", Env: "HOSTNAME", Default: "mc"}, // reserved elsewhere, kept here
		},
	}
}

func choice() Choice {
	return Choice{Name: "survival", Environment: map[string]string{"LICENCE": "yes"},
		Resources: spec.Resources{CPU: 1000, Memory: spec.GiB, Disk: spec.GiB}}
}

func TestRender(t *testing.T) {
	c := choice()
	c.Environment["EXTRA"] = "1"
	c.Volumes = []spec.Volume{{Host: "/srv/logs", Container: "/logs"}, {Host: "plugins", Container: "/plugins"}}
	got, faults := Render(paper(), c)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := spec.Container{
		Name: "survival", Image: "java:21", Command: []string{"run"}, TTY: true,
		Env: map[string]string{
			"JAR": "server.jar", "LICENCE": "yes", "maxplayers": "20", "MAXPLAYERS": "20", "HOSTNAME": "mc",
			"EXTRA": "1", "STARTUP": "java -jar {{JAR}}",
		},
		Resources: c.Resources,
		Ports:     []spec.Port{{Container: 25565, Protocol: "tcp"}, {Container: 19132, Protocol: "udp"}},
		Volumes: []spec.Volume{
			{Host: "/srv/logs", Container: "/logs"}, {Host: "plugins", Container: "/plugins"}, {Host: "world", Container: "/world"},
		},
		Stop: spec.Stop{Console: "stop", Grace: 60},
		Done: []string{")! For help, type "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRenderTakesTheChoice(t *testing.T) {
	for name, test := range map[string]struct {
		choose func(*Choice)
		check  func(spec.Container) bool
	}{
		"image by name":       {func(c *Choice) { c.Image = "Java 17" }, func(s spec.Container) bool { return s.Image == "java:17" }},
		"image by reference":  {func(c *Choice) { c.Image = "java:17" }, func(s spec.Container) bool { return s.Image == "java:17" }},
		"no ports at all":     {func(c *Choice) { c.Ports = []spec.Port{} }, func(s spec.Container) bool { return len(s.Ports) == 0 }},
		"ports of one's own":  {func(c *Choice) { c.Ports = []spec.Port{{Container: 80}} }, func(s spec.Container) bool { return s.Ports[0].Protocol == "tcp" && len(s.Ports) == 1 }},
		"ha":                  {func(c *Choice) { c.HA = true }, func(s spec.Container) bool { return s.HA }},
		"a lower-case name":   {func(c *Choice) { c.Environment["maxplayers"] = "5" }, func(s spec.Container) bool { return s.Env["MAXPLAYERS"] == "5" }},
		"both names given":    {func(c *Choice) { c.Environment["MAXPLAYERS"] = "7" }, func(s spec.Container) bool { return s.Env["MAXPLAYERS"] == "7" && s.Env["maxplayers"] == "20" }},
		"a value for default": {func(c *Choice) { c.Environment["HOSTNAME"] = "" }, func(s spec.Container) bool { return s.Env["HOSTNAME"] == "" }},
	} {
		t.Run(name, func(t *testing.T) {
			c := choice()
			test.choose(&c)
			got, faults := Render(paper(), c)
			if len(faults) > 0 || !test.check(got) {
				t.Errorf("%v: %+v", faults, got)
			}
		})
	}
}

func TestRenderFindsEveryFault(t *testing.T) {
	c := choice()
	c.Name, c.Image = "no spaces please", "Java 8"
	c.Environment = map[string]string{"JAR": "server.zip", "maxplayers": "many", "STARTUP": "rm -rf /", "BAD NAME": "x", "NUL": "a\x00b"}
	c.Resources = spec.Resources{CPU: 1, Memory: 1, Disk: -1}
	c.Ports = []spec.Port{{Container: 0}, {Host: 70000, Container: 1, Protocol: "sctp"}}
	c.Volumes = []spec.Volume{{Host: "../etc", Container: "etc"}}
	_, faults := Render(paper(), c)
	want := []string{
		"image", "environment.JAR", "environment.LICENCE", "environment.STARTUP", "environment.maxplayers",
		"name", "resources.cpu", "resources.memory", "resources.disk", "environment.BAD NAME", "environment.NUL",
		"ports[0].container", "ports[1].host", "ports[1].protocol", "volumes[0].host", "volumes[0].container",
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.Field)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if faults[0].Message != `the egg has no image "Java 8": choose one of Java 21, Java 17` {
		t.Error(faults[0].Message)
	}
}

func TestGivenUndoesEnvironment(t *testing.T) {
	e := paper()
	given := map[string]string{"LICENCE": "yes", "maxplayers": "5", "EXTRA": "1"}
	env, faults := e.Environment(given)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if diff := cmp.Diff(given, e.Given(env)); diff != "" {
		t.Error(diff)
	}
}

// EGG_SPEC §4.5.
func TestStopAsPterodactylWritesIt(t *testing.T) {
	for text, want := range map[string]spec.Stop{
		"":         {},
		"stop":     {Console: "stop", Grace: 60},
		"^C":       {Signal: "SIGINT", Grace: 60},
		"^c":       {Signal: "SIGINT", Grace: 60},
		"^SIGTERM": {Signal: "SIGTERM", Grace: 60},
		"^SIGABRT": {Signal: "SIGABRT", Grace: 60},
		"^^C":      {Signal: "SIGKILL"},
		"^X":       {Signal: "SIGKILL"},
		"^":        {Signal: "SIGKILL"},
	} {
		if got := stopOf(text); got != want {
			t.Errorf("%q stops with %+v, want %+v", text, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	if faults := paper().Validate(); len(faults) > 0 {
		t.Fatalf("a good egg is refused: %v", faults)
	}
	for name, test := range map[string]struct {
		spoil func(*Egg)
		field string
	}{
		"no name":               {func(e *Egg) { e.Name = "" }, "name"},
		"space before the name": {func(e *Egg) { e.Name = " x" }, "name"},
		"line break in a name":  {func(e *Egg) { e.Name = "a\nb" }, "name"},
		"no image":              {func(e *Egg) { e.Images = nil }, "images"},
		"image without a name":  {func(e *Egg) { e.Images[1].Name = "" }, "images[1].name"},
		"image name twice":      {func(e *Egg) { e.Images[1].Name = "Java 21" }, "images[1].name"},
		"no image reference":    {func(e *Egg) { e.Images[0].Image = "Not An Image" }, "images[0].image"},
		"NUL in the startup":    {func(e *Egg) { e.Startup = "a\x00" }, "startup"},
		"NUL in the command":    {func(e *Egg) { e.Command = []string{"\x00"} }, "command[0]"},
		"no health check":       {func(e *Egg) { e.Health = &spec.Health{Interval: 1} }, "health.test"},
		"rare health check":     {func(e *Egg) { e.Health = &spec.Health{Test: []string{"true"}, Interval: 3601} }, "health.interval_seconds"},
		"broken done pattern":   {func(e *Egg) { e.Done = []string{"regex:("} }, "done[0]"},
		"port":                  {func(e *Egg) { e.Ports[0].Container = 65536 }, "ports[0].container"},
		"protocol":              {func(e *Egg) { e.Ports[1].Protocol = "sctp" }, "ports[1].protocol"},
		"volume name":           {func(e *Egg) { e.Volumes[0].Name = "/etc" }, "volumes[0].name"},
		"volume place":          {func(e *Egg) { e.Volumes[0].Container = "/a/../b" }, "volumes[0].container"},
		"volume place twice":    {func(e *Egg) { e.Volumes[1].Container = "/world" }, "volumes[1].container"},
		"variable name":         {func(e *Egg) { e.Variables[0].Env = "A-B" }, "variables[0].env"},
		"variable twice":        {func(e *Egg) { e.Variables[1].Env = "JAR" }, "variables[1].env"},
		"unknown rule":          {func(e *Egg) { e.Variables[2].Rules = []string{"integer", "huge"} }, "variables[2].rules[1]"},
		"too many variables":    {func(e *Egg) { e.Variables = make([]Variable, maxVariables+1) }, "variables"},
		"endless description":   {func(e *Egg) { e.Description = string(make([]byte, maxText+1)) }, "description"},
	} {
		t.Run(name, func(t *testing.T) {
			e := paper()
			test.spoil(&e)
			faults := e.Validate()
			if len(faults) != 1 || faults[0].Field != test.field {
				t.Errorf("faults are %v, want one about %s", faults, test.field)
			}
		})
	}
}

func TestStartCommandsAreChosenByName(t *testing.T) {
	e := Egg{
		Name: "game", Images: []Image{{Name: "one", Image: "game:1"}}, Startup: "./run",
		Startups:  []Startup{{Name: "Default", Command: "./run"}, {Name: "With cheats", Command: "./run --cheats"}},
		Variables: []Variable{{Env: "MAP", Default: "island", Viewable: true, Editable: true}, {Env: "KEY", Viewable: true}},
	}
	choice := Choice{Name: "x", Startup: "With cheats", Resources: spec.Resources{CPU: 100, Memory: 64 * spec.MiB}}
	s, faults := Render(e, choice)
	if len(faults) > 0 || s.Env["STARTUP"] != "./run --cheats" {
		t.Errorf("chosen: %q, %v", s.Env["STARTUP"], faults)
	}
	// It stays when something else is changed, and can be changed back.
	given := e.Given(s.Env)
	given["MAP"] = "desert"
	if env, faults := e.Environment(given); len(faults) > 0 || env["STARTUP"] != "./run --cheats" || env["MAP"] != "desert" {
		t.Errorf("after an edit: %v, %v", env, faults)
	}
	back, faults := e.PickStartup("Default", given)
	if env, more := e.Environment(back); len(faults)+len(more) > 0 || env["STARTUP"] != "./run" {
		t.Errorf("changed back: %v", env)
	}
	choice.Startup = "With mods"
	if _, faults = Render(e, choice); len(faults) != 1 || faults[0].Field != "startup" || !strings.Contains(faults[0].Message, "With cheats") {
		t.Errorf("one that is not there: %v", faults)
	}
	if _, faults := e.Environment(map[string]string{"STARTUP": "rm -rf /"}); len(faults) != 1 || faults[0].Field != "environment.STARTUP" {
		t.Errorf("a command of one's own: %v", faults)
	}
	if !e.Locked("KEY") || e.Locked("MAP") || e.Locked("OTHER") {
		t.Error("who may change what is mixed up")
	}
}
