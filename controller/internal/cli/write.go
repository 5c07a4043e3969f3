package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/lormas/lormas/controller/internal/client"
)

// fields is a body in the making: what was not said is not in it.
type fields map[string]any

// put adds a value that was given.
func put[T any](f fields, name string, value *T) {
	if value != nil {
		f[name] = *value
	}
}

// text adds a text unless it is empty.
func (f fields) text(name, value string) {
	if value != "" {
		f[name] = value
	}
}

// ref adds the id of a thing that was named, unless none was.
func (f fields) ref(ctx context.Context, to *client.Client, name string, of noun, ref string) error {
	if ref == "" {
		return nil
	}
	found, err := of.find(ctx, to, ref)
	if err == nil {
		f[name] = found
	}
	return err
}

// something refuses an edit that changes nothing.
func (f fields) something() error {
	if len(f) == 0 {
		return &client.Problem{Status: http.StatusUnprocessableEntity, Detail: "nothing is to be changed: say what with a flag, see --help"}
	}
	return nil
}

// only reports whether there is nothing beside these.
func (f fields) only(names ...string) bool {
	for name := range f {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// file is a body that was written down, in JSON or YAML.
type file struct {
	File string `name:"file" short:"f" placeholder:"FILE" help:"The whole of it in JSON or YAML, as show -o yaml prints it; - is the standard input. Flags go before it."`
}

// body is what the file says, with what flags say over it.
func (c file) body(s Streams, flags fields) (fields, error) {
	if c.File == "" {
		return flags, nil
	}
	text, err := readFile(s, c.File)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	out := fields{}
	if err := yaml.Unmarshal(text, (*map[string]any)(&out)); err != nil {
		return nil, fmt.Errorf("--file: %s is neither JSON nor YAML: %w", c.File, err)
	}
	for name, value := range flags {
		out[name] = value
	}
	return out, nil
}

func readFile(s Streams, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(s.In)
	}
	return os.ReadFile(name)
}

// send carries out a request that changes something, and prints what the
// controller answers.
func (o output) send(ctx context.Context, s Streams, to *client.Client, of noun, r client.Request) error {
	var item json.RawMessage
	if err := to.Do(ctx, r, &item); err != nil {
		return err
	}
	if len(item) == 0 {
		_, err := fmt.Fprintln(s.Out, "done")
		return err
	}
	return o.print(s.Out, of, item)
}

// verbCommand does to things what needs no words but a reason.
type verbCommand struct {
	access `embed:""`
	of     noun
	method string
	suffix string // of the path
	done   string // what is said of each afterwards

	Names  []string `arg:"" name:"name" help:"Names or ids."`
	Reason string   `name:"reason" placeholder:"TEXT" help:"Why, for those who read it later."`
}

// Run goes through the names, and stops at the first that cannot be done.
func (c verbCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	for _, name := range c.Names {
		path, err := c.of.at(ctx, to, name)
		if err != nil {
			return err
		}
		r := client.Request{Method: c.method, Path: path + c.suffix}
		if c.Reason != "" {
			r.Body = fields{"reason": c.Reason}
		}
		if err := to.Do(ctx, r, nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(s.Out, "%s %s %s\n", c.of.name, name, c.done)
	}
	return nil
}

// codeOf is the exit code of an error.
func codeOf(err error) int {
	var p *client.Problem
	var u *client.Unreachable
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &u):
		return exitUnreachable
	case !errors.As(err, &p):
		return exitFailed
	}
	switch p.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return exitUsage
	case http.StatusUnauthorized:
		return exitSignIn
	case http.StatusForbidden, http.StatusNotFound:
		return exitNotAllowed
	case http.StatusConflict, http.StatusPreconditionFailed:
		return exitConflict
	}
	return exitUnreachable
}

// The exit codes; the README has them too.
const (
	exitDone        = 0
	exitFailed      = 1 // it was tried and did not end well, or something is wrong here
	exitUsage       = 2 // the command line or what it holds makes no sense
	exitSignIn      = 3 // nobody is signed in
	exitNotAllowed  = 4 // it is not allowed, or not there
	exitConflict    = 5 // it does not fit the present state
	exitUnreachable = 6 // the controller cannot be reached, or says to try later
)
