package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/google/uuid"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/controller/internal/watch"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
	"github.com/lormas/lormas/shared/wire"
)

// Lines of the past that a log begins with.
const (
	defaultTail = 100
	maxTail     = 10_000
)

const (
	maxLineNumber = 1 << 53 // what every JSON reader can hold
	maxBookName   = 40
)

// firstWithin bounds the wait for the first sample or chunk: until it is
// there the answer can still become a problem.
const firstWithin = 20 * time.Second

// goneEvery is how often a stream looks whether its reader is still there, and
// may still read it.
const goneEvery = 2 * time.Second

func (s *Server) streamRoutes() {
	follow := &huma.Param{Name: "follow", In: "query", Description: "go on with whatever comes", Schema: &huma.Schema{Type: huma.TypeBoolean}}
	tail := &huma.Param{Name: "tail", In: "query", Description: fmt.Sprintf("lines of the past, up to %d", maxTail),
		Schema: &huma.Schema{Type: huma.TypeInteger, Default: defaultTail}}
	latest := &huma.Param{Name: "latest", In: "query", Description: "what the node said last, without asking it", Schema: &huma.Schema{Type: huma.TypeBoolean}}
	after := &huma.Param{Name: "after", In: "query", Schema: &huma.Schema{Type: huma.TypeInteger},
		Description: "the number of the last line that you have, to go on after it instead of with a tail"}
	book := &huma.Param{Name: "book", In: "query", Schema: &huma.Schema{Type: huma.TypeString},
		Description: "the book that `after` is a number of: where the node has another one by now, all of that is sent"}
	format := &huma.Param{Name: "format", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"text", "json"}, Default: "text"},
		Description: "text, or json: a line each, with its number"}
	addRaw(s, Route{
		Verb: fleet.ContainerLogs, Method: http.MethodGet, Path: "/containers/{id}/logs", Summary: "Read what a container prints",
		Help: "The last 5000 lines of its console are kept on its node, which must be in reach. Lines have numbers, over restarts of the container. " +
			"With format=json the first line of the answer is {\"book\",\"next\"}, then comes {\"n\",\"source\",\"text\"} for each line, " +
			"{\"gap\":{\"from\",\"to\"}} where lines are not kept any more, and {\"error\"} before an end that is not one. " +
			"Whose connection broke asks again with book and after, and misses nothing.",
		Params: []*huma.Param{tail, follow, after, book, format},
	}, fiber.MIMETextPlainCharsetUTF8, s.logs)
	addRaw(s, Route{
		Verb: fleet.ContainerStats, Method: http.MethodGet, Path: "/containers/{id}/stats", Summary: "Show what a container uses",
		Help: "One sample as JSON, or with `follow` one a second, a line each. With `latest` what its node said last, which it does every 30 seconds: " +
			"the node is not asked, `at` says how old it is, and disk_bytes is the size of the volumes.", Params: []*huma.Param{follow, latest},
	}, fiber.MIMEApplicationJSON, s.stats)
}

// logs streams plain text.
func (s *Server) logs(c *fiber.Ctx, actor authz.Actor) error {
	q := readQuery(c, "tail", "follow", "after", "book", "format")
	o := watch.LogOptions{
		Tail: q.number("tail", defaultTail, maxTail), Follow: q.flag("follow"),
		After: uint64(q.number("after", 0, maxLineNumber)), Book: utils.CopyString(q.text("book", maxBookName)),
	}
	format, write := q.text("format", len("text")), writeLog
	switch format {
	case "", "text":
	case "json":
		write = writeNumbered
	default:
		q.fault("format", "this must be text or json")
	}
	on, err := s.streamTarget(c, q, actor, fleet.ContainerLogs)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	out, err := s.openLog(ctx, on, o)
	if err != nil {
		cancel()
		return err
	}
	out.ctx, out.cancel, out.barred, out.write = ctx, cancel, s.barred(ctx, actor, fleet.ContainerLogs, on), write
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	if format == "json" {
		c.Set(fiber.HeaderContentType, ndjson)
	}
	sendStream(c, out)
	return nil
}

