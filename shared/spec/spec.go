// Package spec says what a container should be: the resolved outcome of an
// egg, its variables and the wishes of whoever created it. The controller
// writes a spec, the agent runs it; neither edits it in between. A spec is a
// plain value with a hash, so "is it what it should be" is a comparison.
//
// It knows nothing of eggs, of Docker or of where the container runs.
package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
)

// Container is everything needed to make one container on any node. Fields
// that are added later must be omitempty: the hash of an old spec may not
// change with a new binary.
type Container struct {
	Name      string            `json:"name"`
	Image     string            `json:"image"`
	Command   []string          `json:"command,omitempty"`
	User      string            `json:"user,omitempty"`
	Env       map[string]string `json:"environment,omitempty"`
	Secret    []string          `json:"secret,omitempty"` // names in Env whose values people are not shown, sorted
	Salt      string            `json:"salt,omitempty"`   // random, where there are secrets: nobody can try which ones give the hash
	Resources Resources         `json:"resources"`
	Pids      int64             `json:"pids,omitempty"` // 0: DefaultPids
	Ports     []Port            `json:"ports,omitempty"`
	Volumes   []Volume          `json:"volumes,omitempty"`
	HA        bool              `json:"ha,omitempty"`
	Exclusive bool              `json:"exclusive,omitempty"` // never two copies: runs only under a lease
	TTY       bool              `json:"tty,omitempty"`
	ReadOnly  bool              `json:"read_only,omitempty"` // root file system
	Stop      Stop              `json:"stop,omitzero"`
	Done      []string          `json:"done,omitempty"`       // console text that means "running"; none: running at once
	StripANSI bool              `json:"strip_ansi,omitempty"` // of the console, before it is held against Done
	Wings     bool              `json:"wings,omitempty"`      // made and started as Wings would: see the package's file wings.go
	Files     []File            `json:"files,omitempty"`      // kept as the egg wants them, before every start
	Install   *Install          `json:"install,omitempty"`    // fills the volumes before the first start
	Health    *Health           `json:"health,omitempty"`     // nil: as the image says
}

// Health is how the engine finds out whether the program in a container is
// well: it runs another one in there, again and again. Zero values are the
// engine's own (30 s, 30 s, 3 and 0 s).
type Health struct {
	Test     []string `json:"test"` // a program and its arguments; exit code 0 is well
	Interval int      `json:"interval_seconds,omitempty"`
	Timeout  int      `json:"timeout_seconds,omitempty"`
	Retries  int      `json:"retries,omitempty"`              // so many in a row that fail are unwell
	Start    int      `json:"start_period_seconds,omitempty"` // in which failures do not count
}

// DefaultPids bounds the processes of a container that does not say
// otherwise, as Wings does (EGG_SPEC §4.3).
const DefaultPids = 512

// Port publishes a container's port on the node. Host is never 0 in a spec:
// the controller has allocated it.
type Port struct {
	IP        string `json:"ip,omitempty"` // "" is every address of the node
	Host      int    `json:"host"`
	Container int    `json:"container"`
	Protocol  string `json:"protocol"`          // tcp, udp, or both on the same number
	Auto      bool   `json:"auto,omitempty"`    // the controller chose Host, and may choose another on another node
	AutoIP    bool   `json:"auto_ip,omitempty"` // the controller chose IP, out of the node's pools
	Same      bool   `json:"same,omitempty"`    // inside it has the number that it has outside: Container follows Host
}

// PortChange is a port that is another one on the outside than before.
type PortChange struct {
	Protocol string `json:"protocol"`
	From     int    `json:"from"`
	To       int    `json:"to"`
}

// PortChanges compares the ports of a container before and after, which are
// the same ones in the same order.
func PortChanges(before, after []Port) (changes []PortChange) {
	for i := range min(len(before), len(after)) {
		if was, is := before[i].Host, after[i].Host; was != is {
			changes = append(changes, PortChange{Protocol: after[i].Protocol, From: was, To: is})
		}
	}
	return changes
}

