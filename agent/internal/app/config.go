package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"

	"github.com/lormas/lormas/shared/mqttlink"
	"github.com/lormas/lormas/shared/spec"
)

// Config is everything that can be said to an agent.
type Config struct {
	Controller    []string `env:"LORMAS_AGENT_CONTROLLER" placeholder:"URL" help:"Where the controller's broker is, such as mqtts://lormas.example:8883 or wss://lormas.example/mqtt. More than one are tried in turn."`
	ForeignBroker bool     `env:"LORMAS_AGENT_FOREIGN_BROKER" help:"What listens there is not the controller's own broker but mosquitto, NATS or the like: show it the credential's SHA-256 as the password."`
	Token         string   `env:"LORMAS_AGENT_TOKEN" placeholder:"TOKEN" help:"The node's credential. Kept in the data directory once it was accepted, so that later runs need none. Better given in the environment: arguments can be read by everybody on the machine."`
	TokenFile     string   `env:"LORMAS_AGENT_TOKEN_FILE" type:"path" placeholder:"FILE" help:"A file that holds the credential."`
	DataDir       string   `env:"LORMAS_AGENT_DATA_DIR,LORMAS_AGENT_STATE_DIR" type:"path" default:"/var/lib/lormas-agent" help:"Where the agent keeps its records and the volumes of containers."`

	DockerHost    string   `env:"LORMAS_AGENT_DOCKER_HOST" placeholder:"URL" help:"The Docker engine, such as unix:///run/docker.sock. Empty: as the docker command finds it."`
	AllowMount    []string `env:"LORMAS_AGENT_ALLOW_MOUNT" default:"/data,/srv,/mnt" placeholder:"DIR" help:"Directories of this machine that containers may mount from. Standard: /data, /srv and /mnt."`
	ContainerUser string   `env:"LORMAS_AGENT_CONTAINER_USER" default:"988:988" placeholder:"UID:GID" help:"Whom the containers of imported eggs run as, whatever their image says, and who owns their data."`
	CAFile        string   `env:"LORMAS_AGENT_CA_FILE" type:"path" placeholder:"FILE" help:"Certificates of the authority that signed the controller's, in PEM. Empty: the system's."`

	CPU           float64    `env:"LORMAS_AGENT_CPU" placeholder:"CORES" help:"Processor cores to offer, whatever the machine has."`
	Memory        spec.Bytes `env:"LORMAS_AGENT_MEMORY" placeholder:"SIZE" help:"Memory to offer, such as 4g."`
	Disk          spec.Bytes `env:"LORMAS_AGENT_DISK" placeholder:"SIZE" help:"Disk space to offer, such as 100g."`
	ReserveCPU    float64    `env:"LORMAS_AGENT_RESERVE_CPU" placeholder:"CORES" help:"Cores to keep back for the system."`
	ReserveMemory spec.Bytes `env:"LORMAS_AGENT_RESERVE_MEMORY" placeholder:"SIZE" help:"Memory to keep back for the system. Standard: a tenth, at most 512m."`
	ReserveDisk   spec.Bytes `env:"LORMAS_AGENT_RESERVE_DISK" placeholder:"SIZE" help:"Disk space to keep back for the system. Standard: a tenth."`

	DiskAction string `env:"LORMAS_AGENT_DISK_ACTION" default:"warn" enum:"warn,stop" help:"What is done about a container that has more in its volumes than its disk limit. warn: its console says so. stop: it is stopped as well, and does not start before it has less."`

	Guard             string       `env:"LORMAS_AGENT_GUARD" default:"auto" placeholder:"auto|external|off|FILE" help:"What ends exclusive containers when their lease is over. auto: start lormas-guard, from beside this program or from PATH. A file: start that one. external: something else runs it, such as systemd. off: none, and no exclusive containers."`
	GuardDir          string       `env:"LORMAS_AGENT_GUARD_DIR" type:"path" default:"/run/lormas" placeholder:"DIR" help:"Where the guard has its socket and its records; in memory, so that they end with the boot."`
	OfflineStartDelay offlineDelay `env:"LORMAS_AGENT_OFFLINE_START_DELAY" default:"60s" placeholder:"60s|never" help:"How long available containers wait for the controller after the machine has booted, before they start without it."`

	LogLevel  slog.Level       `env:"LORMAS_AGENT_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat string           `env:"LORMAS_AGENT_LOG_FORMAT" default:"auto" enum:"auto,text,json" help:"text, json, or auto: text on a terminal and json elsewhere."`
	Version   kong.VersionFlag `help:"Print the version and end."`
}

// offlineDelay is a duration, or never: then it is negative.
type offlineDelay time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *offlineDelay) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		*d = -1
		return nil
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed < 0 {
		return fmt.Errorf("%.30q is not a time to wait: write it like 60s or 5m, or never", text)
	}
	*d = offlineDelay(parsed)
	return nil
}

// parse reads arguments and environment. It reports false when it has already
// answered (help, version) and there is nothing left to do.
func parse(args []string, version string, out io.Writer) (c Config, run bool, err error) {
	run = true
	parser, err := kong.New(&c,
		kong.Name("lormas-agent"),
		kong.Description("Runs the containers of this machine for a Lormas controller, with or without a connection to it."),
		kong.Vars{"version": version},
		kong.Writers(out, out),
		kong.Exit(func(int) { run = false }),
	)
	if err != nil {
		return c, false, fmt.Errorf("describe the flags: %w", err)
	}
	_, err = parser.Parse(args)
	if !run {
		return c, false, nil
	}
	return c, run, errors.Join(err, c.validate())
}

// validate finds every fault at once.
func (c Config) validate() error {
	var faults []error
	if len(c.Controller) == 0 {
		faults = append(faults, errors.New("no controller is named: give its address with --controller, such as --controller mqtt://10.0.0.1:1883"))
	}
	for _, address := range c.Controller {
		if _, err := mqttlink.ParseServer(address); err != nil {
			faults = append(faults, fmt.Errorf("--controller: %w", err))
		}
	}
	for _, dir := range c.AllowMount {
		if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir {
			faults = append(faults, fmt.Errorf("--allow-mount: %q must be a clean absolute path", dir))
		}
	}
	if c.ContainerUser != "" && !userNumbers.MatchString(c.ContainerUser) {
		faults = append(faults, fmt.Errorf("--container-user: %q must be numbers, such as 988:988", c.ContainerUser))
	}
	for _, n := range []struct {
		flag  string
		value float64
	}{
		{"cpu", c.CPU}, {"reserve-cpu", c.ReserveCPU},
	} {
		if n.value < 0 {
			faults = append(faults, fmt.Errorf("--%s: %g cores cannot be", n.flag, n.value))
		}
	}
	return errors.Join(faults...)
}

// userNumbers is how a user is written where names mean nothing.
var userNumbers = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

func (c Config) declared() spec.Resources {
	return spec.Resources{CPU: spec.CPUFromCores(c.CPU), Memory: c.Memory, Disk: c.Disk}
}

func (c Config) reserve() spec.Resources {
	return spec.Resources{CPU: spec.CPUFromCores(c.ReserveCPU), Memory: c.ReserveMemory, Disk: c.ReserveDisk}
}

// tls trusts the authority that was named, or else the system's.
func (c Config) tls() (*tls.Config, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca-file: %s holds no certificate in PEM", c.CAFile)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// logger writes to out, for people on a terminal and for machines elsewhere.
func (c Config) logger(out io.Writer) *slog.Logger {
	text := c.LogFormat == "text"
	if f, isFile := out.(*os.File); isFile && c.LogFormat == "auto" {
		info, err := f.Stat()
		text = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if text {
		return slog.New(tint.NewHandler(out, &tint.Options{Level: c.LogLevel, NoColor: c.LogFormat == "text"}))
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: c.LogLevel}))
}
