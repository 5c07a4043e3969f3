package cli_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lormas/lormas/controller/internal/app"
	"github.com/lormas/lormas/controller/internal/cli"
	"github.com/lormas/lormas/controller/internal/config"
	"github.com/lormas/lormas/controller/internal/testkit"
)

const password = "correct horse battery staple"

// run carries a command line out and answers what it printed.
func run(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	return runWith(t, "", args...)
}

// runWith is run with a text on the standard input.
func runWith(t *testing.T, input string, args ...string) (out, errs string, code int) {
	t.Helper()
	given := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(given, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "errors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := os.Open(given)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var printed bytes.Buffer
	code = cli.Run(t.Context(), args, cli.Streams{In: in, Out: &printed, Err: file})
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return printed.String(), string(text), code
}

// site is a running controller, and somebody's settings.
type site struct {
	t        *testing.T
	main     *app.Main
	server   string
	profiles string
}

// newSite runs a controller. Nobody is signed in.
func newSite(t *testing.T) *site {
	t.Helper()
	c := config.Default()
	c.HTTPListen, c.MQTTListen, c.AdminPassword, c.StateDir = "127.0.0.1:0", "127.0.0.1:0", password, t.TempDir()
	c.EggNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c.DatabaseURL, c.RedisURL = testkit.PostgresURL(t), testkit.Redis(t).URL
	main, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler), Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- main.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &site{t: t, main: main, server: main.URL(), profiles: filepath.Join(t.TempDir(), "settings", "profiles.json")}
}

// signedIn runs a controller at which the administrator is signed in.
func signedIn(t *testing.T) *site {
	s := newSite(t)
	s.ok("login", "--email", "admin@lormas.local", "--password", password)
	return s
}

// run carries a command line out at the site.
func (s *site) run(args ...string) (out, errs string, code int) {
	s.t.Helper()
	args = append(args, "--profiles", s.profiles)
	if !slices.Contains(args, "--server") && args[0] != "logout" {
		args = append(args, "--server", s.server)
	}
	return run(s.t, args...)
}

// ok is run for what must end well; it answers what was printed.
func (s *site) ok(args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(args...)
	if code != 0 {
		s.t.Fatalf("%s: code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// fails is run for what must not; it wants a code, and words on what to do.
func (s *site) fails(code int, words string, args ...string) {
	s.t.Helper()
	out, errs, got := s.run(args...)
	if got != code || !strings.Contains(errs, words) {
		s.t.Errorf("%s: code %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, words, out, errs)
	}
}

func TestNodeAdd(t *testing.T) {
	server := newSite(t).server
	out, errs, code := run(t, "node", "add", "edge-1", "--server", server, "--email", "admin@lormas.local", "--password", password)
	if code != 0 || !strings.Contains(out, "LORMAS_AGENT_TOKEN='ey") || !strings.Contains(out, "lormas-agent --controller mqtt://127.0.0.1:") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"the name is taken": {[]string{"edge-1", "--email", "admin@lormas.local", "--password", password}, `the name "edge-1" is taken`},
		"a bad name":        {[]string{"-x y", "--email", "admin@lormas.local", "--password", password}, "unknown flag"},
		"a wrong password":  {[]string{"edge-2", "--email", "admin@lormas.local", "--password", "wrong"}, "password"},
		"no password":       {[]string{"edge-2", "--email", "admin@lormas.local"}, "LORMAS_PASSWORD"},
		"nobody":            {[]string{"edge-2"}, "--token"},
		"a wrong token":     {[]string{"edge-2", "--token", "lormas_x"}, "token is not valid"},
		"nobody there":      {[]string{"edge-2", "--token", "x", "--server", "http://127.0.0.1:1"}, "Is the controller running"},
	} {
		args := append([]string{"node", "add", "--server", server, "--profiles", filepath.Join(t.TempDir(), "none")}, c.args...)
		if out, errs, code := run(t, args...); code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: code %d, want %q\n%s%s", name, code, c.want, out, errs)
		}
	}
}

func TestMigrateAndSeed(t *testing.T) {
	url := testkit.PostgresURL(t)
	if out, errs, code := run(t, "migrate", "--database-url", url); code != 0 || !strings.Contains(out, "up to date") {
		t.Errorf("migrate: code %d\n%s%s", code, out, errs)
	}
	if out, errs, code := run(t, "seed", "--database-url", url); code != 0 || !strings.Contains(out, "shown this once") {
		t.Errorf("seed: code %d\n%s%s", code, out, errs)
	}
	if out, errs, code := run(t, "seed", "--database-url", url); code != 0 || !strings.Contains(out, "nothing was changed") {
		t.Errorf("a second seed: code %d\n%s%s", code, out, errs)
	}
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no command":    {nil, "expected one of"},
		"no such flag":  {[]string{"serve", "--nonsense"}, "unknown flag"},
		"no database":   {[]string{"migrate"}, "--database-url"},
		"a bad setting": {[]string{"serve", "--log-level", "loud"}, "--log-level"},
	} {
		if _, errs, code := run(t, c.args...); code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: code %d, want %q\n%s", name, code, c.want, errs)
		}
	}
	if out, _, code := run(t, "--help"); code != 0 || !strings.Contains(out, "node create") {
		t.Errorf("help: code %d\n%s", code, out)
	}
	if out, _, code := run(t, "version"); code != 0 || !strings.HasPrefix(out, "lormas ") {
		t.Errorf("version: code %d\n%s", code, out)
	}
}
