package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config is a controller's configuration. The tags are its documentation.
type Config struct {
	HTTPListen  string `name:"http-listen" default:"127.0.0.1:7070" placeholder:"ADDRESS" help:"Where the API and the dashboard listen. MQTT over WebSocket is there, too, at /mqtt (default: ${default})."`
	HTTPTLS     bool   `name:"http-tls" help:"Speak HTTPS on --http-listen, with --tls-cert and --tls-key."`
	MQTTListen  string `name:"mqtt-listen" default:"127.0.0.1:1883" placeholder:"ADDRESS" help:"Where agents connect; empty: nowhere (default: ${default})."`
	MQTTSListen string `name:"mqtts-listen" placeholder:"ADDRESS" help:"Where agents connect over TLS, such as 0.0.0.0:8883; empty: nowhere."`
	TLSCert     string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain in PEM."`
	TLSKey      string `name:"tls-key" placeholder:"FILE" help:"Its private key in PEM."`

	PublicURL      string   `name:"public-url" placeholder:"URL" help:"How people reach the API, such as https://lormas.example. Empty: as it listens."`
	AgentURL       string   `name:"agent-url" placeholder:"URL" help:"How agents reach the broker, such as mqtts://lormas.example:8883, with a comma between several; it is in the command line for a new node. Empty: as it listens."`
	AllowedOrigins []string `name:"allowed-origins" sep:"," placeholder:"ORIGIN" help:"Web pages of other hosts that may connect to /mqtt."`

	BrokerURL      string `name:"broker-url" placeholder:"URL" help:"An MQTT broker that agents connect to instead, such as mqtts://broker.example:8883; see deploy/mosquitto and deploy/nats. People are served here all the same."`
	BrokerUser     string `name:"broker-user" default:"controller" placeholder:"NAME" help:"The controller's user at --broker-url (default: ${default})."`
	BrokerPassword string `name:"broker-password" placeholder:"PASSWORD" help:"Its password; better through LORMAS_BROKER_PASSWORD_FILE."`
	BrokerCA       string `name:"broker-ca" placeholder:"FILE" help:"Authority that signed the broker's certificate, in PEM. Empty: those of the system."`

	DatabaseURL string `name:"database-url" placeholder:"URL" help:"Postgres, such as postgres://lormas:secret@db:5432/lormas."`
	RedisURL    string `name:"redis-url" placeholder:"URL" help:"Redis, such as redis://cache:6379/0."`
	StateDir    string `name:"state-dir" default:"/var/lib/lormas" placeholder:"DIR" help:"Where this controller keeps who it is and, unless --signing-key names a file, the key that signs all tokens (default: ${default})."`

	SecretKey         string        `name:"secret-key" placeholder:"FILE" help:"The keys that seal secrets in the database, as a file, or the keys themselves (LORMAS_SECRET_KEY_FILE hands those over); controllers of one database share them. Empty: secret.key in --state-dir, made at the first start."`
	SigningKey        string        `name:"signing-key" placeholder:"FILE" help:"The key that signs all tokens; controllers of one database share one. Empty: signing.key in --state-dir, made at the first start."`
	ReplaceSigningKey bool          `name:"replace-signing-key" help:"Start although other controllers of this database, which must have stopped, had another key. Ends all sessions and node credentials."`
	ControllerLease   time.Duration `name:"controller-lease" placeholder:"DURATION" help:"How long another controller waits before it takes over from this one. Empty: 15s while another stands by, else 5m, so that a short outage of Postgres stops nothing."`

	Profile string `name:"profile" default:"standard" placeholder:"NAME" help:"How fast nodes without a cluster are given up: standard (30 s), fast (8 s), lan (5 s) or metered (180 s); clusters have their own (default: ${default})."`

	AdminEmail    string `name:"admin-email" default:"admin@lormas.local" placeholder:"EMAIL" help:"The first superuser, made at the first start (default: ${default})."`
	AdminPassword string `name:"admin-password" placeholder:"PASSWORD" help:"Its password; better through LORMAS_ADMIN_PASSWORD_FILE. Empty: one is generated and printed once."`
	Dev           bool   `name:"-" kong:"-"` // lormas dev: the well-known first password, good only for changing it

	EggNetworks []netip.Prefix `name:"egg-networks" sep:"," placeholder:"NETWORK" help:"Private networks, such as 10.0.0.0/8, that eggs may be fetched from by their address, too. Empty: public addresses only."`

	AuditKeep time.Duration `name:"audit-keep" default:"8760h" placeholder:"DURATION" help:"How long the audit trail is kept; 0: for ever (default: ${default})."`

	LogFormat string `name:"log-format" default:"auto" placeholder:"FORMAT" help:"auto, text or json; auto is text on a terminal (default: ${default})."`
	LogLevel  string `name:"log-level" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error (default: ${default})."`
}

