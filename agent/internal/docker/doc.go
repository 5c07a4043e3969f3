// Package docker runs containers on a Docker engine, and is the only room of
// the agent that imports its SDK: Docker's types do not leave it.
//
// In come instances (what should be) and verbs on container ids; out come the
// containers found, changes, logs, meters and errors of the kinds in package
// runtime. Each container that it makes carries labels saying for which
// controller and node it was made; all others are invisible to it, so several
// agents and people share one engine.
//
// It decides nothing: whether and when a container runs is reconcile's
// business, and Docker is told never to restart one by itself. It keeps no
// state but a small note per container that was updated in place, because a
// label cannot be changed, and in memory which ran out of memory, because
// Docker sometimes forgets.
//
//	docker.go   the engine and what is asked of it as a whole
//	container.go  the verbs
//	convert.go  instance → what Docker is asked to make (pure)
//	mount.go    volumes → directories of this node, and which are allowed
//	install.go  the installer, a container that fills the home volume
//	mark.go     what the home volume keeps of its installation
//	image.go    pulling, with progress
//	note.go     what an update in place made of a container
//	watch.go, logs.go, stats.go
//	fault.go    Docker's errors → kinds of ours
package docker
