package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Fault is one thing wrong with a spec: where, and what to do about it.
type Fault struct {
	Field   string `json:"field"` // JSON path in the request, such as ports[0].host
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"` // in the file, where there is one
}

var (
	nameForm  = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)
	imageForm = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/@-]{0,254}$`)
	envForm   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	signals   = regexp.MustCompile(`^SIG[A-Z0-9+]{2,10}$`)
)

// Smallest limits that a container can be made with: Docker itself refuses
// less than 6 MiB of memory, and a hundredth of a core is its finest quota.
const (
	MinMemory = 6 * MiB
	MinCPU    = CPU(10)
)

// MaxSize bounds a spec as JSON, in bytes: it has to fit into one message to
// its node (wire.MaxPayload) and into what a kernel takes as environment.
const MaxSize = 128 << 10

// ValidName reports whether a name can be used for a container or a node.
func ValidName(name string) bool { return nameForm.MatchString(name) }

// ValidImage reports whether a text can name an image.
func ValidImage(ref string) bool { return imageForm.MatchString(ref) }

// ValidEnv reports whether a text can name an environment variable.
func ValidEnv(name string) bool { return envForm.MatchString(name) }

// NameRule is the sentence that explains ValidName.
const NameRule = "use 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit"

// Validate finds every fault of a spec at once. None means that a node can
// try it; whether it has room is placement's business.
func (c Container) Validate() []Fault {
	var faults []Fault
	add := func(field, format string, args ...any) {
		faults = append(faults, Fault{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if !ValidName(c.Name) {
		add("name", "%.70q cannot be a name: %s", c.Name, NameRule)
	}
	if !imageForm.MatchString(c.Image) {
		add("image", "%.80q is not an image reference: write it like registry/name:tag", c.Image)
	}
	if c.Resources.CPU < MinCPU {
		add("resources.cpu", "%s cores is too little: give at least %s", c.Resources.CPU, MinCPU)
	}
	if c.Resources.Memory < MinMemory {
		add("resources.memory", "%s is too little: give at least %s", c.Resources.Memory, MinMemory)
	}
	if c.Resources.Disk < 0 {
		add("resources.disk", "disk cannot be negative")
	}
	for _, key := range slices.Sorted(maps.Keys(c.Env)) {
		if !envForm.MatchString(key) {
			add("environment."+key, "%.60q cannot be the name of an environment variable: use letters, digits and underscores", key)
		}
		if strings.ContainsRune(c.Env[key], 0) {
			add("environment."+key, "a value cannot contain a NUL character")
		}
	}
	if c.Stop.Signal != "" && !signals.MatchString(c.Stop.Signal) {
		add("stop.signal", "%.20q is not a signal: write it like SIGTERM", c.Stop.Signal)
	}
	c.validatePorts(add)
	c.validateVolumes(add)
	if text, err := json.Marshal(c); err != nil || len(text) > MaxSize {
		add("environment", "all settings together are %d bytes, and the limit is %d: keep large ones in a file on a volume", len(text), MaxSize)
	}
	return faults
}

func (c Container) validatePorts(add func(string, string, ...any)) {
	for i, p := range c.Ports {
		field := fmt.Sprintf("ports[%d]", i)
		if p.Host < 0 || p.Host > 65535 {
			add(field+".host", "%d is not a port: use 1 to 65535, or leave it out to have one chosen", p.Host)
		}
		if (p.Container < 1 || p.Container > 65535) && !p.Same {
			add(field+".container", "%d is not a port: use 1 to 65535", p.Container)
		}
		if p.Protocol != TCP && p.Protocol != UDP && p.Protocol != Both {
			add(field+".protocol", "%.20q is not a protocol: use tcp, udp or both", p.Protocol)
		}
		if p.IP != "" {
			if _, err := netip.ParseAddr(p.IP); err != nil {
				add(field+".ip", "%.40q is not an IP address", p.IP)
			}
		}
		first := slices.IndexFunc(c.Ports[:i], p.Overlaps)
		if p.Host != 0 && first >= 0 {
			add(field+".host", "port %d is asked for twice, first in ports[%d]", p.Host, first)
		}
	}
}

func (c Container) validateVolumes(add func(string, string, ...any)) {
	seen := map[string]int{}
	for i, v := range c.Volumes {
		field := fmt.Sprintf("volumes[%d]", i)
		switch {
		case strings.ContainsRune(v.Host+v.Container, 0):
			add(field, "a path cannot contain a NUL character")
		case strings.HasPrefix(v.Host, "/") && (path.Clean(v.Host) != v.Host || v.Host == "/"):
			add(field+".host", "%.120q must be a clean path below /, without .. or a trailing slash", v.Host)
		case !strings.HasPrefix(v.Host, "/") && !ValidName(v.Host):
			add(field+".host", "%.120q must be an absolute path or the name of a volume", v.Host)
		}
		if !path.IsAbs(v.Container) || path.Clean(v.Container) != v.Container || v.Container == "/" {
			add(field+".container", "%.120q must be a clean absolute path inside the container", v.Container)
		}
		if first, twice := seen[v.Container]; twice {
			add(field+".container", "%s is mounted twice, first in volumes[%d]", v.Container, first)
		}
		seen[v.Container] = i
	}
}
