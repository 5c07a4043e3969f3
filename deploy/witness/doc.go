// Package witness tells whether two copies of a container ever ran at once,
// by what the copies themselves write down, not by what anybody reports of
// them.
//
//	copy on node 1 ──▶ shared/<container>/<epoch>~<node>~<run> ◀── Runs, Overlaps
//	copy on node 2 ──▶ shared/<container>/<epoch>~<node>~<run>
//	                   shared/<container>/lock
//
// Every copy has a file of its own in a directory that all nodes of a lab
// share, into which it writes the machine's monotonic time every 100 ms: the
// lab's nodes are one machine, so that there is one clock. Between two lines a
// copy could die and another start unseen; therefore each also tries to take a
// lock, which the kernel gives back at the moment its holder dies. A copy that
// is refused the lock has proof that another one runs.
//
// The environment that it reads is what every Lormas container gets. It knows
// nothing else of Lormas.
package witness
