package runtimetest

import (
	"strconv"

	"github.com/lormas/lormas/shared/spec"
)

// Greeting is the first line that every actor prints: it can be spoken to.
const Greeting = "up"

// The commands of an actor. Without one it idles: it ends with 0 on SIGTERM
// and with 7 on SIGUSR1, and does nothing else.

// Idle is the command of an actor that waits to be stopped.
func Idle() []string { return []string{"idle"} }

// Exit is the command of an actor that ends at once.
func Exit(code int) []string { return []string{"exit", strconv.Itoa(code)} }

// Check is a health check by an actor, that says well or unwell every second.
func Check(well bool) *spec.Health {
	code := map[bool]int{true: 0, false: 1}[well]
	return &spec.Health{Test: append([]string{"/bin/act"}, Exit(code)...), Interval: 1, Retries: 1}
}

// Say is the command of an actor that prints lines and then idles.
func Say(lines ...string) []string { return append([]string{"say"}, lines...) }

// Deaf is the command of an actor that does not hear SIGTERM.
func Deaf() []string { return []string{"deaf"} }

// Eat is the command of an actor that, when something is typed, takes memory
// until it has none.
func Eat() []string { return []string{"eat"} }

// Console is the command of an actor that prints "heard X" for each line X
// that is typed, and ends with 0 after "stop".
func Console() []string { return []string{"console"} }

// Exit codes of an actor that was ended from outside.
const (
	exitTerm   = 0
	exitUser   = 7
	exitKilled = 137
)

// ActorScript is the actor for real engines: the entrypoint of an image with
// a shell.
const ActorScript = `#!/bin/sh
trap 'exit 0' TERM
trap 'exit 7' USR1
verb=${1:-idle}
[ $# -gt 0 ] && shift
[ "$verb" = deaf ] && trap '' TERM
echo up
case "$verb" in
exit) exit "$1" ;;
say) for line in "$@"; do echo "$line"; done ;;
eat) read -r line; exec tail /dev/zero ;;
console) while read -r line; do echo "heard $line"; [ "$line" = stop ] && exit 0; done ;;
esac
while :; do sleep 1000000 & wait $!; done
`
