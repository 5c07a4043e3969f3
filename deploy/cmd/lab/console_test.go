package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lormas/lormas/deploy/e2e"
)

func TestConsole(t *testing.T) {
	lab := &e2e.Lab{
		Controller: &e2e.Part{Name: "controller"},
		Postgres:   &e2e.Part{Name: "postgres"},
		Redis:      &e2e.Part{Name: "redis"},
	}
	for line, want := range map[string]string{
		"help":             "controller postgres redis",
		"cut 4":            "there is no node 4",
		"cut":              "wants one word after it",
		"kill nobody":      "there is no part nobody",
		"fly controller":   "fly is not known",
		"kill controller":  "", // it does not run: nothing to do
		"status":           "redis        is down",
		"":                 "",
		"   ":              "",
		"cut 1 2":          "wants one word after it",
		"pause controller": "",
	} {
		var out bytes.Buffer
		if quit := (console{lab: lab, out: &out}).obey(t.Context(), line); quit {
			t.Errorf("%q quits", line)
		}
		if got := out.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
	if !(console{lab: lab}).obey(t.Context(), "quit") {
		t.Error("quit does not quit")
	}
}
