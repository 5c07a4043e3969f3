// Package telemetry measures the node: what it can give to containers
// (allocatable) and what is used of it. In come the files of /proc and
// /sys/fs/cgroup and what the operator declared; out comes wire.Telemetry.
//
// A node may itself be a container (LXC, Docker in Docker). Then the kernel's
// files tell of the machine around it, and the limits and meters of the root
// of its cgroup hierarchy, under which Docker puts our containers, are the
// ones that count. Cgroup v1, v2 and the hybrid of both are read; a plain
// machine has no limit at that root. The limits of the agent's own service
// are not looked at: they do not bind its containers.
//
// It knows neither Docker nor MQTT, starts no goroutine and keeps nothing but
// the reading before.
package telemetry
