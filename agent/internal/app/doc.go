// Package app makes an agent of its rooms: it reads flags and environment,
// finds out which node this is, wires the rooms together and runs them until
// it is told to stop. Containers run on when it stops.
//
//	token.go   which node, of which controller
//	config.go  flags and environment
//	main.go    Main: the whole program as a value
//	wire.go    the rooms and who is given to whom
package app
