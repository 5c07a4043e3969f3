package sim

import "testing"

// Each rule that is taken away is missed in a history that is known, and that
// goes well with the rule.
func TestEachRuleIsMissed(t *testing.T) {
	for _, m := range Mutations {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			if m.Masked != "" {
				return
			}
			if m.Seed == 0 {
				t.Fatal("no history is known in which it is missed, and no reason given")
			}
			var broken Rules
			m.Break(&broken)
			if o := Act(m.Scene, m.Seed, broken, nil); len(o.Violations) == 0 || o.Violations[0].Invariant != m.Red {
				t.Errorf("it is not missed in history %d: %v, and %s should be broken; find another with make sim MUTATION=%q SCENE=%q", m.Seed, o.Violations, m.Red, m.Name, m.Scene)
			}
			if o := Act(m.Scene, m.Seed, Rules{}, nil); len(o.Violations) > 0 {
				t.Errorf("history %d goes wrong with the rule, too: %v", m.Seed, o.Violations)
			}
		})
	}
}
