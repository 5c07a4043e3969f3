// Package fleet holds the nouns of the product, once: nodes, containers,
// eggs, jobs, commands, people's audit entries; their states with the legal
// transitions; the verbs; and the kinds of error. Everything else in the
// controller speaks in these words.
//
// It knows nothing of HTTP, SQL, MQTT or Docker, and has no clock.
//
// A job as people see it:
//
//	            agent got it        agent did it
//	queued ─────────▶ running ─────────▶ succeeded
//	  │                  ├─────────────▶ failed
//	  ├──────────────────┴─────────────▶ superseded   a newer verb replaced it
//	  └────────────────────────────────▶ expired      its deadline passed first
package fleet
