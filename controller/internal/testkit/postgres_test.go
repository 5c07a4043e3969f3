package testkit_test

import (
	"testing"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/store"
	"github.com/lormas/lormas/controller/internal/testkit"
	"github.com/lormas/lormas/shared/id"
)

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testkit.Postgres(t)
			cluster := fleet.Cluster{ID: id.New[id.ClusterID](), Name: "the same name"}
			err := s.InTx(t.Context(), func(tx *store.Tx) error { return tx.InsertCluster(t.Context(), cluster) })
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
