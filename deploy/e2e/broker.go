package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// A broker that is not the controller's own: mosquitto, which knows the nodes
// from the files that "lormas broker passwords" writes.

const (
	brokerURL   = "mqtt://" + brokerIP + ":" + mqttPort
	brokerGroup = "mosquitto" // mosquitto reads its files as this when it is told to
)

func (l *Lab) brokerDir() string { return filepath.Join(l.dir, "broker") }

func (l *Lab) brokerPasswordFile() string { return filepath.Join(l.dir, "broker-password") }

func (l *Lab) brokerPID() string { return filepath.Join(l.dir, "broker.pid") }

// ownBroker is the broker, where there is one.
func (l *Lab) ownBroker() []*Part {
	if l.Broker == nil {
		return nil
	}
	return []*Part{l.Broker}
}

func (l *Lab) brokerPart() *Part {
	return &Part{Name: "mosquitto", launch: func(context.Context) (instance, error) {
		log, err := l.logs.of("mosquitto")
		if err != nil {
			return nil, err
		}
		config := filepath.Join(l.dir, "mosquitto.conf")
		if err := os.WriteFile(config, []byte(l.brokerConfig()), 0o644); err != nil {
			return nil, err
		}
		// Mosquitto would write its pid as a user who may not write here.
		args := switchNamespace(l.Name).inside("sh", "-c", `echo $$ > "$0" && exec "$@"`, l.brokerPID(), "mosquitto", "-c", config)
		return launchProgram(args, os.Environ(), log)
	}}
}

// brokerConfig is what we were given, with places of the lab's own. The links
// of the lab are nobody else's, so it does without TLS, as the file says.
func (l *Lab) brokerConfig() string {
	return strings.NewReplacer(
		"\nlistener ", "\n# ", "\ncertfile ", "\n# ", "\nkeyfile ", "\n# ",
		"\n# listener "+mqttPort, "\nlistener "+mqttPort+" "+brokerIP,
		"/etc/mosquitto/lormas/", l.brokerDir()+"/",
	).Replace(l.opt.Mosquitto)
}

// makeBrokerDir makes the controllers' password at the broker, and a place for
// the list of users as the README says.
func (l *Lab) makeBrokerDir() error {
	if err := os.WriteFile(l.brokerPasswordFile(), []byte(rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	group, err := user.LookupGroup(brokerGroup)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(group.Gid)
	if err != nil {
		return err
	}
	if err := os.Mkdir(l.brokerDir(), 0o750); err != nil {
		return err
	}
	if err := os.Chown(l.brokerDir(), 0, number); err != nil {
		return err
	}
	return os.Chmod(l.brokerDir(), 0o750|os.ModeSetgid) // whatever the umask
}

// openBroker starts mosquitto. Only the controllers are let in as yet.
func (l *Lab) openBroker(ctx context.Context) error {
	if err := l.listUsers(ctx, ""); err != nil {
		return err
	}
	return l.Broker.Start(ctx)
}

// admit lets in the nodes that there are, and returns when mosquitto knows.
func (l *Lab) admit(ctx context.Context) error {
	if err := l.listUsers(ctx, "kill -HUP $(cat "+l.brokerPID()+")"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	log := filepath.Join(l.logs.dir, l.Broker.Name+".log")
	return Await(ctx, "mosquitto to read its users", func(context.Context) (bool, string, error) {
		text, err := os.ReadFile(log)
		return bytes.Contains(text, []byte("Reloading config")), string(text), err
	})
}

// listUsers writes mosquitto's list of users. It waits for the signing key,
// which the first controller makes, and for the schema.
func (l *Lab) listUsers(ctx context.Context, then string) error {
	args := []string{"broker", "passwords", "--for", "mosquitto", "--out", l.brokerDir(), "--signing-key", l.signingKey()}
	if then != "" {
		args = append(args, "--then", then)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return Await(ctx, "the list of users", func(ctx context.Context) (bool, string, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(l.opt.Bin, "lormas"), args...)
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "LORMAS_BROKER_PASSWORD_FILE=" + l.brokerPasswordFile(),
			"LORMAS_DATABASE_URL=" + l.databaseURL("roster"),
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err == nil, "", err
	})
}
