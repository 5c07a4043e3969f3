package cli_test

import (
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
	s := signedIn(t)
	if out := s.ok("user", "create", "Jane@Example.org", "--name", "Jane"); !strings.Contains(out, "jane@example.org") || !strings.Contains(out, "http") {
		t.Errorf("it was answered:\n%s", out)
	}
	s.ok("user", "edit", "jane@example.org", "--name", "Jane Doe", "--new-email", "doe@example.org")
	if out := s.ok("user", "list"); !strings.Contains(out, "doe@example.org") || !strings.Contains(out, "Jane Doe") {
		t.Errorf("the table:\n%s", out)
	}
	if out := s.ok("user", "reset-password", "doe@example.org"); !strings.Contains(out, "Good once") || !strings.Contains(out, "http") {
		t.Errorf("it was answered:\n%s", out)
	}
	s.ok("user", "disable", "doe@example.org")
	if out := s.ok("user", "show", "doe@example.org"); !strings.Contains(out, "disabled: true") {
		t.Errorf("the user is\n%s", out)
	}
	s.ok("user", "enable", "doe@example.org")
	s.fails(5, "already", "user", "create", "doe@example.org")
	s.fails(2, "e-mail", "user", "create", "doe")
	s.fails(5, "disable yourself", "user", "disable", "admin@lormas.local")
	s.ok("user", "delete", "doe@example.org")
	s.fails(4, "there is no user", "user", "show", "doe@example.org")
}