// openLog opens the stream and, unless it is followed, waits for its first
// chunk: a log that is followed may well have nothing to say yet.
func (s *Server) openLog(ctx context.Context, of fleet.Container, o watch.LogOptions) (outgoing[wire.LogChunk], error) {
	stream, err := s.Watch.Logs(ctx, of.NodeID, of.ID, o)
	if err != nil {
		return outgoing[wire.LogChunk]{}, err
	}
	out := outgoing[wire.LogChunk]{more: stream.C(), err: stream.Err}
	if o.Follow {
		return out, nil
	}
	chunk, err := firstOf(ctx, stream.C(), stream.Err)
	if err == nil && chunk.Error != "" {
		err = fleet.Errorf(fleet.Conflict, "the node has no log of this container: %s", chunk.Error)
	}
	out.first = []wire.LogChunk{chunk}
	return out, err
}

// stats answers one sample, or streams them as lines of JSON.
func (s *Server) stats(c *fiber.Ctx, actor authz.Actor) error {
	q := readQuery(c, "follow", "latest")
	follow, latest := q.flag("follow"), q.flag("latest")
	if follow && latest {
		q.fault("latest", "this is one sample, and cannot be followed")
	}
	on, err := s.streamTarget(c, q, actor, fleet.ContainerStats)
	if err != nil {
		return err
	}
	if latest {
		return s.latest(c, on)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	stream, err := s.Watch.Stats(ctx, on.NodeID, on.ID)
	if err != nil {
		cancel()
		return err
	}
	sample, err := firstOf(ctx, stream.C(), stream.Err)
	if err != nil || !follow {
		cancel()
		if err != nil {
			return err
		}
		return c.JSON(sample)
	}
	c.Set(fiber.HeaderContentType, ndjson)
	sendStream(c, outgoing[wire.Stats]{ctx: ctx, cancel: cancel, first: []wire.Stats{sample}, more: stream.C(), err: stream.Err,
		barred: s.barred(ctx, actor, fleet.ContainerStats, on), write: writeStats})
	return nil
}

// latest answers what is known already.
func (s *Server) latest(c *fiber.Ctx, on fleet.Container) error {
	usage, at, err := s.Watch.Latest(on.NodeID, on.ID)
	if err != nil {
		return err
	}
	return c.JSON(struct {
		At time.Time `json:"at"`
		wire.ContainerUsage
	}{at, usage})
}

func writeStats(w *bufio.Writer, sample wire.Stats) error { return json.NewEncoder(w).Encode(sample) }

// streamTarget is the container of a stream, once all of the request is fine
// and the actor may read it.
func (s *Server) streamTarget(c *fiber.Ctx, q *query, actor authz.Actor, v fleet.Verb) (fleet.Container, error) {
	if len(q.faults) > 0 {
		return fleet.Container{}, fleet.InvalidFields(q.faults...)
	}
	var container id.ContainerID
	if err := container.UnmarshalText([]byte(c.Params("id"))); err != nil {
		return fleet.Container{}, fleet.InvalidFields(spec.Fault{Field: "id", Message: err.Error()})
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), answerWithin)
	defer cancel()
	return s.Actions.ContainerFor(ctx, actor, v, container)
}

// firstOf waits for the first thing that a node sends.
func firstOf[T any](ctx context.Context, more <-chan T, why func() error) (T, error) {
	var none T
	patience := time.NewTimer(firstWithin)
	defer patience.Stop()
	select {
	case item, ok := <-more:
		if !ok && why() != nil {
			return none, why()
		}
		return item, nil
	case <-patience.C:
		return none, fleet.Errorf(fleet.Unreachable, "the node did not answer within %s: try again", firstWithin)
	case <-ctx.Done():
		return none, fleet.Errorf(fleet.Unavailable, "the controller is stopping: try again in a moment")
	}
}

