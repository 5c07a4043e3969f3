// Package dockerd starts real Docker engines, for lormas dev, for tests and
// for the lab: each with its own data, its own containerd, its own cgroup, its
// own mounts and, when asked, its own network namespace, so that nothing of
// the machine's engine is touched and several run side by side.
//
// An engine lives in one directory. Killing it and starting again in the same
// directory is what a crash and a restart of dockerd are on a real node;
// PowerOff and Start are a reboot. Sweep removes whatever an engine left
// behind, also one whose owner was killed: daemons, containers, cgroups. The
// engine itself is asked to stop by the kernel when the process that started
// it dies.
//
// It needs root and the dockerd, nsenter, unshare and ip programs. It speaks
// to the engine over plain HTTP and must not import the Docker SDK: shared is
// imported by everybody.
package dockerd
