package egg

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lormas/lormas/shared/spec"
)

// Bounds of an egg; far above what any egg known to us needs.
const (
	maxName      = 255
	maxText      = 64 << 10
	maxVariables = 200
	maxIcon      = 1 << 20
)

// faults collects what is wrong, each with its place.
type faults []spec.Fault

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, spec.Fault{Field: field, Message: fmt.Sprintf(format, args...)})
}

// Validate finds every fault of an egg at once. Defaults are not held against
// their own rules: many eggs leave a required variable blank on purpose, so
// that whoever creates a container must fill it in.
func (e Egg) Validate() []spec.Fault {
	var f faults
	if !validTitle(e.Name) {
		f.add("name", "an egg needs a name of 1 to %d characters, without line breaks or spaces around it", maxName)
	}
	f.text("description", e.Description)
	f.text("author", e.Author)
	f.text("startup", e.Startup)
	f.text("stop", e.Stop)
	f.text("user", e.User)
	f.text("update_url", e.UpdateURL)
	if len(e.UUID) > maxName {
		f.add("uuid", "this is %d bytes long: the limit is %d", len(e.UUID), maxName)
	}
	f.text("uuid", e.UUID)
	if e.Icon != "" && !strings.HasPrefix(e.Icon, "data:image/") {
		f.add("icon", "an icon is a data: URI of an image, such as data:image/png;base64,…")
	}
	f.bounded("icon", e.Icon, maxIcon)
	f.texts("tags", e.Tags)
	f.texts("features", e.Features)
	f.texts("file_denylist", e.Denylist)
	e.validateStartups(&f)
	e.validateFiles(&f)
	for i, arg := range e.Command {
		f.text(fmt.Sprintf("command[%d]", i), arg)
	}
	e.validateImages(&f)
	e.validateDone(&f)
	e.validateInstall(&f)
	e.validateHealth(&f)
	e.validatePorts(&f)
	e.validateVolumes(&f)
	e.validateVariables(&f)
	return f
}

func (f *faults) text(field, text string) { f.bounded(field, text, maxText) }

func (f *faults) texts(field string, list []string) {
	for i, text := range list {
		f.text(fmt.Sprintf("%s[%d]", field, i), text)
	}
}

func (e Egg) validateStartups(f *faults) {
	for i, s := range e.Startups {
		field := fmt.Sprintf("startup_commands[%d]", i)
		f.text(field+".name", s.Name)
		f.text(field+".command", s.Command)
	}
}

func (e Egg) validateFiles(f *faults) {
	for i, file := range e.Files {
		field := fmt.Sprintf("files[%d]", i)
		f.text(field+".path", file.Path)
		f.text(field+".parser", file.Parser)
		for j, set := range file.Set {
			at := fmt.Sprintf("%s.set[%d]", field, j)
			f.text(at+".key", set.Key)
			f.text(at+".if", set.If)
			f.text(at+".value", set.Value)
		}
	}
}

func (f *faults) bounded(field, text string, limit int) {
	switch {
	case len(text) > limit:
		f.add(field, "this is %d bytes long: the limit is %d", len(text), limit)
	case strings.ContainsRune(text, 0) || !utf8.ValidString(text):
		f.add(field, "this has bytes that are not text")
	}
}

// validTitle reports whether a text can stand as a name in a list.
func validTitle(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && utf8.ValidString(s) &&
		utf8.RuneCountInString(s) <= maxName && !strings.ContainsFunc(s, unicode.IsControl)
}

func (e Egg) validateImages(f *faults) {
	if len(e.Images) == 0 {
		f.add("images", "an egg needs at least one image, such as {\"name\": \"default\", \"image\": \"nginx:1.27\"}")
	}
	seen := map[string]int{}
	for i, image := range e.Images {
		field := fmt.Sprintf("images[%d]", i)
		if !validTitle(image.Name) {
			f.add(field+".name", "an image needs a name that people can choose it by")
		}
		if first, twice := seen[image.Name]; twice {
			f.add(field+".name", "%q names images[%d] already", image.Name, first)
		}
		seen[image.Name] = i
		if !spec.ValidImage(image.Image) {
			f.add(field+".image", "%.80q is not an image reference: write it like registry/name:tag", image.Image)
		}
	}
}

func (e Egg) validateDone(f *faults) {
	for i, done := range e.Done {
		field := fmt.Sprintf("done[%d]", i)
		f.text(field, done)
		pattern, isPattern := spec.Pattern(done)
		if !isPattern {
			continue
		}
		if _, err := regexp.Compile(pattern); err != nil {
			f.add(field, "the pattern cannot be read: %v", err)
		}
	}
}

