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

func TestRolesAndWhoHasThem(t *testing.T) {
	s := signedIn(t)
	s.ok("node", "create", "edge-1")
	s.ok("node", "create", "edge-2")
	s.ok("user", "create", "jane@example.org", "--role", "Viewer")
	s.ok("role", "create", "Keeper", "--parent", "Viewer", "-p", "node:cordon", "--description", "keeps nodes")
	s.ok("role", "edit", "Keeper", "--add", "node.drain", "--remove", "node.cordon")
	var role struct{ Permissions, Inherited []string }
	s.json(&role, "role", "show", "Keeper")
	if len(role.Permissions) != 1 || role.Permissions[0] != "node.drain" || len(role.Inherited) == 0 {
		t.Errorf("the role is %+v", role)
	}
	binding := s.ok("role", "bind", "jane@example.org", "Keeper", "--node", "edge-1", "-o", "id")
	if out := s.ok("role", "bindings"); !strings.Contains(out, "jane@example.org") || !strings.Contains(out, "Keeper") {
		t.Errorf("the table:\n%s", out)
	}
	if out := s.ok("can", "jane@example.org", "node:drain", "node/edge-1"); !strings.Contains(out, "through the role Keeper for the node") {
		t.Errorf("why:\n%s", out)
	}
	s.fails(4, "only through the role Keeper", "can", "jane@example.org", "node.drain", "node/edge-2")
	s.ok("can", "me", "user.delete")
	s.fails(2, "is no target", "can", "me", "node.drain", "edge-1")
	s.fails(5, "bound", "role", "delete", "Keeper")
	s.fails(5, "comes with Lormas", "role", "edit", "Viewer", "--add", "node.drain")
	s.ok("role", "unbind", strings.TrimSpace(binding))
	s.fails(4, "no role gives", "can", "jane@example.org", "node.drain", "node/edge-1")
	s.ok("role", "delete", "Keeper")
}
