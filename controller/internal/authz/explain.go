package authz

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
)

// Held is a grant, and where somebody has it from.
type Held struct {
	Grant
	Path    []string     // role names, from the one that he was given to the one that has the permission
	Binding id.BindingID // zero: he owns the container
	Name    string       // of the cluster, node or container that it is for; "" for who may not see that
	At      Target       // where that stands
}

// Explanation is why somebody may do a thing, or may not.
type Explanation struct {
	Allowed bool
	Summary string
	By      []Held // all that allow it
	Near    []Held // where it is refused: what allows the verb elsewhere
}

// Question is what is to be explained. Named is what people call the target.
type Question struct {
	Who         string
	Verb        fleet.Verb
	Target      Target
	Named       string
	Kind        fleet.ActorKind // how he would ask: signed in, or with an API token
	Limit       []string        // of that API token; nil: none
	Disabled    bool            // his account is
	NewPassword bool            // he has to choose one before anything else
}

// Explain answers as MayUse and Can decide, from the same grants.
func Explain(q Question, held []Held) Explanation {
	rule, known := RuleOf(q.Verb)
	switch {
	case !known:
		return Explanation{Summary: fmt.Sprintf("there is no permission %s", q.Verb)}
	case q.Disabled && rule.Access != Public:
		return Explanation{Summary: fmt.Sprintf("the account of %s is disabled: it may do nothing", q.Who)}
	case q.NewPassword && !BeforePassword(rule):
		return Explanation{Summary: fmt.Sprintf("%s has to choose a new password first: nothing else is allowed before that", q.Who)}
	case rule.Access != Permission:
		return q.open(rule)
	}
	var out Explanation
	for _, h := range held {
		switch {
		case !matches(h.Permission, q.Verb):
		case h.covers(q.Target):
			out.By = append(out.By, h)
		default:
			out.Near = append(out.Near, h)
		}
	}
	limited := q.Limit != nil && !Allows(q.Limit, q.Verb)
	out.Allowed = len(out.By) > 0 && !limited
	out.Summary = q.summary(out, limited)
	if out.Allowed {
		out.Near = nil
	}
	return out
}

// open answers of a verb that needs no permission.
func (q Question) open(rule Rule) Explanation {
	if err := (Actor{Kind: q.Kind, Limit: q.Limit}).MayUse(rule); err != nil {
		return Explanation{Summary: err.Error()}
	}
	return Explanation{Allowed: true, Summary: fmt.Sprintf("%s needs no permission: it is open to everybody who is %s", q.Verb, openTo[rule.Access])}
}

// openTo says who may use a verb that needs no permission.
var openTo = map[Access]string{Public: "there", SignedIn: "signed in", InPerson: "signed in with the password"}

func (q Question) summary(e Explanation, limited bool) string {
	what := fmt.Sprintf("%s on %s", q.Verb, q.Named)
	switch {
	case e.Allowed:
		return fmt.Sprintf("%s may do %s through %s", q.Who, what, e.By[0].words())
	case limited && len(e.By) > 0:
		return fmt.Sprintf("%s may do %s, but this API token is limited to %s", q.Who, what, strings.Join(q.Limit, ", "))
	case len(e.Near) > 0:
		return fmt.Sprintf("%s may not do %s: the permission is held only through %s", q.Who, what, e.Near[0].words())
	}
	return fmt.Sprintf("%s may not do %s: no role gives the permission", q.Who, what)
}

// words name a grant for people.
func (h Held) words() string {
	role := "the role " + strings.Join(h.Path, " → ")
	switch {
	case h.Scope == Owned:
		return role + " of what is one's own"
	case h.ScopeID == uuid.Nil:
		return role + " for everything"
	}
	return fmt.Sprintf("%s for the %s %s", role, h.Scope, cmp.Or(h.Name, h.ScopeID.String()))
}
