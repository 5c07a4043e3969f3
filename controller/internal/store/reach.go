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

// span says of when containers are: those that are there, or also those that
// are gone.
type span string

const (
	alive span = "and c.deleted_at is null"
	ever  span = ""
)

// holds is the condition that a column's container is within the reach, whose
// containers, nodes, clusters and owners are the parameters from first on.
// They are looked up before: asked of each row, all containers would be read
// for the ten that somebody owns.
func (r Reach) holds(column string, first int, when span) string {
	if r.All {
		return fmt.Sprintf(`(true or $%d::uuid[] is null or $%d::uuid[] is null or $%d::uuid[] is null or $%d::uuid[] is null)`,
			first, first+1, first+2, first+3)
	}
	return fmt.Sprintf(`%s = any(array(
		select unnest($%d::uuid[])
		union select c.id from containers c where c.node_id = any($%d) %s
		union select c.id from containers c join nodes n on n.id = c.node_id where n.cluster_id = any($%d) %s
		union select c.id from containers c where c.owner_id = any($%d) %s))`,
		column, first, first+1, when, first+2, when, first+3, when)
}

// holdsJob is holds of a job, which is also of a node, by itself.
func (r Reach) holdsJob(job string, first int) string {
	if r.All {
		return r.holds(job+".container_id", first, ever)
	}
	return fmt.Sprintf(`(
		%[1]s.container_id = any(array(select unnest($%[2]d::uuid[]) union select c.id from containers c where c.owner_id = any($%[5]d::uuid[])))
		or %[1]s.node_id = any(array(select unnest($%[3]d::uuid[]) union select n.id from nodes n where n.cluster_id = any($%[4]d::uuid[]))))`,
		job, first, first+1, first+2, first+3)
}

// The names of what a row x of a list refers to by its id, for searches.
const nameOfContainer = "(select c.name from containers c where c.id = x.container_id)"

func nameOf(node string) string { return "(select n.name from nodes n where n.id = x." + node + ")" }

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
