// Package cli is the command line of the lormas binary: it reads what was
// asked for, sets up the log, and calls the room that does it. Commands that
// change a running fleet (node add) are clients of the API like any other.
package cli
