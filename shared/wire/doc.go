// Package wire is the MQTT contract between controller, agents and people
// (DESIGN §5): every topic with its builder and parser side by side, every
// message type, and the version. Both ends import it; golden payloads in
// testdata hold the format still.
//
// The order of one life of a session:
//
//	agent                                   controller
//	  │ CONNECT (clean, will on heartbeat)     │
//	  │ SUBSCRIBE lease, desired, commands     │
//	  │ sync: hello {applied_rev, digest} ───▶ │  nothing changed: 20 bytes
//	  │ ◀─── desired: nothing | delta | full   │  else a delta, or the full list
//	  │ sync: pull {spec hashes} ────────────▶ │  only for specs it lacks
//	  │ ◀─── desired: specs                    │
//	  │ ◀─── commands (open ones again)        │  done before: answered from the ledger
//	  │ events (outbox, in order) ───────────▶ │
//	  │ ◀─── lease {acked_outbox}              │  after the Postgres commit
//	  │ heartbeat ───────────────────────────▶ │  every next_hb_ms
//	  │ ◀─── lease {seq, rev, lease_ms}        │  resent after resend_ms if missing
//
// MQTT may lose, double, delay or reorder any of these; nothing here depends
// on it not doing so. Messages carry no secret except Desired and Command,
// which go to one node only.
package wire
