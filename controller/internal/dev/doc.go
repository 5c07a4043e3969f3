// Package dev is lormas dev: everything on one machine, for looking at and
// for working on Lormas. It starts a private Postgres and Redis, the
// controller in this process, an agent as a child on this machine's Docker,
// and a demo container, one step after the other; it stops them in the
// opposite order.
//
// All it knows is kept in one state directory, so that a second run goes on
// where the first ended: the same node, the same container, nothing twice.
// What it starts ends with it, also when it is killed.
//
// Every step that fails says what to do about it (advice.go). What a node or
// a container is, and how one is made, it leaves to actions.
package dev
