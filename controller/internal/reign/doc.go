// Package reign decides which of several controllers works: one is active, the
// others stand by (FAILOVER §11.1). A controller goes in with its identity,
// its address and the fingerprint of its signing key; what comes out is
// whether it has authority at this moment, and under which term.
//
//	           nobody has a lease,
//	           or it was our own            a later term is seen
//	standing by ────────────────▶ reigning ─────────────────────▶ deposed
//	   │    ▲                      │    ▲                       (Run ends)
//	   └────┘                      └────┘
//	  seen every 3 s              renewed every 3 s
//
// The lease is a row in Postgres and runs on Postgres' clock; every change of
// it is made under one lock, so that there is never more than one. The active
// controller does not look at that row to know whether it may act: it counts
// the lease on its own monotonic clock from the moment before it asked for the
// renewal, less the error of two clocks' rates, and so stops before the row
// does. While Postgres is away that is all it has: when the time is over it
// grants and decides nothing, and goes on when a renewal succeeds.
//
// A lease is 15 s while another controller stands by, as that one waits for
// its end, and 5 minutes while none does, so that a short outage of Postgres
// stops nothing. The first round that finds another one there writes the
// shorter lease in the same transaction; the holder cuts its own count short
// before it does, as the answer may get lost. Somebody who comes cannot cut the
// lease from outside: its holder would go on counting the longer one.
//
// It does not know what authority is good for. Who relies on it asks
// Authority at the moment of the act, and fences what it writes with the
// store's Tx.Reigns.
package reign
