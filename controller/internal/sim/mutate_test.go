package sim

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Each rule that is taken away is missed in a history that is known, and that
// goes well with the rule; or there is a test elsewhere.
func TestEachRuleIsMissed(t *testing.T) {
	for _, m := range Mutations {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			switch {
			case m.Elsewhere != "":
				if m.Masked == "" || !exists(t, m.Elsewhere) {
					t.Errorf("no reason is given, or there is no test %s", m.Elsewhere)
				}
				return
			case m.Seed == 0:
				t.Fatal("no history is known in which it is missed, and no test elsewhere")
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

// exists reports whether a test is there: a directory and a name.
func exists(t *testing.T, test string) bool {
	t.Helper()
	dir, name, _ := strings.Cut(test, " ")
	files, err := filepath.Glob(filepath.Join("..", "..", "..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}

// A switch that no mutation turns by itself says nothing about its rule.
func TestEachSwitchIsTurned(t *testing.T) {
	turned := map[string]bool{}
	for _, m := range Mutations {
		var broken Rules
		if m.Break != nil {
			m.Break(&broken)
		}
		if on := switchesOf(broken); len(on) == 1 {
			turned[on[0]] = true
		}
	}
	all := reflect.TypeFor[Rules]()
	for i := range all.NumField() {
		if f := all.Field(i); f.Type.Kind() == reflect.Bool && !turned[f.Name] {
			t.Errorf("no mutation breaks %s alone", f.Name)
		}
	}
}

// switchesOf are the names of those that are on.
func switchesOf(r Rules) (on []string) {
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Bool && f.Bool() {
			on = append(on, v.Type().Field(i).Name)
		}
	}
	return on
}
