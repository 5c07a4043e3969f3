package runtime

import "fmt"

// Kind is the kind of a failure. Ask with errors.Is(err, runtime.ErrPort).
type Kind string

// The kinds of failure that a caller treats differently. Any other error is
// the engine refusing the container as it is: trying again seldom helps.
const (
	ErrImage       Kind = "image not available"     // cannot be pulled; the registry may come back
	ErrPort        Kind = "host port in use"        // by something that is not ours
	ErrMount       Kind = "mount not allowed"       // until the agent's flags are changed
	ErrNotFound    Kind = "no such container"       // it was never made, or is removed
	ErrNotRunning  Kind = "container not running"   // and so cannot be spoken to
	ErrInstall     Kind = "installation failed"     // its script did; what it needs from elsewhere may come back
	ErrInstallTime Kind = "installation timed out"  // and would take as long again
	ErrUnavailable Kind = "engine is not answering" // nothing can be said about any container
)

// Error makes a kind an error, the target of errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is a failure of a known kind with a message for people: what went
// wrong, and what to do about it.
type Error struct {
	Kind    Kind
	Message string
	Cause   error // may be nil
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap lets errors.Is find the kind as well as the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// Errorf makes an error of a kind. It carries no cause: what of it people
// should know belongs in the message.
func (k Kind) Errorf(format string, args ...any) error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Missing is the error for a container that the engine does not have.
func Missing(container fmt.Stringer) error {
	return ErrNotFound.Errorf("container %s is not on this node", container)
}
