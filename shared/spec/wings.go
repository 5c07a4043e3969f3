package spec

import (
	"strings"
	"time"
)

// What containers of imported eggs need beside what Docker knows. Their
// authors wrote for Wings, the agent of Pterodactyl and Pelican, so the agent
// does for them what Wings does (EGG_SPEC §4): SERVER_MEMORY, SERVER_IP and
// SERVER_PORT in the environment, memory with some room above the limit, the
// home volume owned by the user that the container runs as.

// Home is the volume of an imported egg, and where it is mounted.
const (
	HomeVolume = "home"
	HomePath   = "/home/container"
)

// File is one file of the home volume, or of the first volume where there is
// no home, that is rewritten before every start.
type File struct {
	Path     string    `json:"path"`               // from the volume's root
	Parser   string    `json:"parser"`             // file, properties, ini, json, yaml, xml or toml
	Existing bool      `json:"existing,omitempty"` // not made where it is missing
	Set      []Setting `json:"set"`
}

// Setting is one value in a file. Value may have placeholders, such as
// {{server.allocations.default.port}}: they are filled in by the node that
// starts the container, which knows its ports.
type Setting struct {
	Key   string `json:"key"`            // where it goes, in the parser's way of writing that
	If    string `json:"if,omitempty"`   // only where this is there now; regex:… for a pattern
	Value string `json:"value"`          // as text
	Kind  string `json:"kind,omitempty"` // bool or int, where the egg's author wrote one; else text
}

// Install is the script that fills the volumes of a new container: it runs in
// a container of its own, with the home volume at /mnt/server.
type Install struct {
	Image      string `json:"image"`
	Entrypoint string `json:"entrypoint"` // the interpreter, one argument
	Script     string `json:"script"`
	IgnoreExit bool   `json:"ignore_exit,omitempty"`     // a code other than 0 is no failure, as with Wings
	Timeout    int    `json:"timeout_seconds,omitempty"` // 0: DefaultInstallTimeout
}

// DefaultInstallTimeout is how many seconds an installation may take.
const DefaultInstallTimeout = 60 * 60

// Limit is how long the installation may take.
func (i Install) Limit() time.Duration {
	seconds := i.Timeout
	if seconds <= 0 {
		seconds = DefaultInstallTimeout
	}
	return time.Duration(seconds) * time.Second
}

// Pattern is the regular expression that a text stands for: in conditions of
// settings and in done texts one is written regex:…, and all else is meant as
// it is.
func Pattern(text string) (pattern string, is bool) { return strings.CutPrefix(text, "regex:") }

// Home is the volume that an installation fills and whose files are kept: the
// one of that name, else the first.
func (c Container) Home() (Volume, bool) {
	for _, v := range c.Volumes {
		if v.Host == HomeVolume {
			return v, true
		}
	}
	if len(c.Volumes) == 0 {
		return Volume{}, false
	}
	return c.Volumes[0], true
}
