package authz_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
)

func heldBy(a authz.Actor, path ...string) []authz.Held {
	var list []authz.Held
	for _, g := range a.Grants {
		list = append(list, authz.Held{Grant: g, Path: path})
	}
	return list
}

func TestExplain(t *testing.T) {
	ask := authz.Question{Who: "jane", Kind: fleet.ActorUser, Verb: fleet.ContainerStop, Target: onNode, Named: "container web"}
	with := func(change func(*authz.Question)) authz.Question {
		q := ask
		change(&q)
		return q
	}
	tests := map[string]struct {
		question authz.Question
		held     []authz.Held
		allowed  bool
		words    string
	}{
		"inherited":         {ask, heldBy(granted(authz.OfCluster, cluster, "container.*"), "Shift", "Operator"), true, "the role Shift → Operator for the cluster"},
		"globally":          {ask, heldBy(granted(authz.Global, uuid.Nil, "*"), "Superuser"), true, "the role Superuser for everything"},
		"elsewhere":         {ask, heldBy(granted(authz.OfContainer, other, "container.*"), "Operator"), false, "only through the role Operator for the container"},
		"not at all":        {ask, heldBy(granted(authz.Global, uuid.Nil, "node.*"), "Operator"), false, "no role gives"},
		"a token's limit":   {with(func(q *authz.Question) { q.Limit = []string{"node.*"} }), heldBy(granted(authz.Global, uuid.Nil, "*"), "Superuser"), false, "limited to node.*"},
		"disabled":          {with(func(q *authz.Question) { q.Disabled = true }), heldBy(granted(authz.Global, uuid.Nil, "*"), "Superuser"), false, "disabled"},
		"a new account":     {with(func(q *authz.Question) { q.NewPassword = true }), heldBy(granted(authz.Global, uuid.Nil, "*"), "Superuser"), false, "has to choose a new password first"},
		"its own password":  {with(func(q *authz.Question) { q.NewPassword, q.Verb = true, fleet.AuthPasswordChange }), nil, true, "needs no permission"},
		"a token may ask":   {with(byToken(fleet.AuthzExplain, "node.*")), nil, true, "needs no permission"},
		"open to everybody": {with(func(q *authz.Question) { q.Verb = fleet.AuthView }), nil, true, "needs no permission"},
		"one's own account": {with(func(q *authz.Question) { q.Verb = fleet.TokenCreate }), nil, true, "signed in with the password"},
		"by an API token":   {with(byToken(fleet.TokenCreate, "*")), nil, false, "an API token cannot do this (token.create)"},
		"out of its limit":  {with(byToken(fleet.AuthEdit, "node.*")), nil, false, "this API token was not given auth.edit"},
		"within its limit":  {with(byToken(fleet.AuthEdit, "auth.*")), nil, true, "needs no permission"},
		"a token's own":     {with(byToken(fleet.AuthView, "node.*")), nil, true, "needs no permission"},
		"for anybody":       {with(byToken(fleet.AuthLogin, "node.*")), nil, true, "needs no permission"},
		"no such thing":     {with(func(q *authz.Question) { q.Verb = "container.fly" }), heldBy(granted(authz.Global, uuid.Nil, "*"), "Superuser"), false, "no permission container.fly"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := authz.Explain(tt.question, tt.held)
			if got.Allowed != tt.allowed || !strings.Contains(got.Summary, tt.words) || got.Allowed && len(got.Near) > 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func byToken(v fleet.Verb, limit string) func(*authz.Question) {
	return func(q *authz.Question) { q.Verb, q.Kind, q.Limit = v, fleet.ActorToken, []string{limit} }
}

// What is explained is what is decided.
func TestExplainDecidesAsCanDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a authz.Actor
		for range rapid.IntRange(0, 4).Draw(t, "grants") {
			a.Grants = append(a.Grants, authz.Grant{
				Permission: rapid.SampledFrom([]string{"*", "container.*", "container.stop", "node.*", "node.view"}).Draw(t, "permission"),
				Scope:      rapid.SampledFrom([]authz.Scope{authz.Global, authz.OfCluster, authz.OfNode, authz.OfContainer, authz.Owned}).Draw(t, "scope"),
				ScopeID:    rapid.SampledFrom([]uuid.UUID{uuid.Nil, uuid.UUID(cluster), uuid.UUID(node), uuid.UUID(web)}).Draw(t, "of"),
			})
		}
		a.Kind = fleet.ActorUser
		if rapid.Bool().Draw(t, "token") {
			a.Kind, a.Limit = fleet.ActorToken, []string{rapid.SampledFrom([]string{"*", "container.*", "node.view", "auth.*"}).Draw(t, "limit")}
		}
		rule := rapid.SampledFrom(authz.Rules).Draw(t, "verb")
		e := authz.Explain(authz.Question{Verb: rule.Verb, Target: onNode, Kind: a.Kind, Limit: a.Limit}, heldBy(a, "Some"))
		decided := a.MayUse(rule) == nil && (rule.Access != authz.Permission || a.Can(rule.Verb, onNode))
		if e.Allowed != decided {
			t.Fatalf("explained as %v (%s), decided as %v", e.Allowed, e.Summary, decided)
		}
	})
}
