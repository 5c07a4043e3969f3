// Package egg reads and renders templates. An egg says which image to run,
// how, and which variables whoever creates a container may set; rendering it
// with their values gives a spec (package spec).
//
// It is pure: bytes and values in, values and faults out. Where an egg comes
// from and where its container runs is not its business.
package egg

import "github.com/lormas/lormas/shared/spec"

// Egg is the native form; imported formats are converted to it.
type Egg struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Author      string        `json:"author,omitempty"`
	UUID        string        `json:"uuid,omitempty"` // by which an import knows that it is the same egg
	UpdateURL   string        `json:"update_url,omitempty"`
	Tags        []string      `json:"tags,omitempty"`
	Features    []string      `json:"features,omitempty"` // what the console is watched for: eula, java_version, …
	Icon        string        `json:"icon,omitempty"`     // a data: URI
	Denylist    []string      `json:"file_denylist,omitempty"`
	Images      []Image       `json:"images"`                     // the first is the default
	Startup     string        `json:"startup,omitempty"`          // handed to the image as $STARTUP
	Startups    []Startup     `json:"startup_commands,omitempty"` // several to choose from instead; the first is the default
	Command     []string      `json:"command,omitempty"`          // native eggs only: replaces the image's own
	User        string        `json:"user,omitempty"`
	TTY         bool          `json:"tty,omitempty"`
	ReadOnly    bool          `json:"read_only,omitempty"` // root file system
	Wings       bool          `json:"wings,omitempty"`     // written for Wings: see spec.Container
	Stop        string        `json:"stop,omitempty"`      // console text, or a signal written ^C or ^SIGTERM
	Done        []string      `json:"done,omitempty"`      // console text that means "running"; regex:… for a pattern
	StripANSI   bool          `json:"strip_ansi,omitempty"`
	Files       []spec.File   `json:"files,omitempty"`
	Install     *spec.Install `json:"install,omitempty"`
	Health      *spec.Health  `json:"health,omitempty"`  // native eggs only: replaces the image's own check
	Ports       []Port        `json:"ports,omitempty"`   // published unless the creator lists ports
	Volumes     []Volume      `json:"volumes,omitempty"` // mounted unless the creator mounts something there
	Variables   []Variable    `json:"variables,omitempty"`
}

// Startup is a start command under the name that people choose.
type Startup struct {
	Name    string `json:"name"`
	Command string `json:"command"`
}

// Image is an image that the egg runs on, under the name that people choose.
type Image struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// Port is a port that the program listens on.
type Port struct {
	Container int    `json:"container"`
	Protocol  string `json:"protocol,omitempty"` // tcp unless said otherwise
}

// Volume is storage that the program wants kept.
type Volume struct {
	Name      string `json:"name"`
	Container string `json:"container"`
}

// Variable is a value that can be set when a container is made.
type Variable struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Env         string   `json:"env"`
	Default     string   `json:"default"`
	Rules       []string `json:"rules,omitempty"` // Laravel's names: required, string, max:20, …
	Viewable    bool     `json:"user_viewable"`
	Editable    bool     `json:"user_editable"`
}
