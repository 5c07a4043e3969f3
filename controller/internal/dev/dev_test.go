package dev

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lormas/lormas/shared/localdb"
)

func wantMessage(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want a message with %q", err, part)
		}
	}
}

func TestAdviceNamesTheNextStep(t *testing.T) {
	missing := &localdb.NotInstalledError{Program: "Redis", Package: "redis-server"}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"full disk":           {fmt.Errorf("write: %w", syscall.ENOSPC), "df -h /state"},
		"full disk of Docker": {errors.New("load image: write /x: no space left on device"), "df -h /state"},
		"read-only disk":      {fmt.Errorf("mkdir: %w", syscall.EROFS), "--state-dir"},
		"permission":          {fmt.Errorf("open: %w", fs.ErrPermission), "run this as root"},
		"missing program":     {fmt.Errorf("start Redis: %w", missing), "apt-get install"},
		"anything else":       {errors.New("the moon is full"), "the moon is full"},
		"directory in use":    {fmt.Errorf("%w: process 7 runs a server", localdb.ErrInUse), "process 7"},
		"permission by EPERM": {fmt.Errorf("chown: %w", syscall.EPERM), "--state-dir"},
	} {
		t.Run(name, func(t *testing.T) {
			got := advise(c.err, "/state")
			wantMessage(t, got, c.want)
			if !errors.Is(got, c.err) {
				t.Error("the cause is lost")
			}
		})
	}
	if err := advise(nil, "/state"); err != nil {
		t.Errorf("advice where nothing is wrong: %v", err)
	}
}

func TestCheckFree(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	wantMessage(t, checkFree("--mqtt", address), "port "+port+" is in use", "ss -ltnp", "--mqtt")
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if err := checkFree("--mqtt", address); err != nil {
		t.Error(err)
	}
	wantMessage(t, checkFree("--mqtt", "nonsense"), "--mqtt")
}

func TestOneRunPerStateDirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openState(dir)
	wantMessage(t, err, "runs already, as process "+strconv.Itoa(os.Getpid()), "--state-dir")
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}

func TestChosenSocket(t *testing.T) {
	for host, want := range map[string]string{
		"":                    systemSocket,
		"unix:///tmp/d.sock":  "/tmp/d.sock",
		"tcp://10.1.2.3:2375": "",
	} {
		got, err := chosenSocket(host)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q, %v; want %q", host, got, err, want)
		}
	}
}

func TestWhatStandsInTheWayOfAPrivateEngine(t *testing.T) {
	installed := func(name string) (string, error) { return "/usr/sbin/" + name, nil }
	absent := func(string) (string, error) { return "", exec.ErrNotFound }
	if err := canStartEngine(0, installed); err != nil {
		t.Error(err)
	}
	wantMessage(t, canStartEngine(0, absent), "apt-get install -y --no-install-recommends docker.io")
	wantMessage(t, canStartEngine(1000, absent), "docker.io")
	wantMessage(t, canStartEngine(1000, installed), "sudo systemctl start docker", "run this as root")
}

func TestStepsAreShownWithTheirTime(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	s := steps{out: &out, now: func() time.Time { return clock }}
	if err := s.do("Postgres", func() (string, error) {
		clock = clock.Add(1500 * time.Millisecond)
		return "ready", nil
	}); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no luck")
	if err := s.do("Redis", func() (string, error) { return "", cause }); !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "Redis: ") {
		t.Errorf("got %v", err)
	}
	want := "  Postgres                 1.5 s  ready\n  Redis                  failed\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
