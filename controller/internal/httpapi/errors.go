package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/spec"
)

// Kinds of error that only HTTP knows.
const (
	malformed          fleet.Kind = "malformed"            // not JSON at all
	tooLarge           fleet.Kind = "too_large"            // the body is over the route's limit
	unsupportedMedia   fleet.Kind = "unsupported_media"    // the body is not JSON, or does not say so
	methodNotAllowed   fleet.Kind = "method_not_allowed"   // the path has other methods
	passwordMustChange fleet.Kind = "password_must_change" // nothing else is allowed before that
	internal           fleet.Kind = "internal"             // our fault; the log has the rest
)

// kinds is the one table from the kind of an error to its status and title.
// Its key is also the end of the problem's type.
var kinds = map[fleet.Kind]struct {
	status int
	title  string
}{
	fleet.Invalid:         {http.StatusUnprocessableEntity, "The request is not right"},
	fleet.Unauthenticated: {http.StatusUnauthorized, "You are not signed in"},
	fleet.TOTPRequired:    {http.StatusUnauthorized, "The second factor is missing"},
	fleet.Forbidden:       {http.StatusForbidden, "You may not do this"},
	fleet.NotFound:        {http.StatusNotFound, "There is no such thing"},
	fleet.Conflict:        {http.StatusConflict, "This does not fit the present state"},
	fleet.NoCapacity:      {http.StatusConflict, "No node has room"},
	fleet.TooMany:         {http.StatusTooManyRequests, "Too many attempts"},
	fleet.Unreachable:     {http.StatusGatewayTimeout, "The node cannot be reached"},
	fleet.Unavailable:     {http.StatusServiceUnavailable, "A part of the controller is away"},
	fleet.Precondition:    {http.StatusPreconditionFailed, "It changed in the meantime"},

	malformed:          {http.StatusBadRequest, "The request cannot be read"},
	tooLarge:           {http.StatusRequestEntityTooLarge, "The request is too large"},
	unsupportedMedia:   {http.StatusUnsupportedMediaType, "The request is of the wrong type"},
	methodNotAllowed:   {http.StatusMethodNotAllowed, "This path has no such method"},
	passwordMustChange: {http.StatusForbidden, "Change your password first"},
	internal:           {http.StatusInternalServerError, "Something went wrong on our side"},
}

// Problem is an error as people receive it (RFC 9457).
type Problem struct {
	Type      string       `json:"type" example:"urn:lormas:problem:not_found" doc:"what kind of error this is: stable, made for programs"`
	Title     string       `json:"title" doc:"the kind in words, the same for every error of the type"`
	Status    int          `json:"status" example:"404" doc:"the HTTP status"`
	Detail    string       `json:"detail" doc:"what happened and what to do about it"`
	Errors    []spec.Fault `json:"errors,omitempty" doc:"what is wrong with which field"`
	RequestID string       `json:"request_id" doc:"name this when you ask for help: the log has it too"`

	retryAfter time.Duration
}

const (
	problemPrefix = "urn:lormas:problem:"
	problemType   = "application/problem+json"
)

func newProblem(kind fleet.Kind, detail string, faults ...spec.Fault) *Problem {
	row, ok := kinds[kind]
	if !ok {
		kind, row = internal, kinds[internal]
	}
	return &Problem{Type: problemPrefix + string(kind), Title: row.title, Status: row.status, Detail: detail, Errors: faults}
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells huma that this is no ordinary JSON.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders are the headers that go with the status.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="lormas"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		wait := cmp.Or(p.retryAfter, retryAfter)
		h.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return h
}

// retryAfter is suggested where nobody knows better.
const retryAfter = 5 * time.Second

// problemOf is the problem that tells of err. An error without a kind is
// ours: the second result says that it belongs in the log.
func problemOf(err error) (p *Problem, ours bool) {
	var f *fleet.Error
	var fe *fiber.Error
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &f):
		return problemOfFleet(err, f)
	case errors.As(err, &fe):
		return problemOfFiber(fe), false
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(fleet.Unavailable, "this took too long: try again in a moment"), true
	}
	return newProblem(internal, "the controller's log has the details under this request id"), true
}

// problemOfFleet is the problem of an error made for users. Its cause, where
// it has one, is for the log; or it only says how long to wait.
func problemOfFleet(err error, f *fleet.Error) (p *Problem, ours bool) {
	p = newProblem(f.Kind, f.Message, f.Faults...)
	var wait interface{ RetryAfter() time.Duration }
	if errors.As(err, &wait) {
		p.retryAfter = wait.RetryAfter()
		return p, false
	}
	return p, f.Unwrap() != nil
}

// problemOfFiber covers what Fiber refuses before any handler of ours runs.
func problemOfFiber(err *fiber.Error) *Problem {
	switch err.Code {
	case http.StatusNotFound:
		return newProblem(fleet.NotFound, "there is nothing at this path: /api/v1/docs lists what there is")
	case http.StatusMethodNotAllowed:
		return newProblem(methodNotAllowed, "the Allow header lists the methods of this path")
	case http.StatusRequestEntityTooLarge:
		return newProblem(tooLarge, "the body is larger than this server reads at all")
	case http.StatusRequestHeaderFieldsTooLarge:
		p := newProblem(tooLarge, fmt.Sprintf("the address and the headers are longer than %d KiB together: shorten the query, or send fewer cookies", maxHead>>10))
		p.Status = err.Code
		return p
	case http.StatusUpgradeRequired:
		p := newProblem(malformed, "this path speaks MQTT over WebSocket only: connect with ws:// and the subprotocol mqtt")
		p.Status = err.Code
		return p
	}
	p := newProblem(malformed, err.Message)
	if p.Status = err.Code; err.Code >= http.StatusInternalServerError {
		return newProblem(internal, "the controller's log has the details under this request id")
	}
	return p
}

// writeProblem answers a request with a problem, past huma.
func writeProblem(c *fiber.Ctx, p *Problem) error {
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	p.RequestID = requestID(c)
	return c.Status(p.Status).JSON(p, problemType)
}
