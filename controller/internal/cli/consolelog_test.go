package cli_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// cable is a way to the controller that can be cut.
type cable struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// lay lays a cable to a server, and answers its address.
func lay(t *testing.T, server string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &cable{Listener: l}
	var work sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close() // ends the loop below
		w.cut()
		work.Wait()
	})
	work.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(server, "http://"))
			if err != nil {
				_ = near.Close() // as the server would
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			work.Go(func() { _, _ = io.Copy(near, far); _ = near.Close() }) // it ends when it is cut
			work.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
		}
	})
	return w
}

func (w *cable) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close() // that is the point
	}
	w.conns = nil
}

func TestALogThatIsCutLosesAndDoublesNothing(t *testing.T) {
	s := signedIn(t)
	s.machine("edge-1")
	s.ok("egg", "create", "Console", "-f", s.eggFile(console))
	s.ok("container", "create", "web", "--egg", "Console", "--node", "edge-1", "--cpu", "0.5", "--memory", "64m", "--disk", "1g")
	line := lay(t, s.server)
	far := *s
	far.server, far.profiles = "http://"+line.Addr().String(), filepath.Join(t.TempDir(), "profiles")
	far.ok("login", "--email", "admin@lormas.local", "--password", password)
	log := far.begin("container", "logs", "web", "--follow", "--tail", "1000")
	attached := far.begin("container", "attach", "web")
	typist := s.begin("container", "attach", "web")
	want := "up\n"
	for n := range 12 {
		if n%3 == 2 {
			line.cut()
		}
		if _, err := fmt.Fprintf(typist.typed, "%d\n", n); err != nil {
			t.Fatal(err)
		}
		want += fmt.Sprintf("heard %d\n", n)
		s.eventually("the typist has his answer", func() bool { return strings.Contains(typist.String(), fmt.Sprintf("heard %d\n", n)) })
	}
	for what, r := range map[string]*running{"logs": log, "attach": attached} {
		s.eventually("all of it came", func() bool { return strings.HasSuffix(r.String(), "heard 11\n") })
		if got := r.String(); got != want {
			t.Errorf("%s printed %q, want %q", what, got, want)
		}
	}
}
