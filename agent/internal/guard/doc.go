// Package guard is the process that ends exclusive containers when their lease
// is over, whatever has become of the agent, of dockerd and of the link
// (FAILOVER §6.4), and the agent's side of the socket to it.
//
// In come terms, from the agent over a unix socket: what may run, and until
// when. Out go signals to processes. It decides by shared/lease.Guard alone,
// and must not know the controller, MQTT or Docker.
//
//	agent ── expect, bind, renew, release ──▶ server ──▶ record (tmpfs)
//	                                            │  loop: one goroutine owns it all
//	        timerfd on CLOCK_BOOTTIME ─────────▶│
//	        /proc, whose cgroup, environment ──▶│──▶ pidfd: stop signal, SIGKILL
//
// What is acknowledged is in the record, so a guard that is killed and started
// again counts on. A record that is missing, broken or of an earlier boot is
// an empty one, and the one rule beside the terms does the rest: a process of
// an exclusive container of this node which the record does not let run is
// killed. It is known by the cgroup of the Docker id that was announced with its
// start, or else by its environment: neither dockerd nor the agent has to
// answer. The container's init, once the agent has named it, is held by a
// pidfd, which no other process can inherit.
//
// Finding processes may hang where a process does, so it has a goroutine of
// its own: the kill by pidfd never waits for it.
package guard