// outgoing is a stream on its way to a reader.
type outgoing[T any] struct {
	ctx    context.Context
	cancel context.CancelFunc // gives the stream back
	first  []T
	more   <-chan T
	err    func() error // why more ended
	barred func() error // why the reader may have no more
	write  func(*bufio.Writer, T) error
}

// sendStream answers with a stream until it ends or its reader has left.
// Fiber does not tell when readers leave: a silent stream looks for itself.
func sendStream[T any](c *fiber.Ctx, out outgoing[T]) {
	conn := c.Context().Conn()
	c.Context().Response.ImmediateHeaderFlush = true // the first line may be long in coming
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer out.cancel()
		look := time.NewTicker(goneEvery)
		defer look.Stop()
		for _, item := range out.first {
			if out.write(w, item) != nil {
				return
			}
		}
		for w.Flush() == nil {
			select {
			case item, ok := <-out.more:
				if !ok {
					out.farewell(w, out.err())
					return
				}
				if out.write(w, item) != nil {
					return
				}
			case <-look.C:
				if hasLeft(conn) {
					return
				}
				if why := out.barred(); why != nil {
					out.farewell(w, why)
					return
				}
			case <-out.ctx.Done():
				return
			}
		}
	})
}

// farewell says in a log why it ends. Numbers just end.
func (out outgoing[T]) farewell(w *bufio.Writer, why error) {
	var item T
	if why != nil {
		if chunk, isLog := any(&item).(*wire.LogChunk); isLog {
			chunk.Error = why.Error()
			_ = out.write(w, item) // the reader may be gone: nobody is left to tell
		}
	}
}

// barred asks whether somebody who was let in may go on: his credential may
// have ended since, or what he may do have changed. While that cannot be
// looked up he goes on.
func (s *Server) barred(ctx context.Context, actor authz.Actor, v fleet.Verb, on fleet.Container) func() error {
	credential := actor.ID
	if !actor.SessionID.IsZero() {
		credential = uuid.UUID(actor.SessionID)
	}
	return func() error {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		actors, err := s.Auth.Reload(ctx, []uuid.UUID{credential})
		if err != nil {
			return nil
		}
		now, ok := actors[credential]
		if !ok {
			return fleet.Errorf(fleet.Unauthenticated, "you are signed out: sign in again")
		}
		c, err := s.Actions.ContainerFor(ctx, now, v, on.ID)
		if err == nil && c.NodeID != on.NodeID {
			return fleet.Errorf(fleet.Conflict, "the container has moved to another node: ask again")
		}
		if kind := fleet.KindOf(err); kind == fleet.NotFound || kind == fleet.Forbidden {
			return err
		}
		return nil
	}
}

// query reads the parameters of a raw route and collects what is wrong.
type query struct {
	values map[string]string
	faults []spec.Fault
}

// readQuery refuses parameters that are not known, as all other routes do.
func readQuery(c *fiber.Ctx, known ...string) *query {
	q := &query{values: c.Queries()}
	allowed := map[string]bool{}
	for _, name := range known {
		allowed[name] = true
	}
	for name := range q.values {
		if !allowed[name] {
			q.fault(name, "there is no such parameter: check its spelling, or leave it out")
		}
	}
	return q
}

func (q *query) fault(field, message string) {
	q.faults = append(q.faults, spec.Fault{Field: field, Message: message})
}

func (q *query) number(name string, fallback, limit int) int {
	text, given := q.values[name]
	if !given {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > limit {
		q.fault(name, fmt.Sprintf("this must be a number from 0 to %d", limit))
	}
	return n
}

func (q *query) text(name string, longest int) string {
	text := q.values[name]
	if len(text) > longest {
		q.fault(name, fmt.Sprintf("this is too long: the limit is %d characters", longest))
	}
	return text
}

func (q *query) flag(name string) bool {
	text, given := q.values[name]
	if !given {
		return false
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		q.fault(name, "this must be true or false")
	}
	return on
}
