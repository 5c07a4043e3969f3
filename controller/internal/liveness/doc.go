// Package liveness decides which nodes are alive (FAILOVER §3 and §4).
//
// What enters: what was heard of a node, with the moment it was received.
// What leaves: the node's new state and effects — a lease to send, a change
// to record, a finding to tell. It does no I/O and reads no clock; the only
// clock that counts is the controller's own, at the receipt of a heartbeat.
//
//	           greeted             silence > suspect, or connection lost
//	joining ──────────▶ healthy ─────────────────────────────▶ suspect
//	                     ▲   ▲    heartbeat                    │   │
//	                     │   └─────────────────────────────────┘   │ silence > window,
//	            in sync  │                                         │ all gates open
//	                  returning ◀──────────────────────────── unhealthy
//	                     │          heartbeat                      ▲
//	                     └─────────────────────────────────────────┘
//	                        silence > window, or not in sync in time
//
// Step moves one node; Gates look at the whole fleet and keep a controller
// that was blind (just started, frozen, without Postgres, hearing nobody)
// from deciding anything. Registry is the one owner of both: it serialises
// what is heard, so that no lease can leave after the decision that ends it.
package liveness
