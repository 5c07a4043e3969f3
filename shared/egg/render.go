package egg

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lormas/lormas/shared/spec"
)

// Choice is what whoever creates a container decides; the egg decides the
// rest.
type Choice struct {
	Name        string
	Image       string            // a name among the egg's images; "": the first
	Startup     string            // a name among its start commands; "": the first
	Environment map[string]string // values of variables, and whatever else the program reads
	Resources   spec.Resources
	Ports       []spec.Port   // nil: the egg's, on host ports that are chosen
	Volumes     []spec.Volume // beside the egg's; one at the same place replaces it
	HA          bool
}

// Render makes the spec of a container, or says what is wrong with the
// choice. The spec may still have host ports 0, to be chosen by whoever
// places it.
func Render(e Egg, c Choice) (spec.Container, []spec.Fault) {
	image, imageFaults := e.PickImage(c.Image)
	given, startupFaults := e.PickStartup(c.Startup, c.Environment)
	env, envFaults := e.Environment(given)
	s := spec.Container{
		Name: c.Name, Image: image, Command: slices.Clone(e.Command), User: e.User, Env: env,
		Resources: c.Resources, Ports: e.ports(c.Ports), Volumes: e.volumes(c.Volumes),
		HA: c.HA, TTY: e.TTY, ReadOnly: e.ReadOnly, Stop: stopOf(e.Stop), Done: slices.Clone(e.Done), StripANSI: e.StripANSI,
		Wings: e.Wings, Files: e.Files, Install: e.Install, Health: e.Health,
	}.Clone()
	if len(imageFaults) > 0 {
		s.Image = "unknown" // one fault about the image is enough
	}
	return s, slices.Concat(imageFaults, startupFaults, envFaults, s.Validate())
}

// PickImage resolves the name of an image. Only images of the egg can be
// chosen: the egg's author answers for what runs.
func (e Egg) PickImage(name string) (string, []spec.Fault) {
	if name == "" && len(e.Images) > 0 {
		return e.Images[0].Image, nil
	}
	names := make([]string, 0, len(e.Images))
	for _, image := range e.Images {
		if image.Name == name || image.Image == name {
			return image.Image, nil
		}
		names = append(names, image.Name)
	}
	return "", []spec.Fault{{Field: "image", Message: fmt.Sprintf("the egg has no image %.80q: choose one of %s", name, strings.Join(names, ", "))}}
}

// startupEnv carries the egg's start command to the image's entry point.
const startupEnv = "STARTUP"

// Environment is all that a container of the egg finds in its environment:
// every variable with the given value or its default, the start command, and
// the given values that belong to no variable. Variables under names that
// other panels reserve are kept: eggs in use have them.
func (e Egg) Environment(given map[string]string) (map[string]string, []spec.Fault) {
	var f faults
	env := map[string]string{}
	for _, v := range e.Variables {
		value, set := given[v.Env]
		if !set {
			value = v.Default
		}
		if complaint := v.check(value); complaint != "" {
			f.add("environment."+v.Env, "%s: %s", v.title(), complaint)
		}
		env[v.Env] = value
	}
	command, set := given[startupEnv]
	if e.Startup != "" && set && !e.starts(command) {
		f.add("environment."+startupEnv, "the egg sets the start command itself: choose one of its own with startup, or edit the egg")
	}
	maps.Copy(env, given)
	e.raiseNames(env)
	if e.Startup != "" && !set {
		env[startupEnv] = e.Startup
	}
	slices.SortFunc(f, func(a, b spec.Fault) int { return strings.Compare(a.Field, b.Field) })
	return env, f
}

