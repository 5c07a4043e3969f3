package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/controller/internal/config"
)

func source(env map[string]string) config.Source {
	return config.Source{Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var needed = map[string]string{
	"LORMAS_DATABASE_URL": "postgres://db/lormas",
	"LORMAS_REDIS_URL":    "redis://cache",
}

func with(more map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{needed, more} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

func TestOrderOfSources(t *testing.T) {
	file := write(t, "LORMAS_HTTP_LISTEN=:1\nLORMAS_MQTT_LISTEN=:1\nLORMAS_LOG_LEVEL=\"debug\"\n# a comment\n")
	s := source(with(map[string]string{"LORMAS_HTTP_LISTEN": ":2", "LORMAS_MQTT_LISTEN": ":2"}))
	var err error
	if s.File, err = config.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]string{"--http-listen", ":3"}, s)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.HTTPListen, c.MQTTListen, c.LogLevel, c.LogFormat}
	want := []string{":3", ":2", "debug", "auto"} // flag, environment, file, default
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	c, err := config.Load(nil, source(with(map[string]string{"LORMAS_ADMIN_PASSWORD_FILE": write(t, "s3cret\n")})))
	if err != nil || c.AdminPassword != "s3cret" {
		t.Errorf("%q, %v", c.AdminPassword, err)
	}
	_, err = config.Load(nil, source(with(map[string]string{"LORMAS_ADMIN_PASSWORD_FILE": "/no/such/file"})))
	if err == nil || !strings.Contains(err.Error(), "LORMAS_ADMIN_PASSWORD_FILE") {
		t.Errorf("a missing file gave %v", err)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := config.Load([]string{
		"--http-listen=nowhere", "--mqtts-listen=:8883", "--redis-url=http://cache", "--state-dir=here",
		"--log-level=loud", "--profile=custom", "--admin-email=me", "--agent-url=:%",
	}, source(nil))
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, flag := range []string{"http-listen", "tls-cert", "tls-key", "database-url", "redis-url", "state-dir", "log-level", "profile", "admin-email", "agent-url"} {
		if !strings.Contains(err.Error(), "--"+flag+":") {
			t.Errorf("--%s is not among the faults:\n%v", flag, err)
		}
	}
}

func TestFaultsRepeatNoPassword(t *testing.T) {
	_, err := config.Load([]string{"--database-url=mysql://u:s3cret@db", "--redis-url=redis://u:s3cret@x:%"}, source(nil))
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownNamesInTheFile(t *testing.T) {
	s := source(needed)
	s.File = map[string]string{"LORMAS_HTPT_LISTEN": ":1"}
	if _, err := config.Load(nil, s); err == nil || !strings.Contains(err.Error(), "LORMAS_HTPT_LISTEN") {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"nonsense", "HTTP_LISTEN=:1", "LORMAS_A=1\nLORMAS_A=2"} {
		if _, err := config.ReadFile(write(t, text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// The example is what people begin with: every name in it, also of those
// commented out, is a setting, and every setting is in it.
func TestTheExampleFits(t *testing.T) {
	const example = "../../../deploy/config/lormas.env.example"
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	values, err := config.ReadFile(write(t, strings.ReplaceAll(string(text), "# LORMAS_", "LORMAS_")))
	if err != nil {
		t.Fatal(err)
	}
	settings := reflect.TypeFor[config.Config]()
	for field := range settings.Fields() {
		if flag := field.Tag.Get("name"); flag != "-" {
			delete(values, config.Variable(flag))
			delete(values, config.Variable(flag)+"_FILE")
			if !strings.Contains(string(text), config.Variable(flag)) {
				t.Errorf("%s is not in the example", config.Variable(flag))
			}
		}
	}
	for name := range values {
		t.Errorf("the example has %s, which is no setting", name)
	}
	s := source(nil)
	if s.File, err = config.ReadFile(example); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(nil, s); err != nil {
		t.Errorf("the example as it is: %v", err)
	}
}
