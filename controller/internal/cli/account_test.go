package cli_test

import (
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/pquerna/otp/totp"
	"golang.org/x/sys/unix"

	"github.com/lormas/lormas/controller/internal/cli"
)

// desk is a command on a terminal, and somebody in front of it.
type desk struct {
	*running
	site *site
	keys *os.File
	stop func() // as Ctrl-C does
	read int    // how much of the screen was answered
}

// sit runs a command on a terminal of its own.
func (s *site) sit(args ...string) *desk {
	s.t.Helper()
	keys, tty, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	d := &desk{running: &running{ended: make(chan int, 1)}, site: s, keys: keys, stop: stop}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(d, keys) // until the other end is closed
	}()
	over := make(chan struct{})
	go func() {
		defer close(over)
		code := cli.Run(ctx, append(args, "--profiles", s.profiles, "--server", s.server), cli.Streams{In: tty, Out: tty, Err: tty})
		_ = tty.Close() // so that all that was said is on the screen
		<-shown
		d.ended <- code
	}()
	s.t.Cleanup(func() {
		stop()
		_ = keys.Close() // a question ends without an answer
		<-over
	})
	return d
}

// answer waits for a question and types, which must not be seen.
func (d *desk) answer(question, text string) {
	d.site.t.Helper()
	d.site.eventually("it asks: "+question, func() bool { return d.asked(question) })
	d.read = len(d.String())
	if _, err := d.keys.WriteString(text + "\n"); err != nil {
		d.site.t.Fatal(err)
	}
	d.site.eventually("it takes the answer", func() bool { return strings.Contains(d.String()[d.read:], "\r\n") })
	if strings.HasPrefix(d.String()[d.read:], text) {
		d.site.t.Errorf("%q was shown on the terminal", text)
	}
}

// asked reports whether the question is there, and nothing will be shown of
// what is typed.
func (d *desk) asked(question string) bool {
	return !d.echoes() && strings.HasSuffix(d.String()[d.read:], question+": ")
}

// echoes reports whether the terminal shows what is typed.
func (d *desk) echoes() bool {
	d.site.t.Helper()
	raw, err := d.keys.SyscallConn() // Fd would make reads of it unstoppable
	if err != nil {
		d.site.t.Fatal(err)
	}
	var now *unix.Termios
	if raw.Control(func(fd uintptr) { now, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }) != nil || err != nil {
		d.site.t.Fatalf("the terminal cannot be asked: %v", err)
	}
	return now.Lflag&unix.ECHO != 0
}

// ends wants a command to end with a code and, among others, words; it
// answers the screen.
func (d *desk) ends(code int, words string) string {
	d.site.t.Helper()
	if got := <-d.ended; got != code || !strings.Contains(d.String(), words) {
		d.site.t.Fatalf("code %d, want %d and %q\n%s", got, code, words, d)
	}
	return d.String()
}

var (
	secretIn   = regexp.MustCompile(`secret=([A-Z2-7]+)`)
	recoveryIn = regexp.MustCompile(`(?m)^\w{4}-\w{4}-\w{4}-\w{4}\r?$`)
)

const (
	askPassword = "Your password"
	askFirst    = "The code that it shows"
	askFactor   = "Code of your second factor (or a recovery code)"
	askLogin    = "Password of admin@lormas.local"
	loginAdmin  = "login --email admin@lormas.local"
)

func (s *site) login(code string) *desk {
	s.t.Helper()
	d := s.sit(strings.Fields(loginAdmin)...)
	d.answer(askLogin, password)
	d.answer(askFactor, code)
	return d
}

