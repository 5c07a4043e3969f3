// Package runtime holds the nouns that are shared by what wants containers
// run (reconcile, link) and what runs them (docker, and runtimetest's fake):
// an Instance is what should be, a Found is what is there, a Change says that
// something happened, and an Error says of what kind a failure is.
//
// The interfaces over them are declared by their users. It knows neither
// Docker nor the reasons why a container should run.
package runtime
