package config

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// prefix stands before every name in the environment.
const prefix = "LORMAS_"

// Variable is the name of a flag in the environment and in the file.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Source is where values come from that are not on the command line.
type Source struct {
	Getenv func(string) (string, bool) // os.LookupEnv
	File   map[string]string           // by variable; see ReadFile
}

// Environment is the source of a real process, with the configuration file
// that LORMAS_CONFIG names, if it does.
func Environment() (Source, error) {
	s := Source{Getenv: os.LookupEnv}
	name, ok := os.LookupEnv(prefix + "CONFIG")
	if !ok || name == "" {
		return s, nil
	}
	var err error
	s.File, err = ReadFile(name)
	return s, err
}

// ReadFile reads a configuration file: lines of NAME=value, with comments
// behind #. A value may be in quotes.
func ReadFile(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	defer f.Close()
	values := map[string]string{}
	var faults []error
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if _, twice := values[key]; !ok || twice || !strings.HasPrefix(key, prefix) {
			faults = append(faults, fmt.Errorf("%s:%d: write %sNAME=value, each name once", name, n, prefix))
			continue
		}
		values[key] = unquote(strings.TrimSpace(value))
	}
	return values, errors.Join(append(faults, lines.Err())...)
}

func unquote(value string) string {
	if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		return value[1 : len(value)-1]
	}
	return value
}

var _ kong.Resolver = Source{}

// Resolve implements kong.Resolver: the value of a flag that is not on the
// command line, or nil.
func (s Source) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := Variable(flag.Name)
	if value, ok := s.Getenv(name); ok {
		return value, nil
	}
	file, ok := s.Getenv(name + "_FILE")
	if !ok {
		file, ok = s.File[name+"_FILE"]
	}
	if ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s_FILE: %w", name, err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	if value, ok := s.File[name]; ok {
		return value, nil
	}
	return nil, nil
}

// Validate implements kong.Resolver: a name in the file that belongs to no
// flag of any command is a mistake, and would go unnoticed.
func (s Source) Validate(app *kong.Application) error {
	var known []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error { // nothing fails
		if flag, ok := node.(*kong.Flag); ok {
			known = append(known, Variable(flag.Name))
		}
		return next(nil)
	})
	var faults []error
	for name := range s.File {
		if !slices.Contains(known, strings.TrimSuffix(name, "_FILE")) {
			faults = append(faults, fmt.Errorf("configuration file: there is no setting %s", name))
		}
	}
	return errors.Join(faults...)
}

// Load makes a configuration out of arguments and a source, and checks it.
func Load(args []string, s Source) (Config, error) {
	c, err := parse(args, s)
	if err != nil {
		return c, err
	}
	return c, c.Validate()
}

// Default is the configuration with nothing set. It lacks what has no
// default, such as the database's address.
func Default() Config {
	c, err := parse(nil, Source{Getenv: func(string) (string, bool) { return "", false }})
	if err != nil {
		panic(err) // the tags of Config are wrong
	}
	return c
}

func parse(args []string, s Source) (Config, error) {
	type unchecked Config // kong calls Validate where there is one
	var c unchecked
	parser, err := kong.New(&c, kong.Name("lormas"), kong.Resolvers(s), kong.Exit(func(int) {}))
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if _, err := parser.Parse(args); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return Config(c), nil
}
