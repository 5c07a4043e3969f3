package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lormas/lormas/controller/internal/client"
)

func TestSignIn(t *testing.T) {
	s := newSite(t)
	s.fails(3, "lormas login", "node", "list")
	s.fails(3, "not right", "login", "--email", "admin@lormas.local", "--password", "wrong")
	s.fails(1, "--email", "login")
	s.fails(1, "LORMAS_PASSWORD", "login", "--email", "admin@lormas.local")
	if _, errs, code := runWith(t, "\n", "login", "--server", s.server, "--profiles", s.profiles, "--email", "admin@lormas.local", "--password-stdin"); code != 1 || !strings.Contains(errs, "first line is empty") {
		t.Errorf("an empty line as a password: code %d, %s", code, errs)
	}
	if _, errs, code := runWith(t, password+"\n", "login", "--server", s.server, "--profiles", s.profiles, "--email", "admin@lormas.local", "--password-stdin"); code != 0 {
		t.Errorf("a password from the standard input: code %d, %s", code, errs)
	}
	out := s.ok("login", "--email", "admin@lormas.local", "--password", password)
	if !strings.Contains(out, s.profiles) {
		t.Errorf("it does not say where the sign-in is kept: %s", out)
	}
	info, err := os.Stat(s.profiles)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info.Mode(), err)
	}
	if out := s.ok("whoami"); !strings.Contains(out, "admin@lormas.local") {
		t.Errorf("whoami: %s", out)
	}
	if err := os.Chmod(s.profiles, 0o644); err != nil {
		t.Fatal(err)
	}
	s.fails(1, "chmod 600", "whoami")
	if err := os.Chmod(s.profiles, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := run(t, "whoami", "--profiles", s.profiles, "--server", "http://127.0.0.2:1"); code == 0 || !strings.Contains(errs, "--as") {
		t.Errorf("a session was shown to another server: code %d, %s", code, errs)
	}
	before := s.profile()
	s.ok("logout")
	s.fails(3, "lormas login", "whoami")
	if _, errs, code := run(t, "whoami", "--server", s.server, "--token", before.Access); code != 3 {
		t.Errorf("the session goes on after the sign-out: code %d, %s", code, errs)
	}
	s.ok("logout") // again
}

// profile is what the file holds.
func (s *site) profile() client.Profile {
	s.t.Helper()
	text, err := os.ReadFile(s.profiles)
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]client.Profile{}
	if err := json.Unmarshal(text, &all); err != nil {
		s.t.Fatal(err)
	}
	return all[client.Default]
}

// age makes the access token of the profile one that must be renewed.
func (s *site) age() {
	s.t.Helper()
	p := s.profile()
	p.Expires = time.Now().Add(-time.Minute)
	profiles, err := client.OpenProfiles(s.profiles)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := profiles.Save(client.Default, p); err != nil {
		s.t.Fatal(err)
	}
}

// A refresh token is good once: programs that share a profile must not end
// each other's session.
func TestManyProgramsShareASession(t *testing.T) {
	s := signedIn(t)
	for range 3 {
		s.age()
		first := s.profile()
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if _, errs, code := s.run("node", "list"); code != 0 {
					t.Errorf("code %d: %s", code, errs)
				}
			})
		}
		all.Wait()
		if s.profile().Refresh == first.Refresh {
			t.Fatal("nothing was renewed")
		}
	}
}

func TestATokenIsAProfileToo(t *testing.T) {
	s := signedIn(t)
	token := strings.TrimSpace(s.ok("token", "create", "viewer", "-p", "node:view", "--for", "1h"))
	s.ok("login", "--as", "viewer", "--token", token)
	s.ok("node", "list", "--as", "viewer")
	s.fails(4, "cluster.view", "cluster", "list", "--as", "viewer")
	s.fails(3, "not valid", "login", "--as", "nobody", "--token", "lormas_wrong")
	id := strings.TrimSpace(s.ok("token", "list", "-o", "id"))
	s.ok("token", "revoke", id)
	s.fails(3, "not valid", "node", "list", "--as", "viewer")
}
