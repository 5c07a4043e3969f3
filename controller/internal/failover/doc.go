// Package failover decides what is next for a migration: a container that
// moves to another node because its own was lost, is to be emptied, or because
// somebody wants it (FAILOVER §6.5, §7). It is pure: what is known of the
// migration, its container and the nodes enters as a View, the next step
// leaves as a Decision. Carrying it out, in which transaction, and telling
// people are for loops.Migrator; where a place is, for placement.
//
// A container belongs to its holder: the source until the switch, the target
// after it. It is taken from a holder only with a proof:
//
//	confirmed  the holder says that it has stopped (the receipt of a command)
//	silent     the holder is lost, with all gates open, and is seized
//	fenced     no lease was renewed for a whole window of the holder
//	unneeded   the container is not exclusive, and two copies are put up with:
//	           force, overlap, or a target that did not run it
//
//	state         enters with            leaves on                      to
//	───────────── ────────────────────── ────────────────────────────── ────────────────────────
//	queued        a request, a verdict   silent, unneeded: a place      starting
//	                                     else: a place                  reserved
//	                                     lost node is back, unmoved     cancelled
//	                                     limits, no place, held         waits, with the reason
//	reserved      room at the target     at once                        stopping
//	                                     silent, unneeded               starting
//	                                     target no good                 queued, target excluded
//	                                     held for 10 min                queued
//	stopping      holder told to stop    any proof                      starting
//	                                     force, exclusive               fencing
//	                                     refused; 2 min + grace         rolling_back, where at home
//	                                                                    else fencing or failed
//	                                     proof, but target no good      rolling_back or another place
//	fencing       leases refused         any proof                      starting
//	              for the holder         window over                    starting
//	starting      epoch + 1 at target    seen running                   completed
//	                                     target lost, fails for 15 s,   planned, source healthy:
//	                                     or 2 min (10 while pulling,    rolling_back; else queued
//	                                     75 while installing)
//	                                     source is back and runs it     rolling_back (return wins)
//	rolling_back  stays or goes home     seen running at the source     rolled_back; of a failover:
//	              (an exclusive one                                     cancelled
//	              stops first)           2 min, source lost             queued; standard: failed
//	any           the container was deleted                             cancelled
//
// A failover is on record with its first step: mostly as starting, or as queued
// where it has to wait. One whose node comes back before that is none.
//
// Three targets may be tried one after the other; then it rests for 1, 5 and
// 15 minutes. The way back is for planned moves only, as a lost source is
// none.
//
// Images are not fetched ahead: reserved is left at once. An image that is
// missing is fetched in starting, which then has ten minutes.
//
// return wins costs a restart at the source where the agent makes a container
// anew under its new epoch; it is still the shorter outage, as nothing has to
// be fetched.
//
// Limits are for planned moves only, whose containers still run at their
// source: 200 under way, 5 from one node, 50 from one cluster, 3 starts at one
// target. What was lost waits for nobody but a place; an agent starts no more
// at once than it can.
package failover