// maxInstallTime bounds what an egg may grant its installation.
const maxInstallTime = 24 * 60 * 60

func (e Egg) validateInstall(f *faults) {
	if e.Install == nil {
		return
	}
	if !spec.ValidImage(e.Install.Image) {
		f.add("install.image", "%.80q is not an image reference: write it like registry/name:tag", e.Install.Image)
	}
	f.text("install.script", e.Install.Script)
	f.text("install.entrypoint", e.Install.Entrypoint)
	if e.Install.Entrypoint == "" {
		f.add("install.entrypoint", "an installation needs an interpreter for its script, such as bash")
	}
	if e.Install.Timeout < 0 || e.Install.Timeout > maxInstallTime {
		f.add("install.timeout_seconds", "%d is too much: use up to %d, which is a day, or 0 for %d", e.Install.Timeout, maxInstallTime, spec.DefaultInstallTimeout)
	}
	if len(e.Volumes) == 0 {
		f.add("install", "an installation needs a volume to install to: add one named %s", spec.HomeVolume)
	}
}

// maxHealthTime bounds the times of a health check, in seconds.
const maxHealthTime = 60 * 60

func (e Egg) validateHealth(f *faults) {
	if e.Health == nil {
		return
	}
	f.texts("health.test", e.Health.Test)
	if len(e.Health.Test) == 0 || e.Health.Test[0] == "" {
		f.add("health.test", "a health check is a program in the image and its arguments, such as [\"wget\", \"-qO-\", \"http://127.0.0.1:8080/\"]")
	}
	for field, n := range map[string]int{
		"interval_seconds": e.Health.Interval, "timeout_seconds": e.Health.Timeout, "start_period_seconds": e.Health.Start, "retries": e.Health.Retries,
	} {
		if n < 0 || n > maxHealthTime {
			f.add("health."+field, "%d is out of bounds: use 1 to %d, or 0 for what the engine takes by itself", n, maxHealthTime)
		}
	}
}

func (e Egg) validatePorts(f *faults) {
	for i, p := range e.Ports {
		field := fmt.Sprintf("ports[%d]", i)
		if p.Container < 1 || p.Container > 65535 {
			f.add(field+".container", "%d is not a port: use 1 to 65535", p.Container)
		}
		if p.Protocol != "" && p.Protocol != "tcp" && p.Protocol != "udp" {
			f.add(field+".protocol", "%.20q is not a protocol: use tcp or udp", p.Protocol)
		}
	}
}

func (e Egg) validateVolumes(f *faults) {
	seen := map[string]int{}
	for i, v := range e.Volumes {
		field := fmt.Sprintf("volumes[%d]", i)
		if !spec.ValidName(v.Name) {
			f.add(field+".name", "%.70q cannot name a volume: %s", v.Name, spec.NameRule)
		}
		f.text(field+".container", v.Container)
		if !path.IsAbs(v.Container) || path.Clean(v.Container) != v.Container || v.Container == "/" {
			f.add(field+".container", "%.120q must be a clean absolute path inside the container", v.Container)
		}
		if first, twice := seen[v.Container]; twice {
			f.add(field+".container", "%s is mounted twice, first in volumes[%d]", v.Container, first)
		}
		seen[v.Container] = i
	}
}

func (e Egg) validateVariables(f *faults) {
	if len(e.Variables) > maxVariables {
		f.add("variables", "%d variables are too many: the limit is %d", len(e.Variables), maxVariables)
		return
	}
	seen := map[string]int{}
	for i, v := range e.Variables {
		field := fmt.Sprintf("variables[%d]", i)
		if !spec.ValidEnv(v.Env) || len(v.Env) > maxName {
			f.add(field+".env", "%.60q cannot be the name of an environment variable: use letters, digits and underscores", v.Env)
		}
		if first, twice := seen[v.Env]; twice {
			f.add(field+".env", "%s is the name of variables[%d] already", v.Env, first)
		}
		seen[v.Env] = i
		f.text(field+".name", v.Name)
		f.text(field+".description", v.Description)
		f.text(field+".default", v.Default)
		f.texts(field+".rules", v.Rules)
		if e.Wings {
			continue // an import takes what there is: rules are judged when a container is made
		}
		for j, rule := range v.Rules {
			if _, err := ParseRules([]string{rule}); err != nil {
				f.add(fmt.Sprintf("%s.rules[%d]", field, j), "%v", err)
			}
		}
	}
}