// codeOf is the code of a secret some steps from now.
func codeOf(t *testing.T, secret string, steps time.Duration) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(steps*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestASecondFactorOnATerminal(t *testing.T) {
	s := newSite(t)
	d := s.sit(strings.Fields(loginAdmin)...)
	d.answer(askLogin, password)
	d.ends(0, "Signed in")

	d = s.sit("account", "totp", "enable")
	d.answer(askPassword, "not my password")
	d.ends(2, "present password")

	d = s.sit("account", "totp", "enable")
	d.answer(askPassword, password)
	s.eventually("the seed is shown", func() bool { return d.asked(askFirst) })
	secret := secretIn.FindStringSubmatch(d.String())[1]
	if !strings.Contains(d.String(), "▀") {
		t.Errorf("no QR code was drawn:\n%s", d)
	}
	d.answer(askFirst, "000000")
	d.answer(askFirst, codeOf(t, secret, 0))
	codes := recoveryIn.FindAllString(d.ends(0, "code is not right"), -1)
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes were shown:\n%s", len(codes), d)
	}
	if out := s.ok("account", "totp", "status"); out != "totp: true\nrecoveryCodes: 10\n" {
		t.Errorf("the status is\n%s", out)
	}
	d = s.sit("account", "totp", "enable")
	d.answer(askPassword, password)
	d.ends(5, "second factor")

	s.ok("logout")
	s.login("000000").ends(3, "the code is not right")
	s.login(codeOf(t, secret, 1)).ends(0, "Signed in")
	s.login(codeOf(t, secret, 1)).ends(3, "was used before")
	s.login(strings.ToLower(codes[0])).ends(0, "Signed in")
	s.login(codes[0]).ends(3, "the code is not right")
	s.fails(1, "on a terminal", append(strings.Fields(loginAdmin), "--password", password)...)

	d = s.sit("account", "totp", "disable")
	d.answer(askPassword, password)
	d.answer(askFactor, codes[0])
	d.ends(2, "code is not right")
	d = s.sit("account", "totp", "disable")
	d.answer(askPassword, password)
	d.answer(askFactor, codes[1])
	d.ends(0, "no second factor any more")
	s.ok(append(strings.Fields(loginAdmin), "--password", password)...)
}

// In a script, answers come line by line; what must be kept is alone in the
// output.
func TestASecondFactorInAScript(t *testing.T) {
	s := signedIn(t)
	enable := s.begin("account", "totp", "enable")
	enable.types(t, password)
	s.eventually("the seed is shown", func() bool { return secretIn.MatchString(enable.errs(t)) })
	secret := secretIn.FindStringSubmatch(enable.errs(t))[1]
	if strings.Contains(enable.errs(t), "▀") {
		t.Error("a QR code was drawn into a file")
	}
	enable.types(t, codeOf(t, secret, 0))
	if code := <-enable.ended; code != 0 {
		t.Fatalf("code %d\n%s", code, enable.errs(t))
	}
	codes := strings.Fields(enable.String())
	if len(codes) != 10 {
		t.Fatalf("the output is %q", enable)
	}
	anew := s.begin("account", "totp", "recovery-codes")
	anew.types(t, password+"\n"+codes[0])
	if code := <-anew.ended; code != 0 || len(strings.Fields(anew.String())) != 10 {
		t.Fatalf("code %d: %s%s", code, anew, anew.errs(t))
	}
	old := s.begin("account", "totp", "disable")
	old.types(t, password+"\r\n"+codes[1])
	if code := <-old.ended; code != 2 || !strings.Contains(old.errs(t), "code is not right") {
		t.Errorf("code %d: %s", code, old.errs(t))
	}
	s.fails(1, "standard input", "account", "totp", "disable")
	s.fails(1, "Code of your second factor", "account", "totp", "disable", "--password", password)
}

func TestATerminalIsLeftAsItWas(t *testing.T) {
	s := newSite(t)
	d := s.sit(strings.Fields(loginAdmin)...)
	s.eventually("it asks", func() bool { return d.asked(askLogin) })
	d.stop()
	s.eventually("what is typed is shown again", func() bool { return d.echoes() })
	if _, err := d.keys.WriteString("\n"); err != nil { // for who still reads
		t.Fatal(err)
	}
	d.ends(1, "stopped")
}

func (r *running) types(t *testing.T, text string) {
	t.Helper()
	if _, err := r.typed.WriteString(text + "\n"); err != nil {
		t.Fatal(err)
	}
}

func (r *running) errs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.told)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
