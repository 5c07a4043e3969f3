// Package permit says what of HA containers may run on this node and until
// when: it keeps the node's leases, tells them to the guard, and answers
// whether a container may be started.
//
// What enters: acknowledged heartbeats and accepted desired sets (from link),
// the guard's answers. What leaves: terms to the guard, answers to reconcile.
// It decides by shared/lease alone, and knows neither MQTT nor Docker.
//
//	link ──▶ Acked, Claim ──▶ Desk ◀── Start, Expect, Bind ── reconcile
//	                           │  holder: who may run, until when
//	                           ▼
//	                         guard (another process)
//
// The guard is what a lease is kept by; the desk counts the same leases a
// second time, for whoever asks and for the case that there is no guard any
// more. An agent that comes back takes over what the guard has.
package permit
