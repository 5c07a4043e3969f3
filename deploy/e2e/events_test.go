package e2e

import (
	"testing"
	"time"
)

func TestParseMessage(t *testing.T) {
	got, ok := parseMessage([]byte("1700000000.250000\t1\tlormas/v1/events\t{\"type\":\"a\\tb\"}"))
	if !ok {
		t.Fatal("a good line was not read")
	}
	if want := time.UnixMilli(1700000000250); !got.At.Equal(want) {
		t.Errorf("at %v, want %v", got.At, want)
	}
	if !got.Retained || got.Topic != "lormas/v1/events" || string(got.Payload) != `{"type":"a\tb"}` {
		t.Errorf("got %+v", got)
	}
	for name, line := range map[string]string{
		"what the program says":  "Error: Connection refused",
		"a line half written":    "1700000000.25\t0\tlormas/v1/events\t{\"type\":",
		"a time that is not one": "noon\t0\tlormas/v1/events\t{}",
		"nothing":                "",
	} {
		if message, ok := parseMessage([]byte(line)); ok {
			t.Errorf("%s was read as %+v", name, message)
		}
	}
}
