package egg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/shared/spec"
)

// small is an egg with nothing odd, to be spoilt.
const small = `{
  "meta": {"version": "PTDL_v2", "update_url": null},
  "name": "Small",
  "docker_images": {"Two": "img:2", "One": "img:1"},
  "startup": "./run {{PORT}}",
  "config": {
    "files": "{\r\n \"/a.properties\": {\"parser\": \"properties\", \"find\": {\"b\": \"{{server.build.default.port}}\", \"a\": true, \"c\": 7}}}",
    "startup": "{\"done\": \"ready\"}",
    "logs": "[]",
    "stop": "^C"
  },
  "scripts": {"installation": {"script": "#!/bin/ash\r\necho hi\r\n", "container": "alpine:3", "entrypoint": "ash"}},
  "variables": [{"name": "Port", "description": "", "env_variable": "PORT", "default_value": "80", "user_viewable": 1, "user_editable": "0", "rules": "required|regex:/^(a|b)$/|"}]
}`

func imported(t *testing.T, text string) (Egg, []Diagnostic) {
	t.Helper()
	e, warnings, faults := Import([]byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return e, warnings
}

func spoilt(t *testing.T, old, new string) string {
	t.Helper()
	if !strings.Contains(small, old) {
		t.Fatalf("there is no %s", old)
	}
	return strings.Replace(small, old, new, 1)
}

func TestImport(t *testing.T) {
	got, warnings := imported(t, small)
	want := Egg{
		Name: "Small", Images: []Image{{"Two", "img:2"}, {"One", "img:1"}}, Startup: "./run {{PORT}}",
		TTY: true, ReadOnly: true, Wings: true, Stop: "^C", Done: []string{"ready"},
		Files: []spec.File{{Path: "a.properties", Parser: "properties", Set: []spec.Setting{
			{Key: "b", Value: "{{server.build.default.port}}"}, {Key: "a", Value: "true", Kind: "bool"}, {Key: "c", Value: "7", Kind: "int"},
		}}},
		Install:   &spec.Install{Image: "alpine:3", Entrypoint: "ash", Script: "#!/bin/ash\necho hi\n"},
		Volumes:   []Volume{{Name: "home", Container: "/home/container"}},
		Variables: []Variable{{Name: "Port", Env: "PORT", Default: "80", Viewable: true, Rules: []string{"required", "regex:/^(a|b)$/"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(warnings) > 0 {
		t.Error(diff, warnings)
	}
}

// The cases are numbered as in EGG_SPEC §6.
func TestHardCases(t *testing.T) {
	const images = `"docker_images": {"Two": "img:2", "One": "img:1"},`
	for name, test := range map[string]struct {
		text  string
		check func(Egg, []Diagnostic) bool
	}{
		"1 docker_images is a list": {spoilt(t, images, `"docker_images": ["b:1", "a:1"],`),
			func(e Egg, _ []Diagnostic) bool { return e.Images[0] == Image{"b:1", "b:1"} && len(e.Images) == 2 }},
		"2 images under PTDL_v2": {spoilt(t, images, `"images": ["b:1", "a:1"],`),
			func(e Egg, _ []Diagnostic) bool { return e.Images[0].Image == "b:1" && len(e.Images) == 2 }},
		"3 docker_images under PTDL_v1": {strings.Replace(small, "PTDL_v2", "PTDL_v1", 1),
			func(e Egg, _ []Diagnostic) bool { return e.Images[0].Image == "img:2" }},
		"image of PTDL_v1": {spoilt(t, images, `"image": "one:1",`),
			func(e Egg, _ []Diagnostic) bool { return e.Images[0].Image == "one:1" && e.Icon == "" }},
		"4 no variables": {small[:strings.Index(small, `  "variables"`)] + `"x": 1}`,
			func(e Egg, _ []Diagnostic) bool { return e.Variables == nil }},
		"5 config is null": {spoilt(t, `"stop": "^C"`, `"stop": null, "files": null, "startup": null, "logs": null`),
			func(e Egg, w []Diagnostic) bool {
				return e.Stop == "" && e.Done == nil && e.Files == nil && len(w) == 1
			}},
		"6 YAML in a text of a YAML egg": {"meta: {version: PTDL_v1}\nname: Y\nimage: a:1\nstartup: null\nconfig:\n  files: |\n    x.yml:\n      parser: yml\n      find: {a: 010, b: yes}\n  startup: 'done: Ready'\nvariables:\n- {name: V, env_variable: V, default_value: 1.10, user_viewable: 1, user_editable: 0}\n- {name: W, env_variable: W, default_value: 0755}\n- {name: X, env_variable: X, default_value: true}\n",
			func(e Egg, _ []Diagnostic) bool {
				v := e.Variables
				return e.Files[0].Parser == "yaml" && e.Files[0].Set[0].Value == "010" && e.Done[0] == "Ready" && e.Startup == "" &&
					v[0].Default == "1.10" && v[0].Viewable && !v[0].Editable && v[1].Default == "0755" && v[2].Default == "true"
			}},
		"7 files are not JSON": {spoilt(t, `"{\r\n \"/a.properties\"`, `"{\r\n \"/a.properties`),
			func(e Egg, w []Diagnostic) bool {
				return e.Files == nil && len(w) == 1 && w[0].Line == 7 && w[0].Field == "config.files"
			}},
		"8 rules is {}": {spoilt(t, `"required|regex:/^(a|b)$/|"`, `{}`),
			func(e Egg, _ []Diagnostic) bool { return e.Variables[0].Rules == nil }},
		"9 variables, features and tags are {}": {"meta: {version: PLCN_v3}\nname: Y\ntags: {  }\nfeatures: {  }\nfile_denylist: ['', a]\ndocker_images: {a: 'a:1'}\nstartup_commands: {Default: go}\nconfig: {startup: {done: x}}\nvariables: {  }\n",
			func(e Egg, w []Diagnostic) bool {
				return e.Variables == nil && e.Startup == "go" && e.Startups == nil && len(e.Denylist) == 1 && len(w) == 0
			}},
		"10 image is an icon, and is not what it says": {spoilt(t, `"name": "Small",`, `"name": "Small", "image": "data:image/png;base64,UklGRgAAAABXRUJQAA==",`),
			func(e Egg, _ []Diagnostic) bool { return strings.HasPrefix(e.Icon, "data:image/webp;base64,") }},
		"11 keys that come twice": {spoilt(t, `"name": "Port",`, `"name": "A", "name": "B",`),
			func(e Egg, _ []Diagnostic) bool { return e.Variables[0].Name == "B" }},
		"11 variables that come twice": {spoilt(t, `"variables": [`, `"variables": [{"name": "First", "env_variable": "PORT"},`),
			func(e Egg, w []Diagnostic) bool {
				return len(e.Variables) == 1 && e.Variables[0].Name == "Port" && len(w) == 1
			}},
		"12 reserved names are kept": {spoilt(t, `"PORT"`, `"hostname"`),
			func(e Egg, w []Diagnostic) bool { return e.Variables[0].Env == "hostname" && len(w) == 0 }},
		"13 conditions": {spoilt(t, `\"a\": true`, `\"servers.*.address\": {\"regex:^x$\": \"{{config.docker.interface}}$2\"}`),
			func(e Egg, _ []Diagnostic) bool {
				return e.Files[0].Set[1] == spec.Setting{Key: "servers.*.address", If: "regex:^x$", Value: "{{config.docker.interface}}$2"}
			}},
		"14 escape codes in the done text": {spoilt(t, `\"ready\"`, `[\"\\u001b[32mready\", \"\"]`),
			func(e Egg, _ []Diagnostic) bool { return e.Done[0] == "\x1b[32mready" && len(e.Done) == 2 }},
		"15 shell functions, jobs and a trap in the start command": {spoilt(t, `"./run {{PORT}}"`, `"f() { rcon -p {{PORT}}; }; trap 'f; wait' INT; ./ark & tail -f log & wait $!"`),
			func(e Egg, w []Diagnostic) bool {
				return e.Startup == "f() { rcon -p {{PORT}}; }; trap 'f; wait' INT; ./ark & tail -f log & wait $!" && e.Stop == "^C" && len(w) == 0
			}},
		"17 true, a number, and numbers out of text variables": {spoilt(t, `\"c\": 7`, `\"c\": 7, \"d\": \"{{server.build.env.PORT}}\"`),
			func(e Egg, _ []Diagnostic) bool {
				set := e.Files[0].Set
				return set[1].Kind == "bool" && set[2].Kind == "int" && set[3] == spec.Setting{Key: "d", Value: "{{server.build.env.PORT}}"}
			}},
		"19 substitutions and backticks in the start command": {spoilt(t, `"./run {{PORT}}"`, "\"java $([[ -f x ]] && printf %s \\\"`cat x`\\\") -jar {{PORT}}\""),
			func(e Egg, w []Diagnostic) bool {
				return e.Startup == "java $([[ -f x ]] && printf %s \"`cat x`\") -jar {{PORT}}" && len(w) == 0
			}},
		"16 stop is {} as a text": {spoilt(t, `"^C"`, `"{}"`), func(e Egg, _ []Diagnostic) bool { return e.Stop == "{}" }},
		"18 line breaks in a value": {spoilt(t, `{{server.build.default.port}}`, `a\\nb`),
			func(e Egg, _ []Diagnostic) bool { return e.Files[0].Set[0].Value == "a\nb" }},
		"20 several start commands": {spoilt(t, `"startup": "./run {{PORT}}"`, `"startup_commands": {"Z": "z", "A": "a"}`),
			func(e Egg, _ []Diagnostic) bool {
				return e.Startup == "z" && len(e.Startups) == 2 && e.Startups[1] == Startup{"A", "a"}
			}},
		"20 a default against its rules, and unknown rules": {spoilt(t, `"required|`, `"unheard_of|`),
			func(e Egg, w []Diagnostic) bool { return len(w) == 1 && w[0].Field == "variables[0].rules" }},
		"a byte order mark": {"\xef\xbb\xbf" + small, func(e Egg, _ []Diagnostic) bool { return e.Name == "Small" }},
		"order by sort": {spoilt(t, `"variables": [{`, `"variables": [{"env_variable": "A"}, {"env_variable": "B", "sort": 2}, {"sort": 1, `),
			func(e Egg, _ []Diagnostic) bool {
				return e.Variables[0].Env == "PORT" && e.Variables[1].Env == "B" && e.Variables[2].Env == "A"
			}},
	} {
		t.Run(name, func(t *testing.T) {
			if e, warnings := imported(t, test.text); !test.check(e, warnings) {
				t.Errorf("%+v %v", e, warnings)
			}
		})
	}
}

func TestWhatIsNoEggIsRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for _, level := range "bcdefghi" {
		bomb += string(level) + ": &" + string(level) + " [" + strings.Repeat("*"+string(level-1)+",", 10) + "]\n"
	}
	for name, test := range map[string]struct {
		text string
		line int
	}{
		"nothing":           {"", 1},
		"no object":         {"[]", 1},
		"unknown version":   {spoilt(t, "PTDL_v2", "PTDL_v9"), 2},
		"no name":           {spoilt(t, `"Small"`, `""`), 3},
		"no image":          {spoilt(t, `{"Two": "img:2", "One": "img:1"}`, "null"), 4},
		"not an image":      {spoilt(t, "img:1", "no image"), 4},
		"not a variable":    {spoilt(t, `"PORT"`, `"A-B"`), 13},
		"cut off":           {small[:len(small)-1], 14},
		"something after":   {small + "x", 14},
		"a missing comma":   {spoilt(t, `"startup": "./run {{PORT}}",`, `"startup": "./run {{PORT}}"`), 6},
		"YAML":              {"meta: {version: PTDL_v2}\nname: [\nx: }", 2},
		"too deep":          {strings.Repeat(`{"a":`, 100), 1},
		"too long":          {strings.Repeat(" ", MaxFile+1), 1},
		"aliases to no end": {bomb, 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, faults := Import([]byte(test.text))
			if len(faults) == 0 || faults[0].Line != test.line || faults[0].Message == "" {
				t.Errorf("refused with %v, want line %d", faults, test.line)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("meta: {version: PLCN_v3}\nname: Y\nimages: &a [a]\nx: *a\n"))
	f.Add([]byte("a: |\n  b\n\t- c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, _, faults := Import(data)
		if (len(faults) == 0) != (e.Name != "") {
			t.Fatalf("neither an egg nor a fault, or both: %q %v", e.Name, faults)
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Message == "" {
				t.Fatalf("a fault without its place: %+v", fault)
			}
		}
	})
}
