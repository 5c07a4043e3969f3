package authn_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authn"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/shared/id"
)

func TestToken(t *testing.T) {
	h := newHouse(t)
	owner := h.actor(h.login().Access)
	token, secret, err := h.CreateToken(t.Context(), owner, authn.NewToken{Name: " grafana ", Permissions: []string{"node:view", "container.*"}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "lormas_") || len(secret) != 71 || token.Name != "grafana" {
		t.Errorf("token %+v, secret of %d characters", token, len(secret))
	}
	actor := h.actor(secret)
	if actor.Kind != fleet.ActorToken || actor.UserID != owner.UserID || actor.ID != uuid.UUID(token.ID) {
		t.Errorf("actor = %+v", actor)
	}
	for verb, want := range map[fleet.Verb]bool{fleet.NodeView: true, fleet.ContainerHACreate: true, fleet.NodeEdit: false, fleet.AuditView: false} {
		if got := actor.Can(verb, authz.Everything); got != want {
			t.Errorf("the token may %s: %v, want %v", verb, got, want)
		}
	}
	if c := must(h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, "x", secret))(t); c.Credential != uuid.UUID(token.ID) || !c.Expires.IsZero() {
		t.Errorf("connection = %+v", c)
	}

	if err := h.RevokeToken(t.Context(), owner, token.ID); err != nil {
		t.Fatal(err)
	}
	_, err = h.Authenticate(t.Context(), authn.Origin{Address: home}, secret)
	wantKind(t, err, fleet.Unauthenticated)
	if !h.wasKicked(uuid.UUID(token.ID)) {
		t.Error("the token's live connections go on")
	}
	wantKind(t, h.RevokeToken(t.Context(), owner, token.ID), fleet.NotFound)
	if h.audited(fleet.TokenCreate, fleet.OutcomeOK) != 1 || h.audited(fleet.TokenRevoke, fleet.OutcomeOK) != 1 {
		t.Error("making and taking back a token leave an audit entry each")
	}
}

func TestTokenExpires(t *testing.T) {
	h := newHouse(t)
	owner := h.actor(h.login().Access)
	end := h.clock().Add(time.Hour)
	_, secret, err := h.CreateToken(t.Context(), owner, authn.NewToken{Name: "ci", Permissions: []string{"*"}, ExpiresAt: &end})
	if err != nil {
		t.Fatal(err)
	}
	if c := must(h.AuthenticateMQTT(t.Context(), authn.Origin{Address: home}, "x", secret))(t); !c.Expires.Equal(end) {
		t.Errorf("the connection ends at %v, want %v", c.Expires, end)
	}
	h.pass(time.Hour)
	_, err = h.Authenticate(t.Context(), authn.Origin{Address: home}, secret)
	wantKind(t, err, fleet.Unauthenticated)
}

func TestTokenGivesNothingThatItsMakerLacks(t *testing.T) {
	h := newHouse(t)
	viewer := authz.Actor{UserID: h.actor(h.login().Access).UserID, Grants: []authz.Grant{{Permission: "node.*", Scope: authz.Global}}}
	past := h.clock()
	_, _, err := h.CreateToken(t.Context(), viewer, authn.NewToken{Permissions: []string{"node.view", "container.view", "nod.view"}, ExpiresAt: &past})
	wantKind(t, err, fleet.Invalid)
	var fields []string
	for _, f := range err.(*fleet.Error).Faults {
		fields = append(fields, f.Field)
	}
	if diff := cmp.Diff([]string{"permissions[1]", "permissions[2]", "name", "expiresAt"}, fields); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	_, _, err = h.CreateToken(t.Context(), viewer, authn.NewToken{Name: "none"})
	wantKind(t, err, fleet.Invalid)
}

func TestLastUseIsNotedOnceAMinute(t *testing.T) {
	h := newHouse(t)
	owner := h.actor(h.login().Access)
	_, secret, err := h.CreateToken(t.Context(), owner, authn.NewToken{Name: "ci", Permissions: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	begin := h.clock()
	for _, step := range []struct{ pass, want time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		h.pass(step.pass)
		h.actor(secret)
		tokens, _, err := h.Tokens(t.Context(), owner, store.Page{})
		if err != nil || len(tokens) != 1 {
			t.Fatal(tokens, err)
		}
		if used := tokens[0].LastUsedAt; used == nil || used.Sub(begin) != step.want {
			t.Errorf("last used %v after the beginning, want %v", used, step.want)
		}
	}
}

func TestTokensAreOnesOwn(t *testing.T) {
	h := newHouse(t)
	owner := h.actor(h.login().Access)
	token, _, err := h.CreateToken(t.Context(), owner, authn.NewToken{Name: "ci", Permissions: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	stranger := authz.Actor{UserID: id.New[id.UserID](), Grants: owner.Grants}
	if tokens, _, err := h.Tokens(t.Context(), stranger, store.Page{}); err != nil || len(tokens) != 0 {
		t.Errorf("a stranger sees %v, %v", tokens, err)
	}
	wantKind(t, h.RevokeToken(t.Context(), stranger, token.ID), fleet.NotFound)
}

// Grants come through roles, their parents, and survive a ring of parents.
func TestGrantsAreInherited(t *testing.T) {
	h := newHouse(t)
	user, node := h.login().User, uuid.New()
	child, parent := uuid.New(), uuid.New()
	h.exec(`delete from role_bindings`)
	h.exec(`insert into roles (id, name) values ($1, 'parent'), ($2, 'child')`, parent, child)
	h.exec(`update roles set parent_role_id = case id when $1::uuid then $2::uuid else $1 end where id in ($1, $2)`, child, parent)
	h.exec(`insert into role_permissions values ($1, 'node.view'), ($2, 'node.edit')`, parent, child)
	h.exec(`insert into role_bindings (user_id, role_id, scope, scope_id) values ($1, $2, 'node', $3)`, user.ID, child, node)
	actor := h.actor(h.login().Access)
	here, elsewhere := authz.Target{Node: id.NodeID(node)}, authz.Target{Node: id.New[id.NodeID]()}
	for _, verb := range []fleet.Verb{fleet.NodeView, fleet.NodeEdit} {
		if !actor.Can(verb, here) || actor.Can(verb, elsewhere) {
			t.Errorf("%s: here %v, elsewhere %v; want here only", verb, actor.Can(verb, here), actor.Can(verb, elsewhere))
		}
	}
	bound := slices.DeleteFunc(slices.Clone(actor.Grants), func(g authz.Grant) bool { return g.Scope == authz.Owned }) // everybody has those
	if len(bound) != 2 || len(bound) == len(actor.Grants) {
		t.Errorf("grants = %+v", actor.Grants)
	}
}
