// Package sim tries the protocol of node loss and failover against bad
// weather (FAILOVER §9.2, layer 2): a fleet in virtual time, from a seed, on
// the same pure functions that controller, agent and guard decide by.
//
// What enters: a seed and the rules that are to be broken. What leaves: what
// happened, in figures, and each violation of an invariant with the moment,
// and the line that plays it again. The same seed gives the same history.
//
//	real                                    made up
//	────                                    ───────
//	liveness.Registry  who is alive         clocks that drift, networks that lose,
//	failover           the next step        repeat, delay and cut one way
//	placement          which node           a broker, with its wills
//	lease.Holder       may it run on        Postgres: commits, outages, outcomes
//	lease.Start        may it start         that nobody hears
//	lease.Record       what is to be killed machines, engines, processes that
//	wire               every message        crash, freeze and lose power
//
// A World owns one history; it has no goroutines, and whatever happens is an
// event in its queue. The checker knows what really runs where, which nobody
// else here does, and judges by that alone.
//
// Some orders of events are so rare that they are written by hand (scenes).
//
// A rule is broken (Rules) by what stands around the real functions, never by
// a switch within them. The mutation suite breaks them one by one: each must
// be seen by the checker, or the rule is worth nothing.
package sim
