// Package intake takes in what agents say: it is the broker's Handler.
//
// Messages enter on the connections' own goroutines and must not hold them
// up. Heartbeats are handled in memory and answered with a lease at once.
// Everything that needs Postgres waits in the mailroom, bounded per node, and
// is worked off in order per node; what does not fit is dropped and counted,
// as the agent sends it again until it is acknowledged.
//
//	heartbeat ─▶ liveness ─▶ lease        events ─▶ store ─▶ acknowledgement, live
//	          └▶ presence                 hello, pull ─▶ store ─▶ dispatch
//	logs, stats ─▶ watch
//
// Only the current session of the current connection counts. Nothing said is
// believed: a node speaks for its own containers and commands alone, states
// move along their tables, and never backwards.
package intake
