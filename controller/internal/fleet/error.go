package fleet

import (
	"errors"
	"fmt"

	"github.com/lormas/lormas/shared/spec"
)

// Kind is what went wrong, as far as a caller can act on it.
type Kind string

// The kinds. httpapi has the one table from kind to status code.
const (
	Invalid         Kind = "invalid"          // the request makes no sense as it is
	Unauthenticated Kind = "unauthenticated"  // who are you?
	TOTPRequired    Kind = "totp_required"    // the password is right; now the second factor
	Forbidden       Kind = "forbidden"        // you may not
	NotFound        Kind = "not_found"        // no such thing, or none that you may know of
	Conflict        Kind = "conflict"         // not in this state, or the name is taken
	NoCapacity      Kind = "no_capacity"      // no node has room
	TooMany         Kind = "too_many"         // slow down
	Unreachable     Kind = "node_unreachable" // only the node could answer
	Unavailable     Kind = "unavailable"      // a part of ours is away; try again
	Precondition    Kind = "precondition"     // If-Match did not match
)

// Error is an error that a user may see: its message names the cause and the
// next step. Whatever else goes wrong is internal and stays in the log.
type Error struct {
	Kind    Kind
	Message string
	Faults  []spec.Fault // what is wrong with which field
	cause   error
}

// Errorf makes an error for users.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because notes the internal cause, for the log only.
func (e *Error) Because(err error) *Error {
	e.cause = err
	return e
}

// InvalidFields makes an error out of faults found in a request.
func InvalidFields(faults ...spec.Fault) *Error {
	return &Error{Kind: Invalid, Message: "some fields are not right; see errors for each", Faults: faults}
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap is the internal cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// KindOf is the kind of an error, or "" of one that users may not see.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// IfMatch refuses a change that was decided on another generation than there
// is; nil: whatever there is.
func IfMatch(want *int64, have int64, noun string) error {
	if want == nil || *want == have {
		return nil
	}
	return Errorf(Precondition, "the %s is at generation %d, not %d: read it again and repeat your change", noun, have, *want)
}
