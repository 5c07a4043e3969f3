package configfile

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/lormas/lormas/shared/spec"
)

// Facts are what placeholders stand for.
type Facts struct {
	ID        string // of the container
	Interface string // the address of the node that its containers reach it at
	Spec      spec.Container
}

// wideOpen is the address of a port that is published on all of a node's.
const wideOpen = "0.0.0.0"

// Address and Port are of the primary port: those which a server is told to
// listen on.
func (f Facts) Address() string {
	switch {
	case len(f.Spec.Ports) == 0 || f.Spec.Ports[0].IP == "":
		return wideOpen
	case f.Spec.Ports[0].IP == "127.0.0.1": // of the node, which in the container is another
		return f.Interface
	}
	return f.Spec.Ports[0].IP
}

func (f Facts) Port() string {
	if len(f.Spec.Ports) == 0 {
		return "0"
	}
	return strconv.Itoa(f.Spec.Ports[0].Host)
}

// Memory is the limit in MiB, without what Wings adds to it.
func (f Facts) Memory() string { return mebibytes(f.Spec.Resources.Memory) }

func mebibytes(b spec.Bytes) string { return strconv.FormatInt(int64(b)>>20, 10) }

// placeholder is what panels replace. Blanks inside are for config, of which
// Wings itself allows them; names are as they are written.
var placeholder = regexp.MustCompile(`\{\{ ?((?:server|env|config)\.[\w.-]*) ?\}\}`)

// Expand fills in the placeholders of a text, in the words of Pterodactyl and
// of Pelican. What nobody knows becomes nothing; what is no placeholder, or
// one of config that this node does not have, stays.
func Expand(text string, f Facts) string {
	return placeholder.ReplaceAllStringFunc(text, func(whole string) string {
		name := placeholder.FindStringSubmatch(whole)[1]
		switch {
		case name == "config.docker.interface", name == "config.docker.network.interface":
			return f.Interface
		case strings.HasPrefix(name, "config."):
			return whole
		}
		return f.value(name)
	})
}

// bare are placeholders in paths, which have variables only, and no prefix.
var bare = regexp.MustCompile(`\{\{ ?(\w+) ?\}\}`)

// ExpandPath fills in the variables in the path of a file. Where it leads is
// for the caller to watch: a variable may hold dots and slashes.
func ExpandPath(path string, f Facts) string {
	return bare.ReplaceAllStringFunc(path, func(whole string) string {
		return f.variable(bare.FindStringSubmatch(whole)[1])
	})
}

func (f Facts) value(name string) string {
	for _, prefix := range []string{"server.build.env.", "server.environment.", "env."} {
		if variable, is := strings.CutPrefix(name, prefix); is {
			return f.variable(variable)
		}
	}
	r := f.Spec.Resources
	switch strings.TrimPrefix(name, "server.") {
	case "build.default.ip", "allocations.default.ip":
		return f.Address()
	case "build.default.port", "allocations.default.port":
		return f.Port()
	case "build.memory", "build.memory_limit":
		return f.Memory()
	case "build.disk", "build.disk_space":
		return mebibytes(r.Disk)
	case "build.cpu", "build.cpu_limit":
		return strconv.FormatInt(int64(r.CPU)/10, 10) // in percent of a core
	case "build.swap":
		return "0"
	case "build.image", "container.image":
		return f.Spec.Image
	case "uuid":
		return f.ID
	case "meta.name", "name":
		return f.Spec.Name
	}
	return ""
}

// variable is one of the environment, with those that Wings adds.
func (f Facts) variable(name string) string {
	if value, is := f.Wings()[name]; is {
		return value
	}
	return f.Spec.Env[name]
}

// Wings is the part of the environment that its agent makes.
func (f Facts) Wings() map[string]string {
	return map[string]string{
		"SERVER_MEMORY": f.Memory(), "SERVER_IP": f.Address(), "SERVER_PORT": f.Port(), "P_SERVER_UUID": f.ID,
	}
}

// Fill fills in the values of a file's settings. What comes in where a
// pattern has groups is meant as it is: a $ in a password is no group.
func Fill(settings []spec.Setting, f Facts) []spec.Setting {
	filled := make([]spec.Setting, 0, len(settings))
	for _, s := range settings {
		if _, isPattern := spec.Pattern(s.If); isPattern {
			s.Value = placeholder.ReplaceAllStringFunc(s.Value, func(whole string) string {
				return strings.ReplaceAll(Expand(whole, f), "$", "$$")
			})
		} else {
			s.Value = Expand(s.Value, f)
		}
		filled = append(filled, s)
	}
	return filled
}