// Volume mounts storage of the node. Host is an absolute path, or a name, in
// which case the node keeps a volume of that name for this container. Shared
// says that Host is the same storage on every node, so that it goes along when
// the container moves; of all other volumes the data stays behind.
type Volume struct {
	Host      string `json:"host"`
	Container string `json:"container"`
	ReadOnly  bool   `json:"read_only,omitempty"`
	Shared    bool   `json:"shared,omitempty"`
}

// Writes lists the mount points of the volumes that the container can write
// to: of the shared ones, or of those that are its node's alone.
func (c Container) Writes(shared bool) []string {
	var list []string
	for _, v := range c.Volumes {
		if !v.ReadOnly && v.Shared == shared {
			list = append(list, v.Container)
		}
	}
	return list
}

// Hide makes names of Env secret, and no others. The salt is kept where there
// is one: what does not change keeps its hash.
func (c *Container) Hide(names []string, salt string) {
	c.Secret = nil
	for _, name := range slices.Sorted(slices.Values(names)) {
		if _, set := c.Env[name]; set && !slices.Contains(c.Secret, name) {
			c.Secret = append(c.Secret, name)
		}
	}
	switch {
	case len(c.Secret) == 0:
		c.Salt = ""
	case c.Salt == "":
		c.Salt = salt
	}
}

// PublicEnv is what everybody may see of Env who may see the container.
func (c Container) PublicEnv() map[string]string {
	env := maps.Clone(c.Env)
	for _, name := range c.Secret {
		delete(env, name)
	}
	return env
}

// Stop says how the container is asked to end. Console text wins over the
// signal; with neither, the image's own stop signal is sent.
type Stop struct {
	Console string `json:"console,omitempty"`
	Signal  string `json:"signal,omitempty"`        // SIGINT, SIGTERM, …
	Grace   int    `json:"grace_seconds,omitempty"` // 0: DefaultGrace
}

// DefaultGrace is how many seconds a container has between being asked to
// stop and being killed.
const DefaultGrace = 10

// Power is whether the container should be there and run.
type Power string

// The powers. Absent is what a deleted container, or one that has moved to
// another node, should be here.
const (
	Running Power = "running"
	Stopped Power = "stopped"
	Absent  Power = "absent"
)

// Hash identifies the content of a spec: the SHA-256 of its JSON, in hex.
func (c Container) Hash() string {
	// encoding/json writes struct fields in order and map keys sorted, so
	// equal specs have equal bytes; the types here cannot fail to encode.
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Change is how much has to happen to get from one spec to another.
type Change string

// The classes of change, mildest first.
const (
	Same     Change = "same"
	Update   Change = "update"   // limits of the living container are changed
	Recreate Change = "recreate" // the container is made anew; volumes stay
)

// Diff classifies the way from one spec to another.
func Diff(from, to Container) Change {
	if from.Hash() == to.Hash() {
		return Same
	}
	from.Resources, from.Pids, from.Stop, from.Done, from.StripANSI = to.Resources, to.Pids, to.Stop, to.Done, to.StripANSI
	from.Secret, from.Salt = to.Secret, to.Salt // the container itself does not know them
	from.Install = to.Install                   // it is for the next time that somebody asks for it
	if from.Hash() == to.Hash() {
		return Update
	}
	return Recreate
}

// Clone copies a spec so that no map or slice is shared.
func (c Container) Clone() Container {
	c.Command = slices.Clone(c.Command)
	c.Env = maps.Clone(c.Env)
	c.Secret = slices.Clone(c.Secret)
	c.Ports = slices.Clone(c.Ports)
	c.Volumes = slices.Clone(c.Volumes)
	c.Done = slices.Clone(c.Done)
	c.Files = slices.Clone(c.Files)
	for i := range c.Files {
		c.Files[i].Set = slices.Clone(c.Files[i].Set)
	}
	if c.Install != nil {
		install := *c.Install
		c.Install = &install
	}
	if c.Health != nil {
		health := *c.Health
		health.Test = slices.Clone(health.Test)
		c.Health = &health
	}
	return c
}
