package store

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// Reach bounds a list to what its reader may view. The zero Reach is
// nothing at all.
type Reach struct {
	All        bool
	Clusters   []id.ClusterID
	Nodes      []id.NodeID
	Containers []id.ContainerID
	Owners     []id.UserID // whose containers
}

// taken is the conflict of a name that is in use.
func taken(noun, name string) error {
	e := fleet.Errorf(fleet.Conflict, "the name %q is taken by another %s: choose another name", name, noun)
	e.Faults = []spec.Fault{{Field: "name", Message: fmt.Sprintf("another %s has this name", noun)}}
	return e
}

// changed makes an update that met no row a not-found error.
func changed(tag pgconn.CommandTag, what string, key fmt.Stringer) error {
	if tag.RowsAffected() == 0 {
		return fleet.Errorf(fleet.NotFound, "there is no %s %s", what, key)
	}
	return nil
}
