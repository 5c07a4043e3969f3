// Package runtimetest says what a container engine must do, in two forms: a
// conformance suite that every implementation has to pass, and Fake, an
// engine in memory that passes it, for tests of what lies above.
//
// Containers of tests run Actor, a tiny program with one vocabulary for the
// fake and for real engines: what a container does is said by its command.
//
// Only tests import it.
package runtimetest
