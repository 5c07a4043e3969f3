package docker

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/runtime"
	"github.com/lormas/lormas/shared/id"
)

func TestNotes(t *testing.T) {
	n := notes{dir: t.TempDir()}
	labelled := runtime.Found{ID: id.New[id.ContainerID](), DockerID: "a", Epoch: 1, Generation: 1, SpecHash: "x"}
	updated, remade := labelled, labelled
	updated.Generation, updated.SpecHash = 2, "y"
	remade.DockerID = "b"

	if err := n.keep(labelled, runtime.Instance{ID: labelled.ID, Epoch: 1, Generation: 2, SpecHash: "y"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(updated, n.apply(labelled)); diff != "" {
		t.Errorf("the updated one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(remade, n.apply(remade)); diff != "" {
		t.Errorf("one made after it (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(n.path(labelled.ID), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(labelled, n.apply(labelled)); diff != "" {
		t.Errorf("with a broken note (-want +got):\n%s", diff)
	}
	for range 2 {
		if err := n.drop(labelled.ID); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(n.dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
