package httpapi

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/presence"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Fleet is what the routes about nodes, containers and eggs work with.
type Fleet struct {
	Actions  *actions.Service
	Presence Presence
	Watch    Watcher
}

// Presence knows how nodes are right now, in one round trip. Who is missing
// in its answer was not heard of lately.
type Presence interface {
	Nodes(ctx context.Context, nodes []id.NodeID) (map[id.NodeID]presence.View, error)
}

// Watcher opens streams that only a node can fill. They end with their
// context.
type Watcher interface {
	Logs(ctx context.Context, node id.NodeID, container id.ContainerID, o watch.LogOptions) (*watch.Stream[wire.LogChunk], error)
	Stats(ctx context.Context, node id.NodeID, container id.ContainerID) (*watch.Stream[wire.Stats], error)
	Latest(node id.NodeID, container id.ContainerID) (wire.ContainerUsage, time.Time, error)
}

// fleetRoutes names the groups of routes of this part.
func (s *Server) fleetRoutes() {
	s.nodeRoutes()
	s.healthRoutes()
	s.clusterRoutes()
	s.eggCategoryRoutes() // before eggs: Fiber takes the first path that fits
	s.eggRoutes()
	s.containerRoutes()
	s.streamRoutes()
	s.jobRoutes()
	s.migrationRoutes()
	s.cordonRoutes()
	s.holdRoutes()
}

// RepeatableInput is of a request that its sender may repeat: one key, one
// result.
type RepeatableInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"your name for this request: sent again with the same key it makes nothing twice, for a day"`
}

// GuardedInput is of a change that is not to undo what somebody else has changed
// meanwhile.
type GuardedInput struct {
	IfMatch string `header:"If-Match" maxLength:"100" doc:"the ETag that the change was made on: of another one it is refused"`
}

// etag is a generation as HTTP knows it.
func etag(generation int64) string { return strconv.Quote(strconv.FormatInt(generation, 10)) }

// generationOf reads If-Match: nil where nobody asked for a certain
// generation. A weak tag names the same generation as a strong one.
func generationOf(ifMatch string) (*int64, error) {
	text := strings.TrimPrefix(strings.TrimSpace(ifMatch), "W/")
	if text == "" || text == "*" {
		return nil, nil
	}
	generation, err := strconv.ParseInt(strings.Trim(text, `"`), 10, 64)
	if err != nil {
		return nil, fleet.InvalidFields(spec.Fault{Field: "If-Match", Message: `send the ETag of the last answer, such as "3"`})
	}
	return &generation, nil
}

// optional is the pointer to an id of a query, or nil where it was left out.
func optional[K id.Kind](i id.Of[K]) *id.Of[K] {
	if i.IsZero() {
		return nil
	}
	return &i
}

// showSpan is a duration as people write it; "" for none.
func showSpan(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// spanOf reads a duration of the named field; nil where it was left out.
func spanOf(field string, text *string) (*time.Duration, error) {
	if text == nil {
		return nil, nil
	}
	d, err := time.ParseDuration(*text)
	if err != nil {
		return nil, fleet.InvalidFields(spec.Fault{Field: field, Message: fmt.Sprintf(`%.30q is not a duration: write it as "1.5s", "10m" or "2h"`, *text)})
	}
	return &d, nil
}

// resourcesBody is an amount in the units that people write.
type resourcesBody struct {
	CPU    spec.CPU   `json:"cpu" example:"1.5" doc:"cores"`
	Memory spec.Bytes `json:"memory" example:"4g"`
	Disk   spec.Bytes `json:"disk" example:"40g"`
}

// showRoom is an amount that is nobody's wish, rounded down to what reads
// easily. It is never negative: a node that offers less than it promised has
// nothing left.
func showRoom(r spec.Resources) resourcesBody {
	return resourcesBody{CPU: max(r.CPU, 0), Memory: fleet.Approximate(r.Memory), Disk: fleet.Approximate(r.Disk)}
}
