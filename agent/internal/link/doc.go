// Package link speaks for the node to its controller, in the messages of
// shared/wire over one MQTT session.
//
// What enters: leases, desired sets and commands from the controller; the
// ledger's outbox; what the node is. What leaves: heartbeats, hellos, events,
// and logs and meters while somebody watches. What it hears it writes into
// the ledger and wakes reconcile; it never tells the engine to do anything.
//
//	mqttlink ──▶ receive ─┬─ lease ────────▶ heartbeat.go   pulse, clock
//	                      └─ desired,        sync.go        hello, sets, specs
//	                         commands ─────▶ command.go     receipts, deadlines
//	                                    └──▶ streams.go     logs, meters
//	ledger ── outbox ─────────────────────▶ flush.go        events, in order
//
// Each connection has its own conn, with a number that grows and is part of
// every message in both directions: what was meant for another one is
// dropped. A conn has three loops (pulse, sync, flush) and a goroutine for
// each stream; all of them end with the connection.
//
// Two revisions are told apart (see ledger): a delta is taken when it begins
// at or before the accepted one, while hello and heartbeat tell the applied
// one, which lags until what was taken away is gone.
package link
