package id_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lormas/lormas/shared/id"
)

func TestRoundTripThroughJSON(t *testing.T) {
	want := map[id.NodeID]id.ContainerID{id.New[id.NodeID](): id.New[id.ContainerID]()}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got map[id.NodeID]id.ContainerID
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestOnlyTheCanonicalSpellingIsAnID(t *testing.T) {
	good := id.New[id.NodeID]().String()
	for _, bad := range []string{
		"", "x", strings.ToUpper(good), "{" + good + "}", "urn:uuid:" + good,
		strings.ReplaceAll(good, "-", ""), good + "/", "+", "#", "../" + good,
	} {
		var n id.NodeID
		if err := n.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was taken for an id", bad)
		}
	}
}

func TestNewIDsSortByTime(t *testing.T) {
	last := ""
	for range 1000 {
		now := id.New[id.JobID]().String()
		if now <= last {
			t.Fatalf("%s came after %s", now, last)
		}
		last = now
	}
}