// PickStartup puts the start command of a name into what is given for the
// environment, which is not changed itself. Without a name it stays as it was.
func (e Egg) PickStartup(name string, given map[string]string) (map[string]string, []spec.Fault) {
	if name == "" {
		return given, nil
	}
	names := make([]string, 0, len(e.Startups))
	for _, s := range e.Startups {
		if s.Name == name {
			given = maps.Clone(given)
			if given == nil {
				given = map[string]string{}
			}
			given[startupEnv] = s.Command
			return given, nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return given, []spec.Fault{{Field: "startup", Message: "the egg has one start command only: leave startup out"}}
	}
	return given, []spec.Fault{{Field: "startup", Message: fmt.Sprintf("the egg has no start command %.80q: choose one of %s", name, strings.Join(names, ", "))}}
}

// starts reports whether a text is one of the egg's start commands.
func (e Egg) starts(command string) bool {
	return command == e.Startup || slices.ContainsFunc(e.Startups, func(s Startup) bool { return s.Command == command })
}

// raiseNames adds the upper-case form of variables that are not: Wings hands
// only that one over, start commands use the other.
func (e Egg) raiseNames(env map[string]string) {
	for _, v := range e.Variables {
		upper := strings.ToUpper(v.Env)
		if _, used := env[upper]; !used {
			env[upper] = env[v.Env]
		}
	}
}

// Hidden are the names in Environment that people are not shown.
func (e Egg) Hidden() []string {
	var names []string
	for _, v := range e.Variables {
		if v.Viewable {
			continue
		}
		names = append(names, v.Env)
		if upper := strings.ToUpper(v.Env); upper != v.Env && !e.hasVariable(upper) {
			names = append(names, upper)
		}
	}
	return names
}

// Given is what somebody must have given to get an environment of the egg:
// Environment undone. Values that are still the default count as not given.
func (e Egg) Given(env map[string]string) map[string]string {
	given := maps.Clone(env)
	if e.Startup != "" && (given[startupEnv] == e.Startup || !e.starts(given[startupEnv])) {
		delete(given, startupEnv)
	}
	for _, v := range e.Variables {
		if upper := strings.ToUpper(v.Env); upper != v.Env && !e.hasVariable(upper) && env[upper] == env[v.Env] {
			delete(given, upper)
		}
		if env[v.Env] == v.Default {
			delete(given, v.Env)
		}
	}
	return given
}

func (e Egg) hasVariable(env string) bool {
	return slices.ContainsFunc(e.Variables, func(v Variable) bool { return v.Env == env })
}

// check says what is wrong with a value, or "".
func (v Variable) check(value string) string {
	rules, err := ParseRules(v.Rules)
	if err != nil {
		return fmt.Sprintf("the egg's rules for it are broken (%v): mend the egg", err)
	}
	return rules.Check(value)
}

// title is what people know the variable by.
func (v Variable) title() string {
	if v.Name != "" {
		return v.Name
	}
	return v.Env
}

// ports are those chosen, or else the egg's.
func (e Egg) ports(chosen []spec.Port) []spec.Port {
	if chosen != nil {
		return e.CompletePorts(chosen)
	}
	var ports []spec.Port
	for _, p := range e.Ports {
		ports = append(ports, spec.Port{Container: p.Container, Protocol: p.Protocol})
	}
	return e.CompletePorts(ports)
}

// CompletePorts fills in what was left out of ports: the protocol is tcp. In
// an egg for Wings it is both, and a port that has no number inside has the
// one that it has outside.
func (e Egg) CompletePorts(ports []spec.Port) []spec.Port {
	ports = slices.Clone(ports)
	for i := range ports {
		p := &ports[i]
		if p.Protocol == "" {
			p.Protocol = spec.TCP
			if e.Wings {
				p.Protocol = spec.Both
			}
		}
		p.Same = e.Wings && p.Container == 0
		*p = p.At(p.Host)
	}
	return ports
}

// volumes are those chosen, first so that faults count them as their author
// did, and the egg's where nothing else was chosen for their place.
func (e Egg) volumes(chosen []spec.Volume) []spec.Volume {
	volumes := slices.Clone(chosen)
	for _, v := range e.Volumes {
		replaced := slices.ContainsFunc(chosen, func(c spec.Volume) bool { return c.Container == v.Container })
		if !replaced {
			volumes = append(volumes, spec.Volume{Host: v.Name, Container: v.Container})
		}
	}
	return volumes
}

// stopGrace is how many seconds a program that is asked to stop in its egg's
// own way has: games save their world then.
const stopGrace = 60

// stopOf reads Pterodactyl's way of writing how to stop: text for the
// console, or ^ and a signal. What is no signal there kills at once
// (EGG_SPEC §4.5).
func stopOf(stop string) spec.Stop {
	name, isSignal := strings.CutPrefix(stop, "^")
	if !isSignal {
		if stop == "" {
			return spec.Stop{}
		}
		return spec.Stop{Console: stop, Grace: stopGrace}
	}
	switch name = strings.ToUpper(name); name {
	case "C", "SIGINT":
		return spec.Stop{Signal: "SIGINT", Grace: stopGrace}
	case "SIGTERM", "SIGABRT":
		return spec.Stop{Signal: name, Grace: stopGrace}
	}
	return spec.Stop{Signal: "SIGKILL"}
}

// Locked reports whether a name in the environment is that of a variable that
// users of the egg may not change.
func (e Egg) Locked(env string) bool {
	return slices.ContainsFunc(e.Variables, func(v Variable) bool {
		return (v.Env == env || strings.ToUpper(v.Env) == env) && !(v.Viewable && v.Editable)
	})
}