// Bounds of ControllerLease: a shorter one ends between two renewals on a busy
// machine.
const (
	minLease = time.Second
	maxLease = time.Hour
)

// Validate finds everything that is wrong, at once.
func (c Config) Validate() error {
	var faults []error
	add := func(flag, format string, args ...any) {
		faults = append(faults, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}
	c.checkListeners(add)
	c.checkURLs(add)
	if !filepath.IsAbs(c.StateDir) {
		add("state-dir", "%q must be an absolute path", c.StateDir)
	}
	if !strings.Contains(c.AdminEmail, "@") {
		add("admin-email", "%q is not an e-mail address", c.AdminEmail)
	}
	if c.ControllerLease != 0 && (c.ControllerLease < minLease || c.ControllerLease > maxLease) {
		add("controller-lease", "%s is out of bounds: choose between %s and %s, or leave it out", c.ControllerLease, minLease, maxLease)
	}
	if c.AuditKeep < 0 {
		add("audit-keep", "%s is less than nothing: write a duration such as 8760h, or 0 for ever", c.AuditKeep)
	}
	oneOf(add, "profile", c.Profile, "standard", "fast", "lan", "metered")
	oneOf(add, "log-format", c.LogFormat, "auto", "text", "json")
	oneOf(add, "log-level", c.LogLevel, "debug", "info", "warn", "error")
	return errors.Join(faults...)
}

type addFault func(flag, format string, args ...any)

func (c Config) checkListeners(add addFault) {
	if c.HTTPListen == "" {
		add("http-listen", "the API must listen somewhere, such as 127.0.0.1:7070")
	}
	for flag, addr := range map[string]string{"http-listen": c.HTTPListen, "mqtt-listen": c.MQTTListen, "mqtts-listen": c.MQTTSListen} {
		if _, _, err := net.SplitHostPort(addr); addr != "" && err != nil {
			add(flag, "%q is not an address: write it like 0.0.0.0:7070 or :7070", addr)
		}
	}
	if _, err := os.Stat(c.BrokerCA); c.BrokerCA != "" && err != nil {
		add("broker-ca", "%v", err)
	}
	needed := c.HTTPTLS || c.MQTTSListen != ""
	for flag, file := range map[string]string{"tls-cert": c.TLSCert, "tls-key": c.TLSKey} {
		if file == "" {
			if needed {
				add(flag, "is needed for --http-tls and --mqtts-listen")
			}
			continue
		}
		if _, err := os.Stat(file); err != nil {
			add(flag, "%v", err)
		}
	}
}

func (c Config) checkURLs(add addFault) {
	checkURL(add, "database-url", c.DatabaseURL, true, "postgres", "postgresql")
	checkURL(add, "redis-url", c.RedisURL, true, "redis", "rediss", "unix")
	checkURL(add, "broker-url", c.BrokerURL, false, "mqtt", "mqtts", "tcp", "tls", "ssl", "ws", "wss")
	if c.BrokerURL != "" && c.BrokerPassword == "" {
		add("broker-password", "is needed for --broker-url: the controller's own, see lormas broker passwords")
	}
	checkURL(add, "public-url", c.PublicURL, false, "http", "https")
	for _, one := range strings.Split(c.AgentURL, ",") {
		checkURL(add, "agent-url", one, false, "mqtt", "mqtts", "tcp", "tls", "ssl", "ws", "wss")
	}
	for _, origin := range c.AllowedOrigins {
		checkURL(add, "allowed-origins", origin, false, "http", "https")
	}
}

// checkURL never repeats a url in full: it may hold a password.
func checkURL(add addFault, flag, text string, required bool, schemes ...string) {
	if text == "" {
		if required {
			add(flag, "is needed: say where it is, as %s://…", schemes[0])
		}
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		add(flag, "this is not a URL: write it as %s://host:port", schemes[0])
		return
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return
		}
	}
	add(flag, "must begin with %s://, not %q", strings.Join(schemes, ":// or "), u.Scheme)
}

func oneOf(add addFault, flag, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	add(flag, "%q is not one of %s", value, strings.Join(allowed, ", "))
}
